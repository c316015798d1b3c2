"""The standard itself: which documents are contracts of version 3.0.2, and which of 3.1.

Tests hold these tables against the JSON Schemas that the standard publishes. The two versions
differ in both directions: 3.1 knows more and closes most objects to unknown keys.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from sfctl.odcs import servers
from sfctl.odcs.grammar import (
    Anything,
    Boolean,
    Either,
    Grammar,
    Items,
    Keys,
    Number,
    OneOf,
    Scalar,
    Text,
    exactly_one,
    wrong,
)
from sfctl.spec.shape import Report
from sfctl.spec.tree import Node

OLDER = ("v3.0.2", "v3.0.1", "v3.0.0", "v2.2.2", "v2.2.1", "v2.2.0")
VERSIONS = ("v3.1.0", *OLDER)
"""What `apiVersion` may say. What is older than 3.0.2 is read as the schema of 3.0.2 reads it."""
METRICS = ("nullValues", "missingValues", "invalidValues", "duplicateValues", "rowCount")
_DIMENSIONS = (
    "accuracy", "completeness", "conformity", "consistency", "coverage", "timeliness", "uniqueness",
)  # fmt: skip
_TEXT = Text()
_TEXTS = Items(_TEXT)
_STABLE_ID = Text("an id of letters, digits, _ and -", "^[A-Za-z0-9_-]+$")
_SHORT = r"^[A-Za-z_][A-Za-z0-9_]*\.[A-Za-z_][A-Za-z0-9_]*$"
_FULL = (
    r"^(?:(?:https?:\/\/)?[A-Za-z0-9._\-\/]+\.yaml#)?\/?[A-Za-z_][A-Za-z0-9_]*\/[A-Za-z0-9_-]+"
    r"(?:\/[A-Za-z_][A-Za-z0-9_]*\/[A-Za-z0-9_-]+)*$"
)
_REFERENCE = Text("table.column, or a path such as schema/id/properties/id", f"{_SHORT}|{_FULL}")
_INTEGERS = ("i8", "i16", "i32", "i64", "i128", "u8", "u16", "u32", "u64", "u128")


@cache
def contract(strict: bool) -> Keys:
    """Return the grammar of a whole document: of version 3.1 where `strict`, else of 3.0.2."""
    return _Standard(strict).document()


class _Standard:
    """The parts of one version, each built once."""

    def __init__(self, strict: bool) -> None:
        self.strict = strict
        self.custom = Items(
            self.keys(
                "a custom property",
                {"property": _TEXT, "value": Anything()},
                {"id": _STABLE_ID, "description": _TEXT},
                needs=("property", "value") if strict else (),
            )
        )
        self.definitions = Items(
            self.keys(
                "an authoritative definition",
                {"url": _TEXT, "type": _TEXT},
                {"id": _STABLE_ID, "description": _TEXT},
                needs=("url", "type"),
            )
        )
        self.quality = Items(self.check())
        self.element: dict[str, Grammar] = {
            "name": _TEXT,
            "physicalType": _TEXT,
            "description": _TEXT,
            "businessName": _TEXT,
            "authoritativeDefinitions": self.definitions,
            "tags": _TEXTS,
            "customProperties": self.custom,
            **self.since({"id": _STABLE_ID}),
        }
        self.property, self.item = self.properties()

    def since(self, fields: dict[str, Grammar]) -> dict[str, Grammar]:
        """Return keys that version 3.1 brought."""
        return fields if self.strict else {}

    def keys(
        self,
        noun: str,
        fields: dict[str, Grammar],
        since: dict[str, Grammar] | None = None,
        needs: Iterable[str] = (),
    ) -> Keys:
        """Return a mapping that version 3.1 closed to unknown keys."""
        every = {**fields, **self.since(since or {})}
        return Keys(noun, every, needs=needs, open=not self.strict)

    def document(self) -> Keys:
        described: dict[str, Grammar] = {
            "purpose": _TEXT,
            "usage": _TEXT,
            "limitations": _TEXT,
            "authoritativeDefinitions": self.definitions,
            "customProperties": self.custom,
        }
        price: dict[str, Grammar] = {
            "priceAmount": Number(),
            "priceCurrency": _TEXT,
            "priceUnit": _TEXT,
        }
        return Keys(
            "a contract",
            {
                "version": _TEXT,
                "kind": OneOf("DataContract"),
                "apiVersion": OneOf(*(VERSIONS if self.strict else OLDER)),
                "id": _TEXT,
                "name": _TEXT,
                "tenant": _TEXT,
                "tags": _TEXTS,
                "status": _TEXT,
                "servers": Items(self.server()),
                "dataProduct": _TEXT,
                "description": Keys("`description`", described, open=True),
                "domain": _TEXT,
                "schema": Items(self.object()),
                "support": Items(self.support()),
                "price": self.keys("`price`", price, {"id": _STABLE_ID}),
                "team": self.team(),
                "roles": Items(self.role()),
                "slaDefaultElement": _TEXT,
                "slaProperties": Items(self.promise()),
                "authoritativeDefinitions": self.definitions,
                "customProperties": self.custom,
                "contractCreatedTs": _TEXT,
            },
            needs=("version", "apiVersion", "kind", "id", "status"),
        )

    def server(self) -> Keys:
        known = servers.sources(self.strict)
        fields: dict[str, Grammar] = {
            "server": _TEXT,
            "type": OneOf(*known),
            "description": _TEXT,
            "environment": _TEXT,
            "roles": Items(self.role()),
            "customProperties": self.custom,
            **self.since({"id": _STABLE_ID}),
        }
        return Keys(
            "a server",
            fields,
            needs=("server", "type"),
            open=not self.strict,
            cases=lambda node: servers.source_of(node, known),
        )

    def role(self) -> Keys:
        names = ("role", "description", "access", "firstLevelApprovers", "secondLevelApprovers")
        fields: dict[str, Grammar] = {
            **dict.fromkeys(names, _TEXT),
            "customProperties": self.custom,
        }
        return self.keys("a role", fields, {"id": _STABLE_ID}, needs=("role",))

    def support(self) -> Keys:
        names = ("channel", "url", "description", "tool", "scope", "invitationUrl")
        return self.keys(
            "a support channel",
            dict.fromkeys(names, _TEXT),
            {"id": _STABLE_ID, "customProperties": self.custom},
            needs=("channel",) if self.strict else ("channel", "url"),
        )

    def promise(self) -> Keys:
        fields: dict[str, Grammar] = {
            "property": _TEXT,
            "value": Scalar(),
            "valueExt": Scalar(),
            "unit": _TEXT,
            "element": _TEXT,
            "driver": _TEXT,
        }
        since: dict[str, Grammar] = {
            "id": _STABLE_ID,
            "description": _TEXT,
            "scheduler": _TEXT,
            "schedule": _TEXT,
        }
        return self.keys("an SLA property", fields, since, needs=("property", "value"))

    def team(self) -> Grammar:
        names = (
            "username", "name", "description", "role", "dateIn", "dateOut", "replacedByUsername",
        )  # fmt: skip
        extras: dict[str, Grammar] = {
            "id": _STABLE_ID,
            "tags": _TEXTS,
            "customProperties": self.custom,
            "authoritativeDefinitions": self.definitions,
        }
        member = self.keys(
            "a member of the team",
            dict.fromkeys(names, _TEXT),
            extras,
            needs=("username",) if self.strict else (),
        )
        if not self.strict:
            return Items(member)
        fields: dict[str, Grammar] = {
            "name": _TEXT,
            "description": _TEXT,
            "members": Items(member),
            **extras,
        }
        return Either(sequence=Items(member), mapping=Keys("`team`", fields))

    def object(self) -> Keys:
        return Keys(
            "a schema object",
            {
                **self.element,
                "logicalType": OneOf("object"),
                "physicalName": _TEXT,
                "dataGranularityDescription": _TEXT,
                "properties": Items(self.property),
                "quality": self.quality,
                **self.since({"relationships": Items(_relationship(at_object=True, of=self))}),
            },
            needs=("name",),
        )

    def properties(self) -> tuple[Keys, Keys]:
        """Return a property, and the same as the item of an array; each may hold the other."""
        fields: dict[str, Grammar] = {
            **self.element,
            "physicalName": _TEXT,
            "primaryKey": Boolean(),
            "primaryKeyPosition": Number(whole=True),
            "logicalType": OneOf(
                "string", "date", *(self.since({"timestamp": _TEXT, "time": _TEXT})),
                "number", "integer", "object", "array", "boolean",
            ),
            "logicalTypeOptions": Keys("`logicalTypeOptions`", {}, open=True),
            "required": Boolean(),
            "unique": Boolean(),
            "partitioned": Boolean(),
            "partitionKeyPosition": Number(whole=True),
            "classification": _TEXT,
            "encryptedName": _TEXT,
            "transformSourceObjects": _TEXTS,
            "transformLogic": _TEXT,
            "transformDescription": _TEXT,
            "examples": Items(Anything()),
            "criticalDataElement": Boolean(),
            "quality": self.quality,
            **self.since({"relationships": Items(_relationship(at_object=False, of=self))}),
        }  # fmt: skip
        options = _options(self.strict)
        nested: dict[str, dict[str, Grammar]] = {}
        cases = {kind: Keys(f"a property of type {kind}", {}) for kind in (*options, "boolean")}

        def of_type(node: Node) -> Iterable[Keys]:
            said = node.value.get("logicalType") if isinstance(node.value, dict) else None
            if said is None:
                return (untyped,)
            known = cases.get(said.value) if isinstance(said.value, str) else None
            return () if known is None else (known,)

        def made(noun: str, needs: tuple[str, ...], more: dict[str, Grammar]) -> Keys:
            return Keys(noun, {**fields, **more}, needs=needs, cases=of_type)

        one = made("a property", ("name",), {})
        item = made("an item of an array", (), {} if self.strict else {"properties": Items(one)})
        nested = {"object": {"properties": Items(one)}, "array": {"items": item}}
        for kind, grammar in options.items():
            cases[kind].fields.update({"logicalTypeOptions": grammar, **nested.get(kind, {})})
        nothing = Keys("`logicalTypeOptions` without a `logicalType`", {})
        untyped = Keys(
            "a property", {"logicalTypeOptions": nothing, **nested["object"], **nested["array"]}
        )
        return one, item

    def check(self) -> Keys:
        names = (
            "name", "description", "unit", "severity", "businessImpact", "method", "schedule",
            "scheduler",
        )  # fmt: skip
        fields: dict[str, Grammar] = {
            **dict.fromkeys(names, _TEXT),
            "type": OneOf("text", "library", "sql", "custom"),
            "dimension": OneOf(*_DIMENSIONS),
            "tags": _TEXTS,
            "authoritativeDefinitions": self.definitions,
            "customProperties": self.custom,
            **self.since({"id": _STABLE_ID}),
        }
        kinds = self.kinds_of_check()

        def of_kind(node: Node) -> Iterable[Keys]:
            entries = node.value if isinstance(node.value, dict) else {}
            said = entries["type"].value if "type" in entries else None
            measured = "metric" in entries and isinstance(entries["metric"].value, str)
            if said == "library" or (measured if self.strict else "type" not in entries):
                yield kinds["library"]
            if said in ("sql", "custom"):
                yield kinds[str(said)]

        return Keys("a quality check", fields, open=not self.strict, cases=of_kind)

    def kinds_of_check(self) -> dict[str, Keys]:
        block = Keys("`implementation`", {}, open=True)
        custom = Keys(
            "a custom check",
            {"engine": _TEXT, "implementation": Either(scalar=_TEXT, mapping=block)},
            needs=("engine", "implementation"),
        )
        if not self.strict:
            library = Keys("a library check", {"rule": _TEXT, **OPERATORS}, needs=("rule",))
            sql = Keys("an SQL check", {"query": _TEXT}, needs=("query",))
            return {"library": library, "sql": sql, "custom": custom}
        metric: dict[str, Grammar] = {
            "metric": OneOf(*METRICS),
            "rule": _TEXT,
            "arguments": Keys("`arguments`", {}, open=True),
        }
        library = Keys(
            "a library check",
            {**metric, **OPERATORS},
            needs=("metric",),
            also=exactly_one(OPERATORS, "a library check"),
        )
        sql = Keys(
            "an SQL check",
            {"query": _TEXT, **OPERATORS},
            needs=("query",),
            also=exactly_one(OPERATORS, "an SQL check"),
        )
        return {"library": library, "sql": sql, "custom": custom}


_PAIR = Items(Number(), least=2, most=2, distinct=True)
OPERATORS: dict[str, Grammar] = {
    "mustBe": Anything(),
    "mustNotBe": Anything(),
    "mustBeGreaterThan": Number(),
    "mustBeGreaterOrEqualTo": Number(),
    "mustBeLessThan": Number(),
    "mustBeLessOrEqualTo": Number(),
    "mustBeBetween": _PAIR,
    "mustNotBeBetween": _PAIR,
}


def _options(strict: bool) -> dict[str, Grammar]:
    size = Number(whole=True, low=0)
    text_end: Grammar = _TEXT if strict else Boolean()
    number_end: Grammar = Number() if strict else Boolean()

    def ends(shape: Grammar, excluded: Grammar) -> dict[str, Grammar]:
        return {
            "minimum": shape,
            "maximum": shape,
            "exclusiveMinimum": excluded,
            "exclusiveMaximum": excluded,
        }

    def numbers(formats: tuple[str, ...]) -> dict[str, Grammar]:
        step: dict[str, Grammar] = {"multipleOf": Number(above=0), "format": OneOf(*formats)}
        return {**ends(Number(), number_end), **step}

    day = {**ends(_TEXT, text_end), "format": _TEXT}
    found: dict[str, dict[str, Grammar]] = {
        "string": {"minLength": size, "maxLength": size, "pattern": _TEXT, "format": _TEXT},
        "date": day,
        "integer": numbers(_INTEGERS),
        "number": numbers(("f32", "f64")),
        "object": {
            "minProperties": size,
            "maxProperties": size,
            "required": Items(_TEXT, least=1, distinct=True),
        },
        "array": {"minItems": size, "maxItems": size, "uniqueItems": Boolean()},
    }
    if strict:
        instant = {**day, "timezone": Boolean(), "defaultTimezone": _TEXT}
        found |= {"timestamp": instant, "time": instant}
    return {kind: Keys(f"options of {kind}", fields) for kind, fields in found.items()}


def _relationship(*, at_object: bool, of: _Standard) -> Keys:
    side = Either(scalar=_REFERENCE, sequence=Items(_REFERENCE, least=1))
    fields: dict[str, Grammar] = {
        "type": OneOf("foreignKey"),
        "to": side,
        "customProperties": of.custom,
    }
    if not at_object:
        return Keys("a relationship of a property", fields, needs=("to",))
    return Keys(
        "a relationship",
        {"from": side, **fields},
        needs=("from", "to"),
        also=_same_kind,
    )


def _same_kind(node: Node, report: Report) -> None:
    one, other = node.get("from"), node.get("to")
    if one is not None and other is not None and one.is_sequence != other.is_sequence:
        wrong(report, other, "to", "a list" if one.is_sequence else "one column, as in `from`")
