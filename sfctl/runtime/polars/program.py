"""The rules of one policy against one schema, ready to be run over chunk after chunk.

All row rules and batch measures of a chunk are one select; which rows fail is asked again only of
the rules that failed, and only then.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import polars as pl

from sfctl.model.binding import columns_of
from sfctl.model.expr import Arithmetic, Call, Expr, Field, IsNull, Negate, children
from sfctl.model.policy import Batch, Custom, ForeignKey, RowCheck, Rule, Unique
from sfctl.runtime.measured import Measured
from sfctl.runtime.polars import columns, measures
from sfctl.runtime.polars.emit import Emitter
from sfctl.runtime.polars.term import Bounds, Term, boolean
from sfctl.runtime.representation import LIMIT
from sfctl.runtime.tally import Distinct, RowTally

MARK = "_sfctl_holds_"
"""Prefix of the boolean columns that hold what foreign keys and custom rules say of each row."""

READABLE = "_sfctl_readable_"
"""Prefix of the boolean columns that say whether a text cell could be read as declared."""

Plan = dict[str, "tuple[dict[str, pl.Expr], Term | None]"]
"""What to ask of a chunk by rule id: expressions by name, and the term a measure is of."""

RowJudge = Callable[[pl.DataFrame], pl.Series]
"""Says of each row of a chunk whether a rule holds; null passes."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What one chunk says."""

    rows: int
    tallies: Mapping[str, RowTally]
    measured: Mapping[str, Measured]
    distinct: Distinct


@dataclass(frozen=True)
class Program:
    """Rules to evaluate over rows of `schema`.

    `judges` answer for foreign keys and custom rules, by rule id. `tellable` names the columns
    whose failing values may be told. `faults` collects, by rule id, what went wrong with a rule
    for good: DataError for the data's fault, anything else for ours.
    """

    rules: Sequence[Rule]
    schema: Mapping[str, pl.DataType]
    judges: Mapping[str, RowJudge] = field(default_factory=dict)
    tellable: frozenset[str] = frozenset()
    faults: dict[str, Exception] = field(default_factory=dict)
    closing: ExitStack = field(default_factory=ExitStack)
    """What the judges hold open; to be left when no more rows are judged."""
    _planned: dict[object, Plan] = field(default_factory=dict, init=False, repr=False)
    """What to ask of a chunk, by its shape; the last one only."""

    @cached_property
    def row_rules(self) -> list[Rule]:
        """Rules whose failing rows an expression tells; uniqueness is not among them."""
        return [r for r in self.rules if isinstance(r.check, RowCheck | ForeignKey | Custom)]

    @cached_property
    def columns(self) -> list[str]:
        """The columns that the rules read, in the order of the schema."""
        if any(isinstance(r.check, Unique) and not r.check.fields for r in self.rules):
            return list(self.schema)
        wanted = {name for rule in self.rules for name in columns_of(rule, self.schema)}
        return [name for name in self.schema if name in wanted]

    def judge(self, chunk: pl.DataFrame) -> Judged:
        """Count what fails in a chunk. A rule that raises is left in `faults`; others go on."""
        chunk = self.marked(chunk, self.rules)
        bounds = self.bounds(chunk)
        emitter = Emitter(chunk.schema, bounds)
        terms: dict[str, Term | None] = {}
        asked: dict[str, dict[str, pl.Expr]] = {}
        for rule_id, (exprs, term) in self._plan(chunk.schema, bounds, emitter).items():
            if rule_id not in self.faults:
                asked[rule_id], terms[rule_id] = exprs, term
        found = self._select(chunk, asked)
        tallies: dict[str, RowTally] = {}
        measured: dict[str, Measured] = {}
        for rule in self._sound():
            if rule.id not in found:
                continue
            values = found[rule.id]
            if isinstance(rule.check, Batch):
                with self.blamed(rule):
                    measured[rule.id] = measures.state(rule.check.measure, terms[rule.id], values)
            else:
                evaluated = values.get("where", chunk.height)
                tallies[rule.id] = RowTally(evaluated, values["failed"], values.get("errors", 0))
        return Judged(
            chunk.height,
            self._with_values(chunk, emitter, tallies),
            measured,
            self._distinct(chunk, emitter, tallies),
        )

    def flags(self, chunk: pl.DataFrame, rules: Sequence[Rule]) -> pl.DataFrame:
        """Return one boolean column per row rule, by id: true where a row fails it."""
        chunk = self.marked(chunk, rules)
        emitter = Emitter(chunk.schema, self.bounds(chunk))
        exprs: list[pl.Expr] = []
        for rule in rules:
            if rule.id in self.faults:
                continue
            with self.blamed(rule):
                exprs.append(self._failing(rule, emitter).alias(rule.id))
        return chunk.select(exprs).with_columns(pl.all().fill_null(value=False))

    def scope(self, rule: Rule, chunk: pl.DataFrame) -> pl.Expr | None:
        """Return which rows a rule's `where` covers, or None for all."""
        where = self._where(rule, chunk)
        return None if where is None else where.value.fill_null(value=False)

    def beyond(self, rule: Rule, chunk: pl.DataFrame) -> pl.Expr | None:
        """Return the rows on which a rule's `where` cannot be evaluated, or None for none."""
        where = self._where(rule, chunk)
        return None if where is None else where.error

    def bounds(self, chunk: pl.DataFrame) -> Bounds:
        """Measure between which powers of two the columns lie that arithmetic reads.

        Powers of two, so that the next chunk has the same bounds and shares the plan. A column of
        floats among which one is infinite has none.
        """
        paths = [path for path in self._computed if path[0] in chunk.schema]
        exprs: list[pl.Expr] = []
        for index, path in enumerate(paths):
            value, dtype = columns.raw(path, chunk.schema)
            whole = columns.as_found(value, dtype).value
            exprs += [whole.min().alias(f"{index}<"), whole.max().alias(f"{index}>")]
        if not exprs:
            return {}
        found = chunk.select(exprs).row(0, named=True)
        ends = {path: (found[f"{i}<"] or 0, found[f"{i}>"] or 0) for i, path in enumerate(paths)}
        return {
            path: (_below(low), _above(high))
            for path, (low, high) in ends.items()
            if math.isfinite(low) and math.isfinite(high)
        }

    def marked(self, chunk: pl.DataFrame, rules: Sequence[Rule]) -> pl.DataFrame:
        """Add what foreign keys and custom rules among `rules` say of each row."""
        answers = []
        for rule in rules:
            judge = self.judges.get(rule.id)
            if judge is None or rule.id in self.faults or MARK + rule.id in chunk.schema:
                continue
            with self.blamed(rule):
                answers.append(judge(chunk).alias(MARK + rule.id))
        return chunk.with_columns(answers) if answers else chunk

    @cached_property
    def _computed(self) -> list[tuple[str, ...]]:
        """Paths of 64-bit, decimal and float columns that take part in arithmetic."""
        found: dict[tuple[str, ...], None] = {}
        for rule in self._sound():
            for root in (rule.check.expr if isinstance(rule.check, RowCheck) else None, rule.where):
                for node in _arithmetic_fields(root) if root is not None else ():
                    if node.path[0] in self.schema:
                        _, dtype = columns.raw(node.path, self.schema)
                        if dtype in (pl.Int64(), pl.UInt64(), pl.Int128()) or (
                            dtype.is_decimal() or dtype.is_float()
                        ):
                            found[node.path] = None
        return list(found)

    def _where(self, rule: Rule, chunk: pl.DataFrame) -> Term | None:
        if rule.where is None:
            return None
        return Emitter(chunk.schema, self.bounds(chunk)).condition(rule.where)

    def _sound(self) -> list[Rule]:
        return [rule for rule in self.rules if rule.id not in self.faults]

    @contextmanager
    def blamed(self, rule: Rule) -> Iterator[None]:
        """Let what is raised inside be a fault of this rule, and of no other."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - a fault in one rule is that rule's alone
            self.faults[rule.id] = error

    def _plan(self, schema: pl.Schema, bounds: Bounds, emitter: Emitter) -> Plan:
        """Return what to ask by rule; chunks of one shape share it, for building it costs."""
        shape = (tuple(schema.items()), tuple(bounds.items()))
        plan = self._planned.get(shape)
        if plan is None:
            plan = {}
            for rule in self._sound():
                if not isinstance(rule.check, Unique):
                    with self.blamed(rule):
                        plan[rule.id] = self._asked(rule, emitter)
            self._planned.clear()
            self._planned[shape] = plan
        return plan

    def _asked(self, rule: Rule, emitter: Emitter) -> tuple[dict[str, pl.Expr], Term | None]:
        if isinstance(rule.check, Batch):
            where = None if rule.where is None else emitter.condition(rule.where)
            term = None
            if rule.check.field:
                value, dtype = columns.named(rule.check.field, emitter.schema)
                term = columns.as_found(value, dtype)
            return measures.parts(rule.check.measure, term, where), term
        if rule.where is None:
            nulls = _null_count(rule.check, emitter)
            if nulls is not None:
                return {"failed": nulls}, None
        term = self._holds(rule, emitter)
        failing, errors = term.failing(), term.error
        if rule.where is None:
            asked = {"failed": failing.sum()}
        else:
            where_term = emitter.condition(rule.where)
            inside = where_term.value
            if where_term.error is not None:
                errors = (
                    where_term.error if errors is None else (errors & inside) | where_term.error
                )
                failing = (failing & inside) | where_term.error
                asked = {"failed": failing.sum(), "where": (inside | where_term.error).sum()}
            else:
                errors = None if errors is None else errors & inside
                asked = {"failed": (failing & inside).sum(), "where": inside.sum()}
        if errors is not None:
            asked["errors"] = errors.sum()
        return asked, None

    def _failing(self, rule: Rule, emitter: Emitter) -> pl.Expr:
        failing = self._holds(rule, emitter).failing()
        if rule.where is None:
            return failing
        where = emitter.condition(rule.where)
        return (
            failing & where.value
            if where.error is None
            else ((failing & where.value) | where.error)
        )

    def _violating(self, rule: Rule, emitter: Emitter) -> pl.Expr:
        """Return the rows that fail a rule without any of it being impossible to evaluate."""
        violating = ~self._holds(rule, emitter).value
        if rule.where is None:
            return violating
        return violating & emitter.condition(rule.where).value

    def _holds(self, rule: Rule, emitter: Emitter) -> Term:
        if isinstance(rule.check, RowCheck):
            return emitter.condition(rule.check.expr)
        if isinstance(rule.check, Custom) and not rule.check.function:
            return boolean(pl.col(READABLE + rule.check.fields[0]))
        return boolean(pl.col(MARK + rule.id))

    def _select(
        self, chunk: pl.DataFrame, asked: Mapping[str, Mapping[str, pl.Expr]]
    ) -> dict[str, dict[str, Any]]:
        """Answer all rules in one select; one by one where that raises, to find the culprit."""
        flat = {
            f"{rule_id}\0{name}": expr
            for rule_id, exprs in asked.items()
            for name, expr in exprs.items()
        }
        if not flat:
            return {}
        try:
            row = _row(chunk.select(**flat))
        except Exception as error:  # noqa: BLE001 - Polars raises for the whole select
            if len(asked) == 1:
                self.faults[next(iter(asked))] = error
                return {}
            merged: dict[str, dict[str, Any]] = {}
            for rule_id, exprs in asked.items():
                merged.update(self._select(chunk, {rule_id: exprs}))
            return merged
        found: dict[str, dict[str, Any]] = {rule_id: {} for rule_id in asked}
        for key, value in row.items():
            rule_id, _, name = key.rpartition("\0")
            found[rule_id][name] = value
        return found

    def _distinct(
        self, chunk: pl.DataFrame, emitter: Emitter, tallies: Mapping[str, RowTally]
    ) -> Distinct:
        failed = [
            rule
            for rule in self.rules
            if rule.severity == "error" and rule.id in tallies and tallies[rule.id].failed
        ]
        if not failed:
            return Distinct()
        if len(failed) == 1:
            count = tallies[failed[0].id].failed
            return Distinct(count, {failed[0].gate: count})
        flags = [self._failing(rule, emitter).alias(rule.id) for rule in failed]
        frame = chunk.select(flags)
        gates = {rule.gate: None for rule in failed}
        asked = {
            gate: pl.any_horizontal(rule.id for rule in failed if rule.gate == gate).sum()
            for gate in gates
        }
        bad = pl.any_horizontal(rule.id for rule in failed).sum()
        row = frame.select(bad.alias(""), **asked).row(0, named=True)
        return Distinct(row.pop(""), row)

    def _with_values(
        self, chunk: pl.DataFrame, emitter: Emitter, tallies: dict[str, RowTally]
    ) -> dict[str, RowTally]:
        for rule in self.rules:
            tally = tallies.get(rule.id)
            name = rule.detail_field
            if tally is None or not tally.failed or name not in self.tellable:
                continue
            text = columns.text_of(*columns.named(name, chunk.schema))
            failing = chunk.select(text.filter(self._violating(rule, emitter)).alias("value"))
            counts = failing.drop_nulls().to_series().value_counts(sort=False)
            kept = RowTally(values=dict(counts.iter_rows()))
            tallies[rule.id] = tally.merge(kept)
        return tallies


def _row(frame: pl.DataFrame) -> dict[str, Any]:
    """Return the only row; a nested cell stays a Series."""
    return {series.name: series[0] for series in frame}


def _above(value: float) -> int:
    """Return the end of a power of two that is not below a value; exact beyond 38 digits."""
    whole = math.ceil(value)
    return 0 if whole <= 0 else min((1 << whole.bit_length()) - 1, max(LIMIT, whole))


def _below(value: float) -> int:
    return -_above(-value - 1) - 1 if value < 0 else 0


def _null_count(check: object, emitter: Emitter) -> pl.Expr | None:
    """Return the short way to count what `IS NOT NULL` fails: columns know their nulls."""
    if not (isinstance(check, RowCheck) and isinstance(check.expr, IsNull) and check.expr.negated):
        return None
    node = check.expr.operand
    if not isinstance(node, Field) or len(node.path) > 1:
        return None
    term = emitter.term(node)
    return None if term.error is not None else term.value.null_count()


def _arithmetic_fields(root: Expr) -> Iterator[Field]:
    stack = [(root, False)]
    while stack:
        node, inside = stack.pop()
        if isinstance(node, Field) and inside:
            yield node
        below = (
            inside
            or isinstance(node, Arithmetic | Negate)
            or (isinstance(node, Call) and node.function == "abs")
        )
        stack.extend((child, below) for child in children(node))
