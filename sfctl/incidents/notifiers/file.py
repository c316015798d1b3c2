"""Appends notices to a file of JSON lines inside the project."""

from __future__ import annotations

import os
from pathlib import Path

from sfctl.incidents.notifiers.webhook import Refused
from sfctl.model import codec

DEFAULT = ".sfctl/notices.jsonl"


def append(root: Path, address: str, body: object) -> None:
    """Append one line to a file given relative to the project. Raises Refused."""
    path = inside(root, address or DEFAULT)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        with os.fdopen(handle, "ab") as file:
            file.write(codec.encode(body) + b"\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise Refused(f"the file cannot be written ({error.strerror})") from None


def inside(root: Path, address: str) -> Path:
    """Return the file of an address. Raises Refused for one that is not inside the project."""
    home = root.resolve()
    path = (home / address.removeprefix("file://")).resolve()
    if home not in path.parents:
        raise Refused("its file is not inside the project")
    return path
