"""Codes 85x: incidents."""

from __future__ import annotations

from sfctl.codes.code import Code

CODES: dict[str, Code] = {}
