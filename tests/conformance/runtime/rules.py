"""Policies written by hand, short enough to stand in a test."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import polars as pl

from sfctl.compiler.lexer import ExpressionError
from sfctl.compiler.parser import parse as parse_expression
from sfctl.model.binding import typed_field
from sfctl.model.expr import Constant, Expr, Field
from sfctl.model.inference import infer_condition
from sfctl.model.policy import (
    Batch,
    Check,
    ColumnSpec,
    ForeignKey,
    Policy,
    RowCheck,
    Rule,
    SchemaPolicy,
    Unique,
)
from sfctl.model.types import DataType, parse
from sfctl.model.verdict import Judgement, RuleResult
from sfctl.runtime.core.judge import Surroundings, judge

NOW = datetime(2024, 1, 15, 12, tzinfo=UTC)


def condition(text: str, **types: str) -> Expr:
    """Parse and type an expression; columns without a type are met at the run."""
    wrong: list[str] = []
    kinds = {name: parse(kind) for name, kind in types.items()}

    def column(field: Field) -> Field | str | None:
        known = field.path[0] in kinds
        return typed_field(field, kinds) if known else Field(field.path, DataType("ANY"))

    def report(_node: Expr, _code: str, message: str, _hint: str = "") -> None:
        wrong.append(message)

    found = infer_condition(parse_expression(text).expr, column, report)
    if wrong:
        raise ExpressionError(wrong[0], 0)
    return found


def rule(check: Check | str, rule_id: str = "r", **more: Any) -> Rule:
    """Return a rule on a check, or on the text of an expression."""
    if isinstance(check, str):
        check = RowCheck(condition(check))
    given = {"kind": "expression", "gate": "DQ", "signature": f"INVARIANT_VIOLATION:{rule_id}"}
    return Rule(id=rule_id, check=check, **{**given, **more})


def policy(*rules: Rule, **more: Any) -> Policy:
    """Return a policy of these rules."""
    return Policy("urn:dp:test:rows", "rows", rules=rules, **more)


def unique(*fields: str, nulls: Any = "equal", **more: Any) -> Rule:
    """Return a rule that the fields are a key."""
    signature = f"UNIQUENESS_VIOLATION:{','.join(fields)}"
    given = {"rule_id": "key", "kind": "unique", "signature": signature, **more}
    return rule(Unique(fields, nulls), **given)


def measure(name: str, field: str = "", **bounds: Any) -> Rule:
    """Return a batch rule."""
    return rule(Batch(name, field, **bounds), rule_id=name, kind=name, signature=f"BATCH:{name}")


def foreign(field: str, dataset: str, reference: str, **more: Any) -> Rule:
    """Return a foreign-key rule on one column."""
    check = ForeignKey((field,), dataset, (reference,))
    return rule(check, "fk", kind="foreign_key", signature=f"FK_VIOLATION:{field}", **more)


def declared(mode: Any = "compatible", *, baseline: bool = False, **types: str) -> SchemaPolicy:
    """Return a schema policy; a type that ends in `!` is not nullable."""
    specs = tuple(
        ColumnSpec(name, parse(kind.rstrip("!")), nullable=not kind.endswith("!"))
        for name, kind in types.items()
    )
    return SchemaPolicy(mode, specs, specs if baseline else None)


def judged(
    rows: object, *rules: Rule, stage: str = "gold", around: Surroundings | None = None, **more: Any
) -> Judgement:
    """Judge rows (a frame, or anything a source is made of) by rules."""
    return judge(rows, policy(*rules, **more), stage, now=NOW, around=around)


def result(rows: object, *rules: Rule, **more: Any) -> RuleResult:
    """Return the outcome of the first rule."""
    return judged(rows, *rules, **more).rules[0]


def failing(frame: pl.DataFrame, text: str, **types: str) -> list[str]:
    """Return for each row `pass`, `fail` or `error` under an expression."""
    found = []
    for index in range(frame.height):
        check = RowCheck(condition(text, **types))
        outcome = result(frame.slice(index, 1), rule(check))
        error = outcome.signatures.get("EVAL_ERROR:r")
        found.append("error" if error else "fail" if outcome.failed else "pass")
    return found


def constant(text: str, kind: str) -> Constant:
    """Return a literal."""
    return Constant(text, parse(kind))
