"""Codes 84x: the causal graph."""

from __future__ import annotations

from sfctl.codes.code import Code

CODES: dict[str, Code] = {}
