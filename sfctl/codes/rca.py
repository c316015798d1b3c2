"""Codes 86x: root cause."""

from __future__ import annotations

from sfctl.codes.code import Code

CODES: dict[str, Code] = {}
