"""The columns a dataset is known to have: declared, in the baseline, required; and their types."""

from __future__ import annotations

from dataclasses import dataclass, field

from sfctl.compiler.findings import Findings, place
from sfctl.errors import Problem
from sfctl.model.binding import is_ambiguous, path_of, typed_field
from sfctl.model.expr import Field
from sfctl.model.policy import ColumnSpec, SchemaPolicy
from sfctl.model.reserved import CODE, HINT, reserved
from sfctl.model.schema import Schema, from_json
from sfctl.model.types import DataType, parse
from sfctl.spec.dataset import DatasetFiles
from sfctl.spec.tree import Node

ANY = DataType("ANY")


@dataclass(slots=True)
class Columns:
    """Known columns by name. `open` lets unknown ones pass, to be met at the first run."""

    types: dict[str, DataType] = field(default_factory=dict)
    not_null: dict[str, Node | None] = field(default_factory=dict)
    required: dict[str, Node] = field(default_factory=dict)
    nullable: set[str] = field(default_factory=set)
    open: bool = False

    def resolve(self, node: Field) -> Field | str | None:
        """Type a field for inference; a hint where there is no such column."""
        found = typed_field(node, self.types)
        return (
            None
            if isinstance(found, str) and self.open and node.path[0] not in self.types
            else found
        )

    def ambiguous(self, name: str) -> bool:
        """Tell whether a written name can mean two things."""
        return is_ambiguous(name, self.types)

    def type_of(self, name: str) -> DataType:
        """Return the type of a column or path, ANY where it is unknown."""
        found = typed_field(Field(split(name, self.types), ANY), self.types)
        return found.type if isinstance(found, Field) else ANY


def split(name: str, known: dict[str, DataType]) -> tuple[str, ...]:
    """Return the path a written field means: a known column with dots, else the dotted parts."""
    return path_of(name, known)


def known_columns(
    files: DatasetFiles, findings: Findings, extra: tuple[str, ...] | None
) -> tuple[Columns, SchemaPolicy]:
    """Return the columns a policy may speak of, and what G3 compares with.

    `extra` names the columns of a source at hand; None for none. Problems go to `findings`.
    """
    columns = Columns()
    declared = _declared(files.policy, columns, findings)
    baseline = _baseline(files, findings)
    if baseline is not None:
        for column in baseline.columns:
            if columns.types.get(column.name, ANY) == ANY or _bare(columns.types[column.name]):
                columns.types[column.name] = column.type
            if column.nullable is False:
                columns.not_null.setdefault(column.name, None)
    lite = files.policy.get("contract_lite") if files.policy else None
    for node in (lite.get("required_fields") if lite else None) or ():
        name = split(str(node.value), columns.types)[0]
        if name not in columns.types:
            _require_free(node, findings)
        columns.types.setdefault(name, ANY)
        columns.required.setdefault(str(node.value), node)
    for name in extra or ():
        columns.types.setdefault(name, ANY)
    for name in columns.required:
        if name in declared:
            declared[name] = _with(declared[name], required=True)
    schema = files.policy.get("schema") if files.policy else None
    mode = schema.string("mode", "compatible") if schema else "compatible"
    policy = SchemaPolicy(
        mode=mode,  # type: ignore[arg-type]
        columns=tuple(declared.values()),
        baseline=None
        if baseline is None
        else tuple(ColumnSpec(c.name, c.type, c.nullable) for c in baseline.columns),
        fingerprint="" if baseline is None else baseline.fingerprint(),
    )
    return columns, policy


def _require_free(name: Node, findings: Findings) -> None:
    if reserved([str(name.value)]):
        findings.error(name, CODE, f"no column may be named `{name.value}`", HINT)


def _declared(policy: Node | None, columns: Columns, findings: Findings) -> dict[str, ColumnSpec]:
    declared: dict[str, ColumnSpec] = {}
    places: dict[str, Node] = {}
    schema = policy.get("schema") if policy else None
    for entry in (schema.get("constraints") if schema else None) or ():
        name, node = entry.string("field"), entry["field"]
        _require_free(node, findings)
        kind = ANY
        written = entry.get("type")
        if written is not None:
            try:
                kind = parse(str(written.value))
            except ValueError as error:
                findings.error(written, "SF212", str(error), _TYPES)
        if name in declared:
            hint = f"the first stands at {place(places[name])}"
            findings.error(node, "SF227", f"column `{name}` is declared twice", hint)
            continue
        nullable = entry.scalar("nullable")
        declared[name] = ColumnSpec(name, kind, nullable if isinstance(nullable, bool) else None)
        places[name] = node
        columns.types[name] = kind
        if nullable is False:
            columns.not_null[name] = entry
        elif nullable is True:
            columns.nullable.add(name)
    return declared


_TYPES = (
    "types: BOOLEAN, INT64, DOUBLE, DECIMAL(12,2), STRING, DATE, TIMESTAMP, ARRAY<…>, STRUCT<…>"
)


def _baseline(files: DatasetFiles, findings: Findings) -> Schema | None:
    rows = None if files.baseline is None else files.baseline.get("schema")
    if rows is None:
        return None
    path = files.dataset.path.rpartition("/")[0] + "/baseline.json"
    try:
        if not isinstance(rows, list):
            raise TypeError("`schema` is no list")
        return from_json(rows)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        reason = f"no {error}" if isinstance(error, KeyError) else str(error)
        message = f"the baseline's schema cannot be read ({reason})"
        findings.problems.append(
            Problem(path, 1, 1, "SF260", message, "`sfctl profile` writes it anew")
        )
        return None


def _bare(kind: DataType) -> bool:
    return kind.kind in ("DECIMAL", "ARRAY", "MAP", "STRUCT") and not (kind.precision or kind.args)


def _with(column: ColumnSpec, *, required: bool) -> ColumnSpec:
    return ColumnSpec(column.name, column.type, column.nullable, required, column.pii)
