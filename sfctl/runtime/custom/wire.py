"""What parent and child say to each other: one byte of kind, eight of length, then a body."""

from __future__ import annotations

import struct

LOAD, ROWS = b"L", b"R"
"""To the child: a function to import (JSON), rows for one (4 bytes of number, an Arrow stream)."""
READY, ANSWERS, RAISED, WRONG, MEMORY, REFUSED = b"r", b"a", b"x", b"w", b"m", b"f"
"""From it: imported; a byte a row; the class of what was raised; and why there is no answer."""

HEAD = struct.Struct(">cQ")
NUMBER = struct.Struct(">I")


def frame(kind: bytes, body: bytes) -> bytes:
    """Return one message as it goes over the pipe."""
    return HEAD.pack(kind, len(body)) + body
