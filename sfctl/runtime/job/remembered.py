"""Fingerprints that were computed once for the columns an engine showed, kept beside the store."""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path

import msgspec

from sfctl.model import codec
from sfctl.model.schema import Schema

MOST = 64
"""How many sets of columns a stage remembers; the oldest make room."""
_MODEL = b"1"
"""Raised when the canonical text of a type changes, so that nothing older is believed."""


class Remembered(msgspec.Struct, frozen=True):
    """One stage of a dataset: the format and shape last published, and fingerprints by key."""

    format: str = ""
    shape: str = ""
    known: dict[str, tuple[str, str]] = {}


def key_of(seen: Schema, basis: str) -> str:
    """Return a digest of what an engine says of columns, and of what else is known of them."""
    text = repr([(column.name, str(column.type), column.nullable) for column in seen.columns])
    told = f"{basis}\n{text}".encode(errors="surrogatepass")
    return hashlib.blake2b(told, key=_MODEL, digest_size=16).hexdigest()


def recall(file: Path, stage: str) -> Remembered:
    """Return what is remembered of a stage; nothing where the file is not there or damaged."""
    return _read(file).get(stage, Remembered())


def remember(file: Path, stage: str, what: Remembered) -> None:
    """Keep what is known of a stage. A folder that cannot be written costs only the memory."""
    stages = _read(file)
    newest = dict(list(what.known.items())[-MOST:])
    what = msgspec.structs.replace(what, known=newest)
    if stages.get(stage) == what:
        return
    draft = file.with_name(f"{file.name}.{os.getpid()}.tmp")
    with contextlib.suppress(OSError):
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            draft.write_bytes(msgspec.json.encode({**stages, stage: what}))
            draft.replace(file)
        finally:
            draft.unlink(missing_ok=True)


def _read(file: Path) -> dict[str, Remembered]:
    try:
        return codec.decode(file.read_bytes(), dict[str, Remembered])
    except (OSError, ValueError, RecursionError):
        return {}
