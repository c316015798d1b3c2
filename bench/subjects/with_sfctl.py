"""The rules in sfctl, from the same policy file that `sfctl check` is given."""

from datetime import UTC, datetime

import polars as pl

from bench.places import POLICY
from bench.subjects.frame import load
from bench.subjects.session import drive
from sfctl.compiler.policy import compile_policy
from sfctl.model.policy import Policy
from sfctl.model.verdict import Judgement
from sfctl.runtime.core.judge import judge as judged
from sfctl.runtime.core.split import Split
from sfctl.runtime.core.split import split as divided
from sfctl.spec.policy_file import load_policy_file

NOW = datetime(2026, 1, 1, tzinfo=UTC)
KNOWN: dict[int, Judgement] = {}


def policy_for(schema: pl.Schema) -> Policy:
    files, problems = load_policy_file(POLICY)
    assert files is not None, problems
    policy, found = compile_policy(files, columns=tuple(schema.names()))
    assert not [problem for problem in found if problem.severity == "error"], found
    return policy


def prepared(file: str, named: bool) -> tuple[pl.DataFrame, Policy]:
    frame = load(file, named)
    return frame, policy_for(frame.schema)


def judge(held: tuple[pl.DataFrame, Policy]) -> dict[str, int]:
    found = judged(*held, "silver", now=NOW)
    return {rule.id: rule.failed for rule in found.rules}


def split(held: tuple[pl.DataFrame, Policy]) -> dict[str, int]:
    frame, policy = held
    judgement = judged(frame, policy, "silver", now=NOW)
    return _sides(divided(frame, policy, "silver", judgement=judgement))


def split_judged(held: tuple[pl.DataFrame, Policy]) -> dict[str, int]:
    frame, policy = held
    judgement = KNOWN.get(id(frame)) or judged(frame, policy, "silver", now=NOW)
    KNOWN[id(frame)] = judgement
    return _sides(divided(frame, policy, "silver", judgement=judgement))


def _sides(sides: Split) -> dict[str, int]:
    return {"good": sides.good.height, "bad": sides.bad.height}


def cold(file: str) -> dict[str, int]:
    source = pl.scan_parquet(file)
    found = judged(source, policy_for(source.collect_schema()), "silver", now=NOW)
    return {rule.id: rule.failed for rule in found.rules}


drive(cold, prepared, judge=judge, split=split, split_judged=split_judged)
