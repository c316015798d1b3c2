"""The process a custom rule runs in: loads functions as they are named, answers batch by batch.

Knows neither policy nor keys, writes to nothing but its pipe, and ends with its parent.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import signal
import sys
import threading
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from sfctl.runtime.custom import answers, pinned, wire

SLACK = 1 << 30
"""What imports, thread stacks and reserved memory may take beside the cap, in bytes."""

Function = Callable[[Any], Any]


def main(reading: int, writing: int, life: int, parent: int) -> None:
    """Serve requests until the parent closes its end."""
    _end_with(parent, life)
    own = os.getpid()
    functions: list[Function] = []
    finders: dict[tuple[str, str], pinned.PinnedFinder] = {}
    while True:
        kind, body = _receive(reading)
        if kind == wire.LOAD:
            reply, text = _load(json.loads(body), functions, finders)
        else:
            (number,) = wire.NUMBER.unpack_from(body)
            reply, text = _answer(functions[number], body[wire.NUMBER.size :])
        if os.getpid() != own:
            os._exit(0)  # a fork of the function's that came back as if it were the child
        try:
            _send(writing, wire.frame(reply, text))
        except OSError:  # the function closed what was not its own
            os._exit(1)


def _load(
    asked: dict[str, Any],
    functions: list[Function],
    finders: dict[tuple[str, str], pinned.PinnedFinder],
) -> tuple[bytes, bytes]:
    name = asked["function"]
    try:  # now, so that no rule is timed by our imports
        import pyarrow as pa
        import pyarrow.compute

        pa.set_memory_pool(pa.system_memory_pool())
    except ImportError:
        return wire.REFUSED, b"needs pyarrow: pip install 'sfctl[arrow]'"
    key = (asked["base"], asked["package"])
    if key not in finders:
        finders[key] = pinned.PinnedFinder(*key, {})
        pinned.install(finders[key])
        sys.path[:] = [entry for entry in sys.path if _elsewhere(entry, asked["root"])]
    finders[key].pins = {**finders[key].pins, **asked["pins"]}
    _limit(asked["memory"] + SLACK)
    try:
        function: Any = import_module(name.partition(":")[0])
        function = getattr(function, name.partition(":")[2])
    except (ImportError, AttributeError, SyntaxError) as error:
        return wire.REFUSED, _said(f"cannot be imported: {error}")
    except MemoryError:
        return wire.MEMORY, b""
    except BaseException as error:  # noqa: BLE001  an exit is none of ours
        return wire.REFUSED, _said(f"raised {answers.class_name(error)} when it was imported")
    if not callable(function):
        return wire.REFUSED, b"is no function"
    functions.append(function)
    return wire.READY, b""


def _answer(function: Function, stream: bytes) -> tuple[bytes, bytes]:
    import pyarrow as pa

    try:
        batch = answers.record_batch(pa.ipc.open_stream(stream).read_all())
    except MemoryError:
        return wire.MEMORY, b""
    except Exception as error:  # noqa: BLE001  a type that Arrow here does not know
        return wire.REFUSED, _said(f"cannot be handed these columns: {answers.class_name(error)}")
    rows = batch.num_rows
    try:
        return wire.ANSWERS, answers.truths(function(batch), rows)
    except answers.WrongAnswer as error:
        return wire.WRONG, _said(str(error))
    except pinned.Unpinned as error:
        return wire.REFUSED, _said(f"imports more than it is made of: {error}")
    except MemoryError:
        return wire.MEMORY, b""
    except BaseException as error:  # noqa: BLE001  an exit in it must not pass for a pass
        return wire.RAISED, _said(answers.class_name(error))


def _said(text: str) -> bytes:
    return " ".join(text.split()).encode()[:300]


def _elsewhere(entry: str, root: str) -> bool:
    """The project's folder is served by the pinned finder, and by nothing else."""
    return Path(entry or ".").absolute() != Path(root)


def _limit(room: int) -> None:
    """Bound what may yet be allocated; the parent watches closer what is really held."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        pages = int(Path("/proc/self/statm").read_text().split()[5])
        held = pages * resource.getpagesize()
        hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
        resource.setrlimit(resource.RLIMIT_DATA, (held + room, hard))


def _end_with(parent: int, life: int) -> None:
    """End when the parent does, however it ended, and take the whole group along."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    if os.getppid() != parent:
        os._exit(0)

    def watch() -> None:
        with contextlib.suppress(OSError):
            os.read(life, 1)
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=watch, daemon=True, name="sfctl-life").start()


def _receive(reading: int) -> tuple[bytes, bytes]:
    kind, length = wire.HEAD.unpack(_read(reading, wire.HEAD.size))
    return kind, _read(reading, length)


def _read(reading: int, length: int) -> bytes:
    found = bytearray()
    while len(found) < length:
        piece = os.read(reading, min(length - len(found), 1 << 20))
        if not piece:
            os._exit(0)
        found += piece
    return bytes(found)


def _send(writing: int, message: bytes) -> None:
    view = memoryview(message)
    while view:
        view = view[os.write(writing, view) :]
