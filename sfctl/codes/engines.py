"""Codes 82x: signal engines."""

from __future__ import annotations

from sfctl.codes.code import Code

CODES: dict[str, Code] = {}
