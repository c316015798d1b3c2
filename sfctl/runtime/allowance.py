"""The seconds that gates may take, which grow with the rows."""

from __future__ import annotations

ROWS = 50_000
SECONDS = {
    "G1_RESOLUTION": 0.05, "G2_IDENTITY": 0.1, "G3_SCHEMA": 0.2, "G4_CONTRACT": 5.0,
    "G5_PII": 10.0, "DQ": 5.0,
}  # fmt: skip
"""Allowed per `ROWS` rows, by gate."""

START_S = 10.0
"""What starting a process for custom rules and importing a rule's module may take."""
