"""Where a channel leads, read at the moment something is sent: addresses may be secrets."""

from __future__ import annotations

import os
import re
from pathlib import Path

from sfctl.incidents.notifiers.webhook import Refused
from sfctl.model.manifest import ChannelEntry

_CALL = re.compile(r"\{\{\s*(env_var|file)\(\s*['\"]([^'\"]+)['\"]\s*\)\s*\}\}")
_LARGEST = 64 * 1024


def address_of(channel: ChannelEntry, root: Path) -> str:
    """Return a channel's address; what it takes from variables and files is filled in now.

    Raises Refused where one is not there: it may be, at the next try. Says names, never values.
    """
    if not channel.address_from:
        return channel.address
    return _CALL.sub(lambda call: _value(call[1], call[2], root), channel.address_from)


def _value(source: str, name: str, root: Path) -> str:
    if source == "env_var":
        found = os.environ.get(name)
        if not found:
            raise Refused(f"its address is in the variable {name}, which is not set here")
        return found.strip()
    path = (root / name).resolve()
    try:
        if not path.is_relative_to(root.resolve()):
            raise OSError
        with path.open("rb") as stream:
            return stream.read(_LARGEST).decode().strip()
    except (OSError, UnicodeDecodeError):
        raise Refused(f"its address is in the file {name}, which cannot be read") from None
