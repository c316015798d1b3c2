"""Codes 88x: personal data."""

from __future__ import annotations

from sfctl.codes.code import Code

CODES: dict[str, Code] = {}
