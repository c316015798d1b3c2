"""Rules on the whole batch that can never pass, never fail, or exclude or repeat another rule."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from itertools import combinations

from sfctl.compiler.contradiction import Judged
from sfctl.compiler.domain import Domain
from sfctl.compiler.draft import Draft
from sfctl.compiler.findings import Findings, place
from sfctl.compiler.subject import of_type
from sfctl.model.binding import path_of
from sfctl.model.expr import Field, IsNull
from sfctl.model.families import ANY
from sfctl.model.policy import Batch, Unique
from sfctl.model.types import DataType

_ORDER = {"min": 0, "quantile": 1, "avg": 1, "max": 2}
"""Of one column, each of these is at most one that stands higher."""
_OF_VALUES = frozenset(_ORDER)
_NATURAL = {
    "row_count": Domain(Decimal(0), scale=0),
    "distinct_count": Domain(Decimal(0), scale=0),
    "null_rate": Domain(Decimal(0), Decimal(1)),
    "stddev": Domain(Decimal(0)),
}


def check_measures(
    drafts: Sequence[Draft],
    rows: Sequence[Judged],
    types: dict[str, DataType],
    findings: Findings,
) -> None:
    """Report on batch rules and uniqueness, by themselves, among each other, beside row rules."""
    found = [(d, d.check) for d in drafts if isinstance(d.check, Batch)]
    keys = [(d, d.check) for d in drafts if isinstance(d.check, Unique)]
    checker = _Measures(rows, types, findings)
    for draft, batch in found:
        checker.alone(draft, batch)
    for one, other in combinations(found, 2):
        checker.pair(one, other)
        checker.pair(other, one, turned=True)
    for draft, key in keys:
        for beside, batch in found:
            checker.key_and_rows(draft, key, beside, batch)
    _keys(keys, findings)


def bounds(batch: Batch) -> Domain:
    """Return the values of its measure that a rule lets pass."""
    return Domain(
        None if batch.minimum is None else Decimal(batch.minimum),
        None if batch.maximum is None else Decimal(batch.maximum),
        batch.exclusive_minimum,
        batch.exclusive_maximum,
    )


class _Measures:
    def __init__(
        self, rows: Sequence[Judged], types: dict[str, DataType], findings: Findings
    ) -> None:
        self.rows = rows
        self.types = types
        self.findings = findings

    def alone(self, draft: Draft, batch: Batch) -> None:
        natural = _NATURAL.get(batch.measure, Domain())
        wanted = bounds(batch)
        if batch.measure in _OF_VALUES:
            kind = self.types.get(batch.field, ANY)
            natural = _spread(of_type(kind), batch.measure) if kind.is_exact else Domain()
            if kind.is_exact and natural != Domain():
                self.beside(draft, wanted, natural, f"of {kind}")
        elif (wanted.meet(natural).empty and not wanted.empty) or self._too_many(batch, wanted):
            message = f"no {batch.measure} can pass"
            self.findings.error(draft.node, "SF220", message, "look at its bounds")
            return
        self.beside_rows(draft, batch, wanted)

    def _too_many(self, batch: Batch, wanted: Domain) -> bool:
        """Tell whether more values are wanted than a column of its type can have, null included."""
        listed = of_type(self.types.get(batch.field, ANY)).accepted
        few = batch.measure == "distinct_count" and listed is not None and wanted.low is not None
        return few and listed is not None and wanted.low > len(listed) + 1

    def beside(self, draft: Draft, wanted: Domain, possible: Domain, what: str) -> None:
        if wanted.empty:
            return
        if wanted.meet(possible).empty:
            message = f"no column {what} has a {_measure(draft)} that can pass"
            self.findings.error(draft.node, "SF220", message, "look at its bounds")
        elif wanted.covers(possible):
            message = f"every {_measure(draft)} {what} passes, so the rule judges nothing"
            self.findings.warning(draft.node, "SF221", message, "tighten it, or remove it")

    def beside_rows(self, draft: Draft, batch: Batch, wanted: Domain) -> None:
        """Hold a measure of a column against the rules on its rows."""
        field = Field(path_of(batch.field, self.types), ANY).path if batch.field else ()
        for one in self.rows:
            if not one.draft.unconditional or one.draft.where is not None:
                continue
            if batch.measure == "null_rate" and _fills(one, field):
                if wanted.low is not None and wanted.low > 0:
                    self._contradict(draft, one.draft)
                else:
                    self._repeat(draft, one.draft)
                return
            values = _values(one, field)
            if values is None:
                continue
            if batch.measure == "distinct_count" and values.accepted is not None:
                # nulls may count as one value more
                if wanted.low is not None and wanted.low > len(values.accepted) + 1:
                    self._contradict(draft, one.draft)
                    return
            elif batch.measure in _OF_VALUES:
                possible = _spread(values, batch.measure)
                if _comparable(possible, wanted) and possible != Domain():
                    if wanted.meet(possible).empty and not wanted.empty:
                        self._contradict(draft, one.draft)
                        return
                    if wanted.covers(possible) and draft.severity >= one.draft.severity:
                        self._repeat(draft, one.draft)
                        return

    def pair(
        self, one: tuple[Draft, Batch], other: tuple[Draft, Batch], *, turned: bool = False
    ) -> None:
        (draft, batch), (second, beside) = one, other
        if draft.where != second.where:
            return
        mine, theirs = bounds(batch), bounds(beside)
        if mine.empty or theirs.empty:
            return
        hard = draft.severity == second.severity == "error"
        same = (batch.measure, batch.field, batch.quantile)
        if same == (beside.measure, beside.field, beside.quantile):
            if turned:
                return
            if mine.meet(theirs).empty:
                if hard:
                    self._contradict(second, draft)
            elif theirs.covers(mine) and second.severity >= draft.severity:
                self._repeat(second, draft)
            elif mine.covers(theirs) and draft.severity >= second.severity:
                self._repeat(draft, second)
            return
        low, high = mine.low, theirs.high
        if not hard or low is None or high is None:
            return
        of_one = batch.field == beside.field
        if (
            (of_one and _ORDER.get(batch.measure, 9) < _ORDER.get(beside.measure, -1))
            or (batch.measure == "distinct_count" and beside.measure == "row_count")
        ) and low > high:
            self._contradict(*((draft, second) if turned else (second, draft)))

    def key_and_rows(self, draft: Draft, key: Unique, other: Draft, batch: Batch) -> None:
        """Hold a key of one column of few values against the number of rows it must tell apart."""
        low = bounds(batch).low
        if batch.measure != "row_count" or low is None or len(key.fields) != 1:
            return
        values = of_type(self.types.get(key.fields[0], ANY)).accepted
        for one in self.rows:
            listed = _values(one, path_of(key.fields[0], self.types))
            if one.draft.unconditional and listed is not None and listed.accepted is not None:
                values = listed.accepted
        hard = draft.unconditional and other.severity == "error" and other.where is None
        if values is not None and key.nulls == "equal" and hard and low > len(values) + 1:
            self._contradict(draft, other)

    def _contradict(self, draft: Draft, other: Draft) -> None:
        if draft.severity != "error":
            return
        message = f"no batch satisfies both this and rule `{other.id}`"
        hint = f"it stands at {place(other.node)}"
        self.findings.error(draft.node, "SF222", message, hint)

    def _repeat(self, draft: Draft, other: Draft) -> None:
        if draft.demanded:
            return
        message = f"whatever fails here fails rule `{other.id}` as well"
        hint = f"it stands at {place(other.node)}; keep both only for their messages"
        self.findings.warning(draft.node, "SF224", message, hint)


def _measure(draft: Draft) -> str:
    assert isinstance(draft.check, Batch)
    return draft.check.measure


def _fills(one: Judged, path: tuple[str, ...]) -> bool:
    expr = one.expr
    return (
        isinstance(expr, IsNull)
        and expr.negated
        and isinstance(expr.operand, Field)
        and expr.operand.path == path
    )


def _values(one: Judged, path: tuple[str, ...]) -> Domain | None:
    """Return the values of a column that pass a rule which is about that column alone."""
    found = one.found.true
    if len(found) != 1 or len(found[0].values) != 1:
        return None
    ((subject, domain),) = found[0].values.items()
    return domain if isinstance(subject, Field) and subject.path == path else None


def _spread(values: Domain, measure: str) -> Domain:
    """Return what a measure of such values can be."""
    low, high = values.low, values.high
    low_open, high_open = values.low_open, values.high_open
    if values.accepted:
        listed = values.accepted
        if not all(isinstance(each, Decimal | float) for each in listed):
            return Domain()
        low, high, low_open, high_open = min(listed), max(listed), False, False
    if not all(each is None or isinstance(each, Decimal | float) for each in (low, high)):
        return Domain()
    scale = values.scale if measure in ("min", "max") else None
    return Domain(_exact(low), _exact(high), low_open, high_open, scale=scale)


def _exact(value: object) -> Decimal | None:
    return None if value is None else Decimal(str(value))


def _comparable(one: Domain, other: Domain) -> bool:
    try:
        one.meet(other)
    except TypeError:
        return False
    return True


def _keys(keys: Sequence[tuple[Draft, Unique]], findings: Findings) -> None:
    """Hint at keys that hold another key, whose uniqueness says more."""
    told: set[int] = set()
    for number, (wide, key) in enumerate(keys):
        for position, (narrow, part) in enumerate(keys):
            same = set(key.fields) == set(part.fields)
            first = number < position and same and _implies(key, part) and _as_strict(wide, narrow)
            if narrow is wide or key == part or first or id(narrow) in told:
                continue
            if _implies(part, key) and _as_strict(narrow, wide):
                told.add(id(wide))
                message = f"whatever fails here fails rule `{narrow.id}` as well"
                hint = f"it stands at {place(narrow.node)}; its key is a part of this one"
                if same:
                    message = f"this says the same as rule `{narrow.id}`"
                    hint = f"the first stands at {place(narrow.node)}"
                findings.warning(wide.node, "SF224", message, hint)
                break


def _implies(narrow: Unique, wide: Unique) -> bool:
    held = not wide.fields or set(narrow.fields) <= set(wide.fields)
    same = narrow.nulls == wide.nulls or narrow.nulls == "equal"
    return (
        bool(narrow.fields) and held and same and (narrow.scope, wide.scope) != ("batch", "table")
    )


def _as_strict(stronger: Draft, draft: Draft) -> bool:
    return (
        (stronger.where is None or stronger.where == draft.where)
        and stronger.threshold in (type(stronger.threshold)(), draft.threshold)
        and stronger.severity <= draft.severity
    )
