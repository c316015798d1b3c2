"""Sessions that read SQL, compare and compute in their own way, and mean the same by a rule."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

SESSIONS = {
    "ANSI off": {"spark.sql.ansi.enabled": "false"},
    "New York": {"spark.sql.session.timeZone": "America/New_York"},
    "case-sensitive": {"spark.sql.caseSensitive": "true"},
    "backslashes as they are": {"spark.sql.parser.escapedStringLiterals": "true"},
    "moments without zone": {"spark.sql.timestampType": "TIMESTAMP_NTZ"},
    "no loss of precision": {"spark.sql.decimalOperations.allowPrecisionLoss": "false"},
    "all at once": {
        "spark.sql.ansi.enabled": "false",
        "spark.sql.session.timeZone": "Asia/Kathmandu",
        "spark.sql.caseSensitive": "true",
        "spark.sql.parser.escapedStringLiterals": "true",
        "spark.sql.decimalOperations.allowPrecisionLoss": "false",
        "spark.sql.timestampType": "TIMESTAMP_NTZ",
        "spark.sql.legacy.literal.pickMinimumPrecision": "false",
        "spark.sql.legacy.exponentLiteralAsDecimal.enabled": "true",
        "spark.sql.codegen.wholeStage": "false",
    },
}


@contextmanager
def session(spark: Any, settings: Mapping[str, str]) -> Iterator[None]:
    """Let a session have these settings, and afterwards those it had."""
    before = {name: spark.conf.get(name, None) for name in settings}
    for name, value in settings.items():
        spark.conf.set(name, value)
    try:
        yield
    finally:
        for name, old in before.items():
            if old is None:
                spark.conf.unset(name)
            else:
                spark.conf.set(name, old)
