"""The wide policy in dataframely: one schema, made of the rules; it judges rows only."""

from collections.abc import Callable
from typing import Any

import dataframely as dy
import polars as pl

from bench.subjects import differ, wide
from bench.subjects.wide import Judge, Rule

TYPES: dict[Any, Any] = {pl.Int64: dy.Int64, pl.Float64: dy.Float64, pl.String: dy.String}


def expresses(rule: Rule) -> bool:
    return "threshold" not in rule and (rule["kind"] == "not_null" or expr_of(rule) is not None)


def expr_of(rule: Rule) -> pl.Expr | None:
    kind, value = rule["kind"], pl.col(rule.get("field", "*"))
    if kind == "accepted_values":
        return value.is_in(rule["values"])
    if kind == "not_accepted_values":
        return ~value.is_in(rule["values"])
    if kind == "length":
        return value.str.len_chars().is_between(rule["min"], rule["max"])
    if kind == "pattern":
        return value.str.contains(rf"\A(?:{rule['pattern']})\z")
    if kind == "expression":
        return pl.sql_expr(rule["expression"])
    if kind == "unique":
        return pl.struct(rule["fields"]).is_unique()
    return between(rule, value) if kind == "range" else None


def between(rule: Rule, value: pl.Expr) -> pl.Expr:
    low, high, below, above = differ.ends(rule)
    if low is not None and high is not None:
        closed = {(False, False): "both", (True, False): "right", (False, True): "left"}
        return value.is_between(low, high, closed=closed.get((below, above), "none"))  # type: ignore[arg-type]
    if low is not None:
        return value > low if below else value >= low
    return value < high if above else value <= high


def prepare(rules: list[Rule], frame: Any) -> Judge:
    filled = {rule["field"] for rule in rules if rule["kind"] == "not_null"}
    dtypes = frame.collect_schema()
    body: dict[str, Any] = {
        name: TYPES[dtypes[name].base_type()](nullable=name not in filled)
        for rule in rules
        for name in rule["columns"]
    }
    for rule in rules:
        if rule["kind"] != "not_null":
            body[rule["id"]] = dy.rule()(_constant(expr_of(rule)))
    schema = type("Wide", (dy.Schema,), body)

    def judge(held: Any) -> int:
        counts = schema.filter(held.lazy()).failure.counts()  # type: ignore[attr-defined]
        return len([count for name, count in counts.items() if not name.endswith("|nan")])

    return judge


def _constant(expr: Any) -> Callable[[Any], Any]:
    return lambda cls: expr  # noqa: ARG005


def load(file: str, columns: list[str]) -> pl.DataFrame:
    return pl.read_parquet(file, columns=columns)


wide.drive(expresses, load, prepare, scan=pl.scan_parquet)
