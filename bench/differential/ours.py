"""What sfctl says of each case, through what stands behind `sfctl check FILE --policy FILE`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from bench.differential.columns import TYPES, family_of
from bench.differential.now import NOW
from bench.differential.rules import Case
from sfctl.commands.checking import checked
from sfctl.compiler.check import policy_for_check
from sfctl.errors import SpecError
from sfctl.model.verdict import RuleResult
from sfctl.runtime.core.judge import Surroundings, judge

AT = datetime.fromisoformat(NOW)
KEYS = "ds://reference/keys"


def answers(folder: Path, cases: Iterable[Case]) -> dict[str, dict[str, Any]]:
    """Return verdict, failing and evaluated rows and the measured number of each case, by its id.

    A rule that the compiler refuses has the verdict `refused` and the codes of its problems.
    """
    found: dict[str, dict[str, Any]] = {}
    file = folder / "case.policy.yaml"
    for case in cases:
        file.write_text(json.dumps(bundle(case), ensure_ascii=False))
        source = str(folder / f"{case.table}.parquet")
        try:
            found[case.id] = (
                _foreign(case, source, file)
                if case.kind == "foreign_key"
                else _plain(checked(source, file, "silver", AT).payload["rules"][0])
            )
        except SpecError as error:
            codes = sorted({problem.code for problem in error.problems})
            found[case.id] = {"verdict": "refused", "failed": None, "reason": " ".join(codes)}
    return found


def bundle(case: Case) -> dict[str, Any]:
    """Return the policy bundle of one case; columns are declared, as in a project."""
    rule = {key: value for key, value in case.rule.items() if key != "keys"}
    if case.kind == "foreign_key":
        rule["references"] = {"dataset": KEYS, "field": "key"}
    columns = columns_of(case)
    declared = [{"field": name, "type": TYPES[family_of(name)]} for name in columns]
    written: dict[str, Any] = {"dq": {"rules": [{"id": "the_rule", **rule}]}}
    if case.kind != "type" and declared:
        written["schema"] = {"mode": "breaking", "constraints": declared}
    return written


def columns_of(case: Case) -> list[str]:
    """Return the columns a rule names."""
    words = " ".join(str(case.rule.get(key, "")) for key in ("expression", "where"))
    named = [word.strip("()") for word in words.split()]
    found = [case.column, *case.rule.get("fields", ()), *named]
    return list(dict.fromkeys(name for name in found if family_of(name) in TYPES and "_" in name))


def _plain(rule: dict[str, Any]) -> dict[str, Any]:
    return {
        "verdict": rule["status"], "failed": rule["failed"], "evaluated": rule["evaluated"],
        "measured": rule["measured"], "surplus": rule["surplus"], "reason": rule["reason"],
    }  # fmt: skip


def _foreign(case: Case, source: str, file: Path) -> dict[str, Any]:
    import polars as pl

    policy, _ = policy_for_check(file)
    keys = pl.LazyFrame({"key": case.rule["keys"]})
    around = Surroundings(references=lambda _: keys)
    found: RuleResult = judge(source, policy, "silver", now=AT, around=around).rules[0]
    return {
        "verdict": found.status, "failed": found.failed, "evaluated": found.evaluated,
        "measured": None, "surplus": None, "reason": found.reason,
    }  # fmt: skip
