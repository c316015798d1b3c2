"""The newest schema of a subject as a run asks for it: from a cache of five minutes, kept on disk.

A registry that does not answer in time leaves the last schema that is known, in this process or
in one before it, and the reason. It is asked again when the cache is old: it recovers by itself.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from sfctl.clock import format_instant, parse_instant
from sfctl.errors import SfctlError
from sfctl.model import urn
from sfctl.registry.port import Registered, SchemaRegistry

FOLDER = "registry"
TTL = timedelta(minutes=5)
TIMEOUT_S = 1.0
"""How long a write waits for the registry."""


class Known(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is known of a subject: the newest schema, None where none is registered.

    `trouble` says why the registry did not answer at `asked_at`; empty when it did. `answered_at`
    is when it last did, empty where it never has.
    """

    asked_at: str
    answered_at: str = ""
    registered: Registered | None = None
    trouble: str = ""


class Cache:
    """Answers by subject, in `folder` below the project's store.

    `registry` opens the registry; it is called once. What was asked before `since`, the time the
    project was compiled, is asked again: a compile brings what was registered before it.
    """

    def __init__(
        self,
        registry: Callable[[], SchemaRegistry],
        folder: Path,
        *,
        since: str = "",
        timeout: float = TIMEOUT_S,
    ) -> None:
        self._open = registry
        self._opened: SchemaRegistry | None = None
        self._folder = folder / FOLDER
        self._since = since
        self._timeout = timeout
        self._known: dict[str, Known] = {}
        self._lock = threading.Lock()

    def latest(self, subject: str, now: datetime) -> Known:
        """Return what is known of a subject. Never raises, and waits no longer than its time."""
        with self._lock:
            known = self._known.get(subject) or self._kept(subject)
            if known is None or not self._fresh(known, now):
                known = self._asked(subject, known, format_instant(now))
            self._known[subject] = known
            return known

    def _fresh(self, known: Known, now: datetime) -> bool:
        asked = parse_instant(known.asked_at)
        if not now - TTL < asked <= now:
            return False
        since = parse_instant(self._since) if self._since else asked
        return asked >= since or since > now

    def _asked(self, subject: str, before: Known | None, at: str) -> Known:
        if before is not None and before.answered_at:
            # others that start now need not ask as well
            self._keep(subject, msgspec.structs.replace(before, asked_at=at))
        answer, trouble = self._within(lambda: self._registry().latest(subject))
        if not trouble:
            known = Known(at, at, answer)
        elif before is None:
            known = Known(at, trouble=trouble)
        else:
            known = msgspec.structs.replace(before, asked_at=at, trouble=trouble)
        self._keep(subject, known)
        return known

    def _registry(self) -> SchemaRegistry:
        if self._opened is None:
            self._opened = self._open()
        return self._opened

    def _within(self, ask: Callable[[], Registered | None]) -> tuple[Registered | None, str]:
        answers: list[Registered | None] = []
        trouble: list[str] = []

        def attempt() -> None:
            try:
                answers.append(ask())
            except SfctlError as error:
                trouble.append(f"{error.code} {error}")
            except BaseException as error:  # noqa: BLE001  a registry's fault is no fault of the job
                trouble.append(type(error).__name__)

        asking = threading.Thread(target=attempt, daemon=True, name="sfctl-registry")
        asking.start()
        asking.join(self._timeout)
        if answers:
            return answers[0], ""
        return None, trouble[0] if trouble else f"no answer within {self._timeout:g} s"

    def _kept(self, subject: str) -> Known | None:
        try:
            known = msgspec.json.decode(self._path(subject).read_bytes(), type=Known)
            parse_instant(known.asked_at)
            if known.registered is not None:
                known.registered.schema()
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None
        return known if known.registered is None or known.registered.subject == subject else None

    def _keep(self, subject: str, known: Known) -> None:
        path = self._path(subject)
        draft = path.with_name(f"{path.name}.{os.getpid()}.tmp")
        with contextlib.suppress(OSError):
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                draft.write_bytes(msgspec.json.encode(known))
                draft.replace(path)
            finally:
                draft.unlink(missing_ok=True)

    def _path(self, subject: str) -> Path:
        return self._folder / f"{urn.slug(subject)}.json"
