"""Text files as typed rows: read by the policy's types, each cell that does not fit told apart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeGuard

import polars as pl
from msgspec.structs import replace

from sfctl.model.binding import columns_of
from sfctl.model.expr import (
    Call,
    CastsTo,
    Compare,
    Constant,
    Expr,
    Field,
    Format,
    Matches,
    Within,
    children,
)
from sfctl.model.policy import Check, Custom, Gate, Policy, RowCheck, Rule
from sfctl.model.types import DataType
from sfctl.runtime.core.files import TextFiles
from sfctl.runtime.core.schema_of import type_of
from sfctl.runtime.polars import texts
from sfctl.runtime.polars.program import READABLE

TOLD_CELLS = 10
_TEXT_CALLS = frozenset(
    ["length", "lower", "upper", "trim", "substring", "starts_with", "ends_with", "contains",
     "concat"]
)  # fmt: skip


@dataclass(frozen=True)
class TextSource:
    """The rows of text files as the policy reads them.

    Declared types are binding: a cell that cannot be read is null, and fails the rule on the
    column's type, which is there whether declared or not (`asked`). Other columns are numbers or
    booleans where every value is one and no rule takes them for text.
    """

    files: TextFiles
    policy: Policy
    cells: list[tuple[int, str]] = field(default_factory=list)
    """The first cells that could not be read: row, counted from 1, and column."""

    @cached_property
    def declared(self) -> Mapping[str, DataType]:
        """The types that the policy declares, or else the baseline has, of columns that occur."""
        specs = (*(self.policy.schema.baseline or ()), *self.policy.schema.columns)
        return {
            spec.name: spec.type
            for spec in specs
            if spec.type.kind not in ("ANY", "STRING", "JSON")
            and self._written.get(spec.name) == pl.String()
        }

    @cached_property
    def schema(self) -> Mapping[str, pl.DataType]:
        return {
            name: texts.dtype_of(kind)
            if (kind := self._read_as(name)) is not None
            else pl.Null()
            if self._unknown(name)
            else dtype
            for name, dtype in self._written.items()
        }

    @cached_property
    def _written(self) -> Mapping[str, pl.DataType]:
        """The columns of the files; those the policy knows where no file names any."""
        if self.files.schema:
            return self.files.schema
        known = dict.fromkeys(
            spec.name
            for spec in (*(self.policy.schema.baseline or ()), *self.policy.schema.columns)
        )
        for rule in self.policy.rules:
            known.update(dict.fromkeys(columns_of(rule, known)))
        return dict.fromkeys(known, pl.String())

    def asked(self, rules: Sequence[Rule], gate: Gate) -> list[Rule]:
        """Return the rules with those on the type of a declared column asking the file's text.

        A declared column without such a rule gets one, under `gate`, that is implied.
        """
        found = [self._of_text(rule) for rule in rules]
        covered = {rule.check.fields[0] for rule in found if _asks_text(rule.check)}
        known = {rule.id for rule in rules}
        for name, kind in self.declared.items():
            if name not in covered and f"type:{name}" not in known:
                signature = f"TYPE_MISMATCH:{name}:{kind}→STRING"
                check = Custom("", (name,), "")
                found.append(Rule(f"type:{name}", "type", gate, check, signature, fields=(name,)))
        return found

    def _of_text(self, rule: Rule) -> Rule:
        expr = rule.check.expr if isinstance(rule.check, RowCheck) else None
        if not (isinstance(expr, CastsTo) and isinstance(expr.operand, Field)):
            return rule
        name = expr.operand.name
        if self.declared.get(name) != expr.type:
            return rule
        return replace(rule, check=Custom("", (name,), ""))

    def chunks(self, columns: Sequence[str]) -> Iterator[pl.DataFrame]:
        """Yield all rows in order, typed. Raises SourceError for malformed lines."""
        self.cells.clear()
        if not self.files.schema:
            return
        before = 0
        for chunk in self.files.chunks(columns):
            typed = []
            for name in chunk.columns:
                kind = self._read_as(name)
                if kind is None and self._unknown(name):
                    typed.append(pl.lit(None).alias(name))
                if kind is None:
                    continue
                value = texts.column(pl.col(name), kind)
                typed.append(value.alias(name))
                if name in self.declared:
                    holds = pl.col(name).is_null() | value.is_not_null()
                    typed.append(holds.alias(READABLE + name))
            read = chunk.with_columns(typed)
            self._remember(read, before)
            before += read.height
            yield read

    def _remember(self, chunk: pl.DataFrame, before: int) -> None:
        for name in chunk.columns:
            if name.startswith(READABLE) and not chunk.get_column(name).all():
                rows = (~chunk.get_column(name)).arg_true().head(TOLD_CELLS - len(self.cells))
                self.cells.extend((before + row + 1, name.removeprefix(READABLE)) for row in rows)

    def _read_as(self, name: str) -> DataType | None:
        if name in self.declared:
            return self.declared[name]
        if name in self._taken_for_text:
            return None
        guess = type_of(self.files.inferred.get(name, pl.String()))
        return guess if guess.is_numeric or guess.kind == "BOOLEAN" else None

    def _unknown(self, name: str) -> bool:
        """Whether nothing says what a column holds: no declaration, no rule, not a single row."""
        spoken_of = name in self.declared or name in self._taken_for_text
        return not spoken_of and self.files.only_headers

    @cached_property
    def _taken_for_text(self) -> frozenset[str]:
        found = {
            spec.name
            for spec in (*(self.policy.schema.baseline or ()), *self.policy.schema.columns)
            if spec.type.kind in ("STRING", "JSON")
        }
        for rule in self.policy.rules:
            for root in (rule.check.expr if isinstance(rule.check, RowCheck) else None, rule.where):
                if root is not None:
                    found.update(_text_fields(root))
        return frozenset(found)


def _asks_text(check: Check) -> TypeGuard[Custom]:
    return isinstance(check, Custom) and not check.function


def _text_fields(root: Expr) -> Iterator[str]:
    stack = [root]
    while stack:
        node = stack.pop()
        below = children(node)
        stack.extend(below)
        compared = isinstance(node, Compare | Within) and any(
            isinstance(side, Constant) and side.type.kind == "STRING" for side in below
        )
        called = isinstance(node, Call) and node.function in _TEXT_CALLS
        if compared or called or isinstance(node, Matches | Format):
            yield from (side.name for side in below if isinstance(side, Field))
