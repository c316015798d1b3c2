"""JSON in and out for the frozen values: one encoder, one decoder per type, canonical bytes."""

from __future__ import annotations

import hashlib
import json
import threading
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")


_ENCODER = msgspec.json.Encoder()


_DECODERS: dict[type, msgspec.json.Decoder[Any]] = {}
_MAKING = threading.Lock()
"""msgspec shows a type to other threads while it still reads its fields: they would crash."""


def encode(value: object) -> bytes:
    """Return compact JSON in field order."""
    return _ENCODER.encode(value)


def decode(data: bytes | str, kind: type[T]) -> T:
    """Read JSON as `kind`. Raises msgspec.ValidationError or msgspec.DecodeError."""
    result: T = _decoder(kind).decode(data)
    return result


def made(value: object, kind: type[T]) -> T:
    """Make a `kind` of dicts, lists and scalars. Raises msgspec.ValidationError."""
    _decoder(kind)
    return msgspec.convert(value, kind)


def _decoder(kind: type) -> msgspec.json.Decoder[Any]:
    found = _DECODERS.get(kind)
    if found is None:
        with _MAKING:
            found = _DECODERS.setdefault(kind, msgspec.json.Decoder(kind))
    return found


def plain(value: object) -> Any:
    """Return dicts, lists and scalars only."""
    return msgspec.to_builtins(value)


def canonical(value: object) -> bytes:
    """Return JSON with sorted keys and no spaces: the bytes that digests are taken over.

    A value of ours is read back first: whether a default is written must not hang on whether its
    text is the very object of the declaration, which is what the encoder asks.
    """
    if isinstance(value, msgspec.Struct):
        value = decode(encode(value), type(value))
    return json.dumps(
        plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False
    ).encode()


def digest(value: object) -> str:
    """Return `sha256:…` over the canonical bytes."""
    return "sha256:" + hashlib.sha256(canonical(value)).hexdigest()
