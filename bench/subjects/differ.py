"""How a peer's script is given generated cases: a folder in, one JSON file of answers out."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

Rule = dict[str, Any]
Answer = dict[str, Any]
UNITS = {"h": 3600, "d": 86400}


def drive(load: Callable[[str], Any], answer: Callable[[Rule, Any], Answer | None]) -> None:
    """Answer every case of `FOLDER/cases.json` into the file OUT: `differ FOLDER OUT`.

    `answer` gives verdict and, where the peer tells it, failing rows; None for a rule that the
    peer has no words for. What it raises is the answer `error`.
    """
    drive_tables(load, lambda rules, frame: [_tried(answer, rule, frame) for rule in rules])


def drive_tables(
    load: Callable[[str], Any], answer: Callable[[list[Rule], Any], list[Answer | None]]
) -> None:
    """The same for a peer that judges all rules of a table at once."""
    folder, out = Path(sys.argv[1]), Path(sys.argv[2])
    by_table: dict[str, list[tuple[str, Rule]]] = {}
    for case in json.loads((folder / "cases.json").read_text()):
        by_table.setdefault(case["table"], []).append((case["id"], case["rule"]))
    found: dict[str, Answer] = {}
    for table, cases in by_table.items():
        answers = answer([rule for _, rule in cases], load(str(folder / f"{table}.parquet")))
        for (name, _), one in zip(cases, answers, strict=True):
            if one is not None:
                found[name] = one
    out.write_text(json.dumps(found, default=str))


def _tried(answer: Callable[[Rule, Any], Answer | None], rule: Rule, frame: Any) -> Answer | None:
    try:
        return answer(rule, frame)
    except Exception as error:
        return {"verdict": "error", "failed": None, "reason": f"{type(error).__name__}: {error}"}


def verdict(passed: object, failed: object = None) -> Answer:
    """Return an answer."""
    count = None if failed is None else int(failed)  # type: ignore[call-overload]
    return {"verdict": "pass" if passed else "fail", "failed": count}


def typed(value: Any, column: str) -> Any:
    """Return a written value as the type its column has, which its name begins with."""
    family = column.partition("_")[0]
    if value is None:
        return None
    if family == "decimals":
        return Decimal(str(value))
    if family == "days":
        return date.fromisoformat(value)
    if family in ("naives", "instants", "zoned"):
        return datetime.fromisoformat(value)
    return float(value) if family == "floats" else value


def ends(rule: Rule, column: str = "") -> tuple[Any, Any, bool, bool]:
    """Return lower and upper bound, None where there is none, and whether each is exclusive."""
    below, above = "exclusive_min" in rule, "exclusive_max" in rule
    low = rule.get("exclusive_min" if below else "min")
    high = rule.get("exclusive_max" if above else "max")
    return typed(low, column), typed(high, column), below, above


def share(text: object) -> float:
    """Return a share as a number; a count of rows is none."""
    return float(str(text).rstrip("%")) / 100


def oldest(rule: Rule, now: str) -> datetime:
    """Return the moment a `freshness` rule reaches back to."""
    age = str(rule["max_age"])
    return datetime.fromisoformat(now) - timedelta(seconds=int(age[:-1]) * UNITS[age[-1]])
