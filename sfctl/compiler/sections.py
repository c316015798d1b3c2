"""The sections of a policy bundle walked in order: every declared rule becomes a draft."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from sfctl.compiler.columns import Columns, split
from sfctl.compiler.draft import Draft
from sfctl.compiler.expression import compile_condition
from sfctl.compiler.findings import Findings
from sfctl.compiler.quantity import threshold
from sfctl.compiler.row_rules import ROW_KINDS, RowRules
from sfctl.compiler.set_rules import MEASURES, SetRules
from sfctl.model.expr import Field, IsNull
from sfctl.model.policy import Gate, RowCheck
from sfctl.spec.rules import written_out
from sfctl.spec.tree import Node


class Sections:
    """Lowers every rule of a bundle, in the order schema, contract_lite, contract, dq."""

    def __init__(
        self, columns: Columns, findings: Findings, root: Path, names: Mapping[str, str]
    ) -> None:
        self.columns = columns
        self.findings = findings
        self.rows = RowRules(columns, findings)
        self.sets = SetRules(columns, findings, root, names)

    def drafts(self, policy: Node) -> list[Draft]:
        """Return the drafts of all rules that have no error."""
        found = [*self.constraints(policy), *self.lite(policy)]
        for section, gate in (("contract", "G4_CONTRACT"), ("dq", "DQ")):
            block = policy.get(section)
            for node in written_out((block.get("rules") if block else None) or ()):
                found += self.rule(node, gate)  # type: ignore[arg-type]
        return found

    def constraints(self, policy: Node) -> Iterator[Draft]:
        schema = policy.get("schema")
        for node in (schema.get("constraints") if schema else None) or ():
            if node.scalar("nullable") is False:
                yield self.not_null(node, node["field"], "G3_SCHEMA", "not_null", "nullable")

    def lite(self, policy: Node) -> Iterator[Draft]:
        block = policy.get("contract_lite")
        seen: set[str] = set()
        for node in (block.get("required_fields") if block else None) or ():
            name = str(node.value)
            if name in seen:
                self.findings.error(node, "SF227", f"required field '{name}' stands twice")
                continue
            seen.add(name)
            yield self.not_null(node, node, "G4_CONTRACT", "required", "required")
        for node in (block.get("invariants") if block else None) or ():
            scalar = node["expression"] if node.is_mapping else node
            draft = self.rows.expression(node, scalar, "G4_CONTRACT")
            if draft is not None:
                yield self.common(draft, node)

    def not_null(self, node: Node, name: Node, gate: Gate, kind: str, word: str) -> Draft:
        """Return the draft of a rule that a column, known by being declared here, is filled."""
        path = split(str(name.value), self.columns.types)
        found = self.columns.resolve(Field(path, self.columns.type_of(str(name.value))))
        field = found if isinstance(found, Field) else Field(path, self.columns.type_of(path[0]))
        reason = "MISSING_FIELD" if kind == "required" else "NULL_VIOLATION"
        return Draft(
            node=node,
            kind=kind,
            gate=gate,
            check=RowCheck(IsNull(field, negated=True)),
            reason=reason,
            name=f"{word}:{name.value}",
            subject=str(name.value),
            fields=(path[0],),
        )

    def rule(self, node: Node, gate: Gate) -> Iterator[Draft]:
        """Yield the drafts of one entry under `rules`; one for each column where several stand."""
        if not node.is_mapping:
            draft = self.rows.expression(node, node, gate)
            if draft is not None:
                yield draft
            return
        kind = node.string("kind")
        if kind == "expression":
            drafts = [self.rows.expression(node, node["expression"], gate)]
        elif kind in ROW_KINDS:
            drafts = [self.rows.lower(kind, node, name, gate) for name in _names(node)]
        elif kind in MEASURES and kind != "row_count":
            drafts = [self.sets.measure(kind, node, name, gate) for name in _names(node)]
        else:
            drafts = [self.sets.lower(kind, node, gate)]
        for found in drafts:
            if found is not None:
                yield self.common(found, node, several=len(drafts) > 1)

    def common(self, draft: Draft, node: Node, *, several: bool = False) -> Draft:
        """Fill in what every rule may say."""
        if not node.is_mapping:
            return draft
        explicit = node.string("id")
        if explicit and several:
            explicit = f"{explicit}:{draft.fields[0]}"
        draft.explicit = explicit
        draft.severity = "warn" if node.scalar("severity") == "warn" else "error"
        written = node.get("threshold")
        draft.threshold = threshold(written)
        if written is not None and draft.threshold.share == "1":
            message = f"a threshold of {written.text or written.value} can never be exceeded"
            self.findings.error(written, "SF225", message, "tolerate less, or remove the rule")
        where = node.get("where")
        if where is not None:
            draft.where = compile_condition(where, self.columns, self.findings)
        draft.description = node.string("description")
        draft.tags = node.strings("tags")
        draft.stages = node.strings("stages")
        return draft


def _names(node: Node) -> tuple[Node, ...]:
    key = "fields" if node.get("fields") is not None else "field"
    written = node[key]
    return tuple(written) if written.is_sequence else (written,)
