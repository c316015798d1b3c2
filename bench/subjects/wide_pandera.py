"""The wide policy in pandera on Polars: one schema with every rule in it."""

import pandera.polars as pa
import polars as pl

from bench.subjects import differ_pandera as one
from bench.subjects import wide
from bench.subjects.wide import Judge, Rule


def expresses(rule: Rule) -> bool:
    if "threshold" in rule or "where" in rule:
        return False
    known = (*one.BATCH, "not_null", "expression", "unique")
    return rule["kind"] in known or one.check(rule, rule.get("field", "")) is not None


def prepare(rules: list[Rule], frame: pl.DataFrame) -> Judge:
    checks: dict[str, list[pa.Check]] = {}
    filled: set[str] = set()
    together: list[pa.Check] = []
    keys: list[str] = []
    for rule in rules:
        kind, column = rule["kind"], rule.get("field", "")
        if kind == "not_null":
            filled.add(column)
        elif kind == "unique":
            keys = rule["fields"]
        elif kind == "expression":
            together += one.of_rows(pl.sql_expr(rule["expression"])).checks
        elif kind in one.BATCH:
            together += one.of_rows(one.measure(rule, column, frame)).checks
        else:
            checks.setdefault(column, []).append(one.check(rule, column))
    schema = pa.DataFrameSchema(
        {
            name: pa.Column(frame.schema[name], checks.get(name, []), nullable=name not in filled)
            for name in {**checks, **dict.fromkeys(filled)}
        },
        checks=together,
        unique=keys or None,
    )

    def judge(held: pl.DataFrame) -> int:
        try:
            schema.validate(held, lazy=True)
        except pa.errors.SchemaErrors as errors:
            return len(errors.schema_errors)
        return 0

    return judge


def load(file: str, columns: list[str]) -> pl.DataFrame:
    return pl.read_parquet(file, columns=columns)


wide.drive(expresses, load, prepare)
