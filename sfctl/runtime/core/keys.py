"""Uniqueness over a whole source: hashes in the first pass, suspects confirmed in a second."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from sfctl.model.binding import columns_of, path_of
from sfctl.model.policy import Rule, Unique
from sfctl.runtime.core.budget import Budget
from sfctl.runtime.core.sources import LazySource, Source
from sfctl.runtime.core.surroundings import Others
from sfctl.runtime.polars import unique
from sfctl.runtime.polars.program import Program
from sfctl.runtime.tally import Distinct, RowTally, UniqueTally

_ROW = "_sfctl_row"


@dataclass(slots=True)
class Keys:
    """The uniqueness rules of a program and what was seen of their keys."""

    program: Program
    tallies: dict[str, UniqueTally] = field(default_factory=dict)
    passes: int = 0
    _hashes: dict[str, unique.Hashes] = field(default_factory=dict)
    _evaluated: dict[str, int] = field(default_factory=dict)
    _errors: dict[str, int] = field(default_factory=dict)

    @property
    def rules(self) -> list[Rule]:
        return [
            rule
            for rule in self.program.rules
            if isinstance(rule.check, Unique) and rule.id not in self.program.faults
        ]

    def add(self, chunk: pl.DataFrame, budget: Budget) -> None:
        """Remember the keys of a chunk."""
        for rule in self.rules:
            with self.program.blamed(rule):
                budget.check_memory()
                seen = self._hashes.setdefault(rule.id, unique.Hashes())
                count = seen.add(chunk, *self._key(rule, chunk))
                wrong = self._wrong(rule, chunk).height
                self._evaluated[rule.id] = self._evaluated.get(rule.id, 0) + count + wrong
                self._errors[rule.id] = self._errors.get(rule.id, 0) + wrong

    def resolve(
        self,
        source: Source,
        budget: Budget,
        others: Others | None,
        distinct: Distinct,
        tallies: Mapping[str, RowTally],
    ) -> Distinct:
        """Decide every rule and return the distinct failing rows with its rows added."""
        suspected: dict[str, pl.Series] = {}
        tables: dict[str, LazySource] = {}
        for rule in self.rules:
            with self.program.blamed(rule):
                assert isinstance(rule.check, Unique)
                seen = self._hashes.pop(rule.id, unique.Hashes())
                table = others(rule) if others and rule.check.scope == "table" else None
                if table is not None:
                    keys = (path_of(name, source.schema)[0] for name in self._fields(rule))
                    own = {name: source.schema[name] for name in keys}
                    tables[rule.id] = LazySource(unique.alike(table, own))
                    for chunk in tables[rule.id].chunks(self._read(rule, tables[rule.id])):
                        seen.add(chunk, *self._key(rule, chunk))
                errors = self._errors.get(rule.id, 0)
                seen_rows = self._evaluated.get(rule.id, 0)
                self.tallies[rule.id] = UniqueTally(seen_rows, errors, 0, errors)
                suspects = seen.suspects()
                if len(suspects) or errors:
                    suspected[rule.id] = suspects
        if not suspected:
            return distinct
        self.passes = 1
        failing = [
            rule
            for rule in self.program.row_rules
            if rule.severity == "error" and rule.id in tallies and tallies[rule.id].failed
        ]
        return distinct.merge(self.confirm(source, budget, suspected, tables, failing))

    def confirm(
        self,
        source: Source,
        budget: Budget,
        suspected: Mapping[str, pl.Series],
        tables: Mapping[str, Source],
        failing: Sequence[Rule],
    ) -> Distinct:
        """Compare the keys themselves of all rows whose hash is suspected, by rule id."""
        keyed: dict[str, list[pl.DataFrame]] = {rule_id: [] for rule_id in suspected}
        wrong: dict[str, list[pl.DataFrame]] = {rule_id: [] for rule_id in suspected}
        flags: list[pl.DataFrame] = []
        start = 0
        for number, chunk in enumerate(source.chunks(self.program.columns)):
            indexed = budget.same_share(chunk, number).with_row_index(_ROW, start)
            start += chunk.height
            rows = []
            for rule in self.rules:
                if rule.id in suspected:
                    found = self._suspects(rule, indexed, suspected[rule.id])
                    keyed[rule.id].append(found)
                    wrong[rule.id].append(self._wrong(rule, indexed).select(_ROW))
                    rows += [found.get_column(_ROW), wrong[rule.id][-1].get_column(_ROW)]
            if failing and rows:
                some = indexed.filter(pl.col(_ROW).is_in(pl.concat(rows).unique().implode()))
                marks = self.program.flags(some, failing)
                flags.append(marks.with_columns(some.get_column(_ROW)))
        repeated: dict[str, pl.DataFrame] = {}
        for rule in self.rules:
            if rule.id in suspected:
                background = [
                    self._suspects(rule, chunk.with_row_index(_ROW), suspected[rule.id])
                    for chunk in (
                        tables[rule.id].chunks(self._read(rule, tables[rule.id]))
                        if rule.id in tables
                        else ()
                    )
                ]
                groups = self._decided(rule, keyed[rule.id], background)
                repeated[rule.id] = pl.concat([groups, *wrong[rule.id]])
        return self._beyond(repeated, flags)

    def _decided(
        self, rule: Rule, mine: Sequence[pl.DataFrame], background: Sequence[pl.DataFrame]
    ) -> pl.DataFrame:
        own = pl.lit(value=True).alias("own")
        together = pl.concat(
            [
                *(frame.with_columns(own) for frame in mine),
                *(frame.with_columns(~own) for frame in background),
            ]
        )
        names = [name for name in together.columns if name not in (_ROW, "own")]
        groups = together.filter(pl.struct(names).is_duplicated())
        bad = groups.filter("own")
        surplus = bad.height - _new_groups(groups, names)
        errors = self._errors.get(rule.id, 0)
        self.tallies[rule.id] = UniqueTally(
            self._evaluated[rule.id], bad.height + errors, surplus, errors
        )
        return bad.select(_ROW)

    def _beyond(
        self, repeated: Mapping[str, pl.DataFrame], flags: Sequence[pl.DataFrame]
    ) -> Distinct:
        """Return the rows that no other failing rule has counted yet, by gate and at all."""
        rules = [r for r in self.rules if r.id in repeated and r.severity == "error"]
        if not rules:
            return Distinct()
        known = pl.concat(flags) if flags else None
        others = [r for r in self.program.row_rules if known is not None and r.id in known.columns]
        by_gate: dict[str, int] = {}
        for gate in {rule.gate for rule in rules}:
            rows = pl.concat([repeated[r.id] for r in rules if r.gate == gate]).unique()
            same = [rule.id for rule in others if rule.gate == gate]
            by_gate[gate] = _uncounted(rows, known, same)
        rows = pl.concat([repeated[rule.id] for rule in rules]).unique()
        return Distinct(_uncounted(rows, known, [rule.id for rule in others]), by_gate)

    def _suspects(self, rule: Rule, chunk: pl.DataFrame, suspects: pl.Series) -> pl.DataFrame:
        parts, covered = self._key(rule, chunk)
        if covered is not None:
            chunk = chunk.filter(covered)
        seen = unique.hashes(chunk, parts, None)
        return chunk.filter(seen.is_in(suspects.implode())).select(_ROW, *parts)

    def _wrong(self, rule: Rule, chunk: pl.DataFrame) -> pl.DataFrame:
        """Return the rows on which a rule's `where` cannot be evaluated."""
        wrong = self.program.beyond(rule, chunk)
        return chunk.clear() if wrong is None else chunk.filter(wrong)

    def _key(self, rule: Rule, chunk: pl.DataFrame) -> tuple[list[pl.Expr], pl.Expr | None]:
        assert isinstance(rule.check, Unique)
        parts, covered = unique.key_of(self._fields(rule), chunk.schema, rule.check.nulls)
        scope = self.program.scope(rule, chunk)
        if covered is None or scope is None:
            return parts, scope if covered is None else covered
        return parts, covered & scope

    def _read(self, rule: Rule, table: Source) -> list[str]:
        """Return the columns of another source that hold the key, or that `where` asks for."""
        known = table.schema
        keys = (path_of(name, known)[0] for name in self._fields(rule))
        return list(dict.fromkeys((*keys, *columns_of(rule, known))))

    def _fields(self, rule: Rule) -> tuple[str, ...]:
        assert isinstance(rule.check, Unique)
        return rule.check.fields or tuple(self.program.schema)


def _new_groups(groups: pl.DataFrame, names: Sequence[str]) -> int:
    """Count groups of which the table holds no row yet: there the first own row is no surplus."""
    seen = groups.group_by(names).agg(pl.col("own").all())
    return int(seen.get_column("own").sum())


def _uncounted(rows: pl.DataFrame, known: pl.DataFrame | None, rule_ids: Sequence[str]) -> int:
    if known is None or not rule_ids:
        return rows.height
    counted = known.filter(pl.any_horizontal(rule_ids)).select(_ROW)
    return rows.join(counted, on=_ROW, how="anti").height
