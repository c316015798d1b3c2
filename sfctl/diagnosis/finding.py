"""One thing that was looked at, how it is, and the line that mends it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Status = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Examined:
    """`detail` says what was found, `remedy` the command or setting that mends it."""

    name: str
    status: Status
    detail: str
    remedy: str = ""
    code: str = ""
