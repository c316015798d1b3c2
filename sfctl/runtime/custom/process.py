"""A child process that is asked and answers, or is killed: never waited for beyond its time."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from sfctl.runtime.custom import wire

TICK_S = 0.02
"""How often memory and life of a silent child are looked at."""
_BOOT = (
    "import json, sys; told = json.loads(sys.argv[1]); sys.path[:] = told['path']; "
    "from sfctl.runtime.custom.child import main; main(*told['given'])"
)
_ONE_CORE = {
    "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1",
    "POLARS_MAX_THREADS": "1",
}  # fmt: skip
"""Libraries that take a thread, and memory for it, per core do so once; variables set win."""


class ChildError(Exception):
    """The child gave no answer and is gone; `str()` says why."""


class Child:
    """A fresh interpreter in a process group of its own, its output thrown away.

    What it prints may hold values of rows, so it is not even kept. Raises OSError where no process
    can be started.
    """

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        ends: list[int] = []
        try:
            ends += (*os.pipe(), *os.pipe(), *os.pipe())
            self._process = self._started(ends, folder, environ)
        except BaseException:
            for end in ends:
                os.close(end)
            raise
        theirs, self._writing, self._reading, back, life, self._life = ends
        for end in (theirs, back, life):
            os.close(end)
        os.set_blocking(self._writing, False)
        os.set_blocking(self._reading, False)
        self._base = 0

    @staticmethod
    def _started(
        ends: list[int], folder: Path, environ: Mapping[str, str]
    ) -> subprocess.Popen[bytes]:
        theirs, back, life = ends[0], ends[3], ends[4]
        package = str(Path(__file__).resolve().parents[3])
        told = {"path": [*search_path(), package], "given": [theirs, back, life, os.getpid()]}
        return subprocess.Popen(
            [sys.executable, "-P", "-c", _BOOT, json.dumps(told)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=folder,
            env={**_ONE_CORE, **environ},
            pass_fds=(theirs, back, life),
            start_new_session=True,
        )

    def ask(
        self, kind: bytes, body: bytes, *, seconds: float, memory: int | None, longest: int
    ) -> tuple[bytes, bytes]:
        """Return kind and body of the answer, of at most `longest` bytes.

        `memory` is how many bytes it may hold beyond what it held at `settle`. Raises ChildError
        when it does not answer in time or at all; it is killed then, with all it has started.
        """
        try:
            return self._exchange(wire.frame(kind, body), seconds, memory, longest)
        except BaseException:
            self.close()
            raise

    def settle(self) -> None:
        """Take what the child holds now for its own, not the rule's."""
        self._base = self._held()

    def close(self) -> None:
        """Kill the child and its group, and let go of the pipes. Safe to repeat."""
        with contextlib.suppress(OSError):
            os.killpg(self._process.pid, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=1)
        for end in (self._writing, self._reading, self._life):
            if end >= 0:
                os.close(end)
        self._writing = self._reading = self._life = -1

    def _exchange(
        self, message: bytes, seconds: float, memory: int | None, longest: int
    ) -> tuple[bytes, bytes]:
        ends_at = time.monotonic() + seconds
        outgoing, incoming = memoryview(message), bytearray()
        poll = select.poll()
        poll.register(self._reading, select.POLLIN)
        poll.register(self._writing, select.POLLOUT)
        while True:
            left = ends_at - time.monotonic()
            if left <= 0:
                raise ChildError(f"took longer than {seconds:.3g} s and was stopped")
            ready = dict(poll.poll(max(1, round(min(left, TICK_S) * 1000))))
            if self._writing in ready and outgoing:
                outgoing = self._sent(outgoing)
                if not outgoing:
                    poll.unregister(self._writing)
            if self._reading in ready:
                self._take(incoming, longest)
                if (found := _whole(incoming, longest)) is not None:
                    return found
            elif not ready and self._process.poll() is not None:
                raise ChildError(self._ended())
            if memory is not None and self._held() - self._base > memory:
                raise ChildError(f"held more than {memory >> 20} MiB and was stopped")

    def _sent(self, outgoing: memoryview) -> memoryview:
        try:
            return outgoing[os.write(self._writing, outgoing[: 1 << 20]) :]
        except BlockingIOError:
            return outgoing
        except OSError:
            raise ChildError(self._ended()) from None

    def _take(self, incoming: bytearray, longest: int) -> None:
        with contextlib.suppress(BlockingIOError):
            piece = os.read(self._reading, 1 << 20)
            if not piece:
                raise ChildError(self._ended())
            incoming += piece
        if len(incoming) > longest + wire.HEAD.size:
            raise ChildError("answered more than was asked")

    def _ended(self) -> str:
        """Say how the child ended; one that merely closed its end of the pipe is killed."""
        try:
            code = self._process.wait(timeout=1)
        except subprocess.TimeoutExpired:
            return "closed the way back and was stopped"
        if code < 0:
            with contextlib.suppress(ValueError):
                return f"was ended by {signal.Signals(-code).name}"
        return f"ended its process (exit code {code})"

    def _held(self) -> int:
        """Return the bytes that the child holds, mapped files apart; 0 where nobody tells."""
        try:
            with open(f"/proc/{self._process.pid}/status", "rb") as handle:
                told = dict(line.split(b":", 1) for line in handle)
            return sum(int(told[name].split()[0]) << 10 for name in (b"RssAnon", b"RssShmem"))
        except (OSError, ValueError, KeyError):
            return 0


def search_path() -> list[str]:
    """Return where this interpreter looks for modules, none of it relative."""
    return [os.path.abspath(str(entry)) for entry in sys.path]  # noqa: PTH100  zips are no paths


def _whole(incoming: bytearray, longest: int) -> tuple[bytes, bytes] | None:
    if len(incoming) < wire.HEAD.size:
        return None
    kind, length = wire.HEAD.unpack_from(incoming)
    if length > longest:
        raise ChildError("answered more than was asked")
    end = wire.HEAD.size + length
    return (kind, bytes(incoming[wire.HEAD.size : end])) if len(incoming) >= end else None
