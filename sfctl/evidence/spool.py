"""The reading end of an outbox file: events with their places, and the lines that are damaged."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from sfctl.model import evidence
from sfctl.model.evidence import Evidence

CHUNK_BYTES = 4 * 2**20


@dataclass(frozen=True, slots=True)
class Chunk:
    """A stretch of a file from some offset to `end`: whole lines only."""

    events: tuple[Evidence, ...]
    damaged: tuple[bytes, ...]
    end: int


def chunks(path: Path, start: int = 0, *, finished: bool = False) -> Iterator[Chunk]:
    """Yield the file's lines from byte `start` on, about 4 MiB at a time.

    A last line without its end is left alone, unless the file is `finished`: then it is damaged.
    """
    with path.open("rb") as stream:
        stream.seek(start)
        while data := stream.read(CHUNK_BYTES):
            data += stream.readline()
            whole = data if finished else data[: data.rfind(b"\n") + 1]
            if not whole:
                return
            start += len(whole)
            yield _parse(whole, start)
            if len(whole) < len(data):
                return


def _parse(data: bytes, end: int) -> Chunk:
    events: list[Evidence] = []
    damaged: list[bytes] = []
    for line in data.split(b"\n"):
        if not line:
            continue
        event = _event(line)
        if event is None:
            damaged.append(line)
        else:
            events.append(event)
    return Chunk(tuple(events), tuple(damaged), end)


def _event(line: bytes) -> Evidence | None:
    try:
        if int(line[:8], 16) != zlib.crc32(line[9:]):
            return None
        return evidence.decode(line[9:])
    except (ValueError, msgspec.DecodeError, RecursionError):
        return None
