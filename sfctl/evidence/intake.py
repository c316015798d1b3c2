"""Read a file of events from elsewhere: JSON Lines, one JSON object over many lines, or a list."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from sfctl.clock import format_instant
from sfctl.errors import SourceError
from sfctl.evidence.port import DeadLetter
from sfctl.evidence.sanitizer import clean_message
from sfctl.model import codec


def documents(
    file: str, received: datetime, origin: str
) -> Iterator[tuple[int, dict[str, Any] | DeadLetter]]:
    """Yield (line, JSON object or why it is none) for every event in a file; `-` is stdin.

    Raises SourceError when the file cannot be read.
    """
    if file == "-":
        yield from _lines(sys.stdin.buffer, received, origin)
        return
    try:
        with Path(file).open("rb") as stream:
            yield from _lines(stream, received, origin)
    except OSError as error:
        raise SourceError(f"cannot read {file}: {error.strerror}", code="SF501") from error


def _lines(
    stream: BinaryIO, received: datetime, origin: str
) -> Iterator[tuple[int, dict[str, Any] | DeadLetter]]:
    for number, line in enumerate(stream, start=1):
        text = line.strip()
        if not text:
            continue
        parsed = _parse(text)
        if parsed is None and number == 1 and text[:1] in (b"{", b"["):
            rest = stream.read()
            if (whole := _parse(line + rest)) is not None:
                yield from ((1, each) for each in _objects(whole, received, origin))
                return
            yield from ((1, each) for each in _objects(None, received, origin, text))
            for place, each in _lines(BytesIO(rest), received, origin):
                yield place + 1, each
            return
        yield from ((number, each) for each in _objects(parsed, received, origin, text))


def _parse(text: bytes) -> Any:
    try:
        return codec.decode(text, object)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _objects(
    parsed: Any, received: datetime, origin: str, text: bytes = b""
) -> Iterator[dict[str, Any] | DeadLetter]:
    for each in parsed if isinstance(parsed, list) else [parsed]:
        if isinstance(each, dict):
            yield each
        else:
            body = clean_message(text.decode("utf-8", "replace"))
            detail = "the line is not a JSON object"
            yield DeadLetter(format_instant(received), "NOT_JSON", detail, origin, body)
