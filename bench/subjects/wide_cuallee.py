"""The wide policy in cuallee on Polars: one check with every rule in it."""

import polars as pl
from cuallee import Check, CheckLevel

from bench.subjects import differ_cuallee as one
from bench.subjects import wide
from bench.subjects.differ import share
from bench.subjects.wide import Judge, Rule


def expresses(rule: Rule) -> bool:
    frame = pl.DataFrame({name: [] for name in rule["columns"]})
    return one.add(Check(CheckLevel.WARNING, "one"), rule, rule.get("field", ""), {}, frame)


def prepare(rules: list[Rule], frame: pl.DataFrame) -> Judge:
    check = Check(CheckLevel.WARNING, "wide")
    for rule in rules:
        pct = {"pct": 1 - share(rule["threshold"])} if "threshold" in rule else {}
        one.add(check, rule, rule.get("field", ""), pct, frame)

    def judge(held: pl.DataFrame) -> int:
        return int((check.validate(held)["status"] == "FAIL").sum())

    return judge


def load(file: str, columns: list[str]) -> pl.DataFrame:
    return pl.read_parquet(file, columns=columns)


wide.drive(expresses, load, prepare)
