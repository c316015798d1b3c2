"""Rules that look beyond one row: uniqueness, references, user functions, measures of a batch."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

from sfctl.compiler.columns import ANY, Columns, split
from sfctl.compiler.draft import Draft
from sfctl.compiler.findings import Findings, shown
from sfctl.compiler.quantity import plain, seconds, share
from sfctl.model import literal, urn
from sfctl.model.binding import AMBIGUOUS, near_hint, two_meanings
from sfctl.model.expr import Field
from sfctl.model.families import belongs, family
from sfctl.model.policy import Batch, Custom, ForeignKey, Gate, Unique
from sfctl.model.source_code import SourceCodeError, source_code
from sfctl.spec.tree import Node

MEASURES = frozenset({"row_count", "null_rate", "distinct_count", "aggregate", "freshness"})


class SetRules:
    """Lowers rules on sets of rows. `root` is where import paths of user functions begin.

    `datasets` maps other names of datasets to URNs.
    """

    def __init__(
        self, columns: Columns, findings: Findings, root: Path, datasets: Mapping[str, str]
    ) -> None:
        self.columns = columns
        self.findings = findings
        self.root = root
        self.datasets = datasets

    def lower(self, kind: str, node: Node, gate: Gate) -> Draft | None:
        """Return the draft of a rule on rows together, or on their number; None for an error."""
        before = len(self.findings.problems)
        draft: Draft | None
        if kind in ("unique", "duplicate_rows"):
            draft = self.unique(kind, node, gate)
        elif kind == "foreign_key":
            draft = self.foreign_key(node, gate)
        elif kind == "custom":
            draft = self.custom(node, gate)
        else:
            draft = self.batch(kind, node, "", node, gate)
        return self.unless_failed(draft, before)

    def measure(self, kind: str, node: Node, name: Node, gate: Gate) -> Draft | None:
        """Return the draft of a measure of one column; None where it has an error."""
        before = len(self.findings.problems)
        known = self.known(name)
        return self.unless_failed(self.batch(kind, node, known, name, gate), before)

    def unless_failed(self, draft: Draft | None, before: int) -> Draft | None:
        failed = any(p.severity == "error" for p in self.findings.problems[before:])
        return None if failed else draft

    def names(self, node: Node) -> tuple[str, ...]:
        """Return the columns under `field` or `fields`, each known, none twice."""
        key = "fields" if node.get("fields") is not None else "field"
        written = node.get(key)
        if written is None:
            return ()
        found: dict[str, None] = {}
        for name in tuple(written) if written.is_sequence else (written,):
            if str(name.value) in found:
                message = f"column {shown(str(name.value))} stands twice"
                self.findings.error(name, "SF227", message, "remove one")
            else:
                found[self.known(name)] = None
        return tuple(found)

    def known(self, name: Node) -> str:
        """Return the column, or path into one, that a scalar names; report an unknown one."""
        text = str(name.value)
        if self.columns.ambiguous(text):
            self.findings.error(name, "SF230", two_meanings(text), AMBIGUOUS)
        elif text not in self.columns.types and not self.columns.open:
            path = split(text, self.columns.types)
            hint = self.columns.resolve(Field(path, ANY))
            if isinstance(hint, str):
                if len(path) == 1 or path[0] not in self.columns.types:
                    hint = near_hint(text, self.columns.types)
                self.findings.error(name, "SF204", f"unknown column {shown(text)}", hint)
        return text

    def unique(self, kind: str, node: Node, gate: Gate) -> Draft:
        names = self.names(node)
        subject = ",".join(names)
        check = Unique(
            names,
            nulls=node.string("nulls", "equal"),  # type: ignore[arg-type]
            scope=node.string("scope", "batch"),  # type: ignore[arg-type]
        )
        for name in names:
            if family(self.columns.type_of(name)) == "nested":
                message = f"column {shown(name)} is nested (expected values that can be compared)"
                self.findings.error(node, "SF205", message)
        return Draft(
            node, kind, gate, check, "UNIQUENESS_VIOLATION",
            f"{kind}:{subject}" if subject else kind, subject or "*", fields=names,
        )  # fmt: skip

    def foreign_key(self, node: Node, gate: Gate) -> Draft | None:
        names = self.names(node)
        target = node["references"]
        there = target.strings("fields") or target.strings("field")
        if len(there) != len(names):
            message = f"{len(names)} columns refer to {len(there)} (expected as many)"
            self.findings.error(target, "SF227", message)
        written = str(target["dataset"].value)
        dataset = self.datasets.get(written, written)
        try:
            dataset = urn.without_stage(urn.canonical(dataset))
        except ValueError:
            self.findings.error(
                target["dataset"],
                "SF228",
                f"{shown(dataset)} is no dataset (expected ds://<zone>/<name>)",
            )
            return None
        check = ForeignKey(names, dataset, there)
        subject = ",".join(names)
        return Draft(
            node, "foreign_key", gate, check, "FK_VIOLATION", f"foreign_key:{subject}", subject,
            fields=names,
        )  # fmt: skip

    def custom(self, node: Node, gate: Gate) -> Draft | None:
        names = self.names(node)
        function = node.string("function")
        try:
            digest = source_code(function, self.root).digest
        except (SourceCodeError, OSError) as error:
            self.findings.error(node["function"], "SF229", str(error))
            return None
        name = f"custom:{function.replace(':', '.')}:{','.join(names)}"
        check = Custom(function, names, digest)
        return Draft(node, "custom", gate, check, "INVARIANT_VIOLATION", name, fields=names)

    def batch(self, kind: str, node: Node, field: str, place: Node, gate: Gate) -> Draft | None:
        measure = node.string("function") if kind == "aggregate" else kind
        wanted = "number" if kind == "aggregate" else "day" if kind == "freshness" else "any"
        kind_of_field = self.columns.type_of(field)
        if field and not belongs(kind_of_field, wanted):
            expected = "a number" if wanted == "number" else "a date or timestamp"
            message = f"column {shown(field)} is {kind_of_field} (expected {expected})"
            self.findings.error(place, "SF205", message)
        quantile = node.scalar("quantile")
        ends = {key: self.end(kind, node.get(key)) for key in _ENDS}
        if kind == "freshness":
            ends["max"] = plain(seconds(node["max_age"]))
        low, high = ends["min"] or ends["exclusive_min"], ends["max"] or ends["exclusive_max"]
        if low is not None and high is not None and Decimal(low) > Decimal(high):
            end = node.get("max") or node.get("exclusive_max") or node
            message = f"the greatest is below the least (got {high}, expected at least {low})"
            self.findings.error(end, "SF220", message, "exchange them")
        check = Batch(
            measure=measure,
            field=field,
            quantile=None if quantile is None else float(quantile),
            minimum=low,
            maximum=high,
            exclusive_minimum=ends["exclusive_min"] is not None,
            exclusive_maximum=ends["exclusive_max"] is not None,
        )
        written = node.get("threshold")
        if written is not None:
            message = f"a `{kind}` rule has one outcome and no threshold"
            self.findings.error(written, "SF225", message, "move its bounds instead")
        reason, subject, name = _signed(kind, measure, field)
        counted = kind in ("row_count", "null_rate", "distinct_count")
        if (
            counted
            and low in (None, "0")
            and high in ((None, "1") if kind == "null_rate" else (None,))
        ):
            message = f"every {measure} passes, so the rule judges nothing"
            self.findings.warning(node, "SF221", message, "tighten it, or remove it")
        fields = (field,) if field else ()
        return Draft(node, kind, gate, check, reason, name, subject, fields=fields)

    def end(self, kind: str, node: Node | None) -> str | None:
        """Return a bound as exact digits."""
        if node is None:
            return None
        if kind == "null_rate":
            return plain(share(node))
        text = node.value if isinstance(node.value, str) else node.text or str(node.value)
        found = literal.number(text)
        if found is None:
            message = f"{shown(text)} is no number of at most 38 digits"
            self.findings.error(node, "SF226", message, "write it with fewer digits")
            return None
        return found.text


_ENDS = ("min", "max", "exclusive_min", "exclusive_max")


def _signed(kind: str, measure: str, field: str) -> tuple[str, str, str]:
    if kind == "row_count":
        return "RANGE_VIOLATION", "row_count", "row_count"
    if kind == "null_rate":
        return "NULL_RATE_BREACH", field, f"null_rate:{field}"
    if kind == "freshness":
        return "FRESHNESS_BREACH", field, f"freshness:{field}"
    return "RANGE_VIOLATION", f"{field}:{measure}", f"{measure}:{field}"
