"""The shape of a rule: the keys every rule may have, and those of each rule kind."""

from __future__ import annotations

from sfctl.spec.shape import Either, Field, Fields, Named, Relation, Seq, Shape, Tagged, may, need
from sfctl.spec.values import (
    Duration,
    Enum,
    Literal,
    Number,
    Share,
    Text,
    count,
    one_or_more,
)

FORMATS = (
    "email", "phone", "ssn", "credit_card", "iban", "ip", "ipv4", "ipv6", "uuid", "url",
    "hostname", "date", "time", "datetime",
)  # fmt: skip
FUNCTIONS = ("sum", "avg", "min", "max", "stddev", "quantile")

_NAME = Text("the name of a column")
NAMES = Named("columns", one_or_more(_NAME, "the name of a column, or a list of them"))
STAGES = ("bronze", "silver", "gold")

EXPRESSION = Text("an expression such as order_total > 0")
_BOUND = Literal("a number, or a date or decimal in quotes", boolean=False)
_COUNT = count()
_RATE = Share()
_VALUES = Named("values", Seq(Literal(), at_least=1, what="a list of values"))
_BOUNDS = ("min", "max", "exclusive_min", "exclusive_max")
_ONE_OF_EACH: tuple[Relation, ...] = (
    ("some", _BOUNDS),
    ("not_both", ("min", "exclusive_min")),
    ("not_both", ("max", "exclusive_max")),
)
_ANY_FIELD: Relation = ("one", ("field", "fields"))

COMMON: dict[str, Field] = {
    "id": may(
        Named("rule_id", Text("letters, digits, _ . : or -", r"[A-Za-z0-9_][A-Za-z0-9_.:-]*")),
        "Name of the rule in results; made from its content where absent.",
    ),
    "severity": may(
        Named("severity", Enum("error", "warn")), "Whether failing fails the gate or only warns."
    ),
    "threshold": may(
        Named("threshold", Share(or_count=True)),
        "How many rows, or what share, may fail; 0 unless given.",
    ),
    "where": may(EXPRESSION, "Judge only the rows for which this holds."),
    "description": may(Text(), "What the rule is for, for people."),
    "stages": may(
        Named("stages", one_or_more(Enum(*STAGES), "a stage, or a list of them")),
        "Judge only in these stages; in all that its section belongs to unless given.",
    ),
    "tags": may(
        Named("tags", one_or_more(Text("a tag"), "a tag, or a list of them")), "Free labels."
    ),
}


def _field() -> dict[str, Field]:
    return {"field": need(NAMES, "The column judged; of several, each by itself.")}


def _fields() -> dict[str, Field]:
    return {
        "field": may(_NAME, "The column judged."),
        "fields": may(NAMES, "The columns judged, together."),
    }


def _limits(shape: Shape, of: str) -> dict[str, Field]:
    return {
        "min": may(shape, f"Least {of}, included."),
        "max": may(shape, f"Greatest {of}, included."),
    }


def _open_limits(shape: Shape, of: str) -> dict[str, Field]:
    return {
        **_limits(shape, of),
        "exclusive_min": may(shape, f"Least {of}, excluded."),
        "exclusive_max": may(shape, f"Greatest {of}, excluded."),
    }


def _rule(kind: str, own: dict[str, Field], *relations: Relation) -> Fields:
    fields = {"kind": need(Enum(kind), "The rule kind."), **own, **COMMON}
    return Fields(f"{'an' if kind[0] in 'ae' else 'a'} `{kind}` rule", fields, relations)


def _aggregate(function: str) -> Fields:
    own = {
        **_field(),
        "function": need(Enum(function), "The aggregate."),
        **_open_limits(_BOUND, "value of the aggregate"),
    }
    if function == "quantile":
        own["quantile"] = need(Number("a number from 0 to 1", low=0, high=1), "Which quantile.")
    fields = {"kind": need(Enum("aggregate"), "The rule kind."), **own, **COMMON}
    return Fields(f"an `aggregate` rule of {function}", fields, _ONE_OF_EACH)


_SCOPE = may(Enum("batch", "table"), "Compare within the batch, or with the whole table.")
_NULLS = may(Enum("equal", "distinct"), "Whether nulls count as equal to each other.")
_SOME_LIMIT: Relation = ("some", ("min", "max"))
_REFERENCE = Fields(
    "a reference",
    {
        "dataset": need(Text("a dataset, such as ds://ref/planes"), "The dataset referred to."),
        "field": may(_NAME, "The column there."),
        "fields": may(NAMES, "The columns there, in the order of `fields`."),
    },
    (_ANY_FIELD,),
)

KINDS: dict[str, Shape] = {
    "required": _rule("required", _fields(), _ANY_FIELD),
    "not_null": _rule("not_null", _fields(), _ANY_FIELD),
    "type": _rule(
        "type", {**_field(), "type": need(Text("a type such as DECIMAL(12,2)"), "Its type.")}
    ),
    "accepted_values": _rule(
        "accepted_values", {**_field(), "values": need(_VALUES, "The values allowed.")}
    ),
    "not_accepted_values": _rule(
        "not_accepted_values", {**_field(), "values": need(_VALUES, "The values refused.")}
    ),
    "range": _rule("range", {**_field(), **_open_limits(_BOUND, "value")}, *_ONE_OF_EACH),
    "length": _rule("length", {**_field(), **_limits(_COUNT, "number of characters")}, _SOME_LIMIT),
    "pattern": _rule(
        "pattern",
        {**_field(), "pattern": need(Text("a regular expression"), "Matches the whole value.")},
    ),
    "format": _rule("format", {**_field(), "format": need(Enum(*FORMATS), "A known format.")}),
    "expression": _rule("expression", {"expression": need(EXPRESSION, "Must not be FALSE.")}),
    "foreign_key": _rule(
        "foreign_key",
        {**_fields(), "references": need(_REFERENCE, "Where the values must stand.")},
        _ANY_FIELD,
    ),
    "unique": _rule("unique", {**_fields(), "scope": _SCOPE, "nulls": _NULLS}, _ANY_FIELD),
    "duplicate_rows": _rule("duplicate_rows", {"scope": _SCOPE, "nulls": _NULLS}),
    "row_count": _rule("row_count", _limits(_COUNT, "number of rows"), _SOME_LIMIT),
    "null_rate": _rule("null_rate", {**_field(), **_limits(_RATE, "share of nulls")}, _SOME_LIMIT),
    "distinct_count": _rule(
        "distinct_count", {**_field(), **_limits(_COUNT, "number of values")}, _SOME_LIMIT
    ),
    "aggregate": Tagged(
        "an `aggregate` rule", "function", {name: _aggregate(name) for name in FUNCTIONS}
    ),
    "freshness": _rule(
        "freshness", {**_field(), "max_age": need(Duration(), "Age of the newest value.")}
    ),
    "custom": _rule(
        "custom",
        {
            **_fields(),
            "function": need(
                Text(
                    "an import path such as rules.mine:check",
                    r"[A-Za-z_][A-Za-z0-9_.]*:[A-Za-z_][A-Za-z0-9_]*",
                ),
                "Takes an Arrow batch, returns one boolean a row.",
            ),
        },
        _ANY_FIELD,
    ),
}

INVARIANT = Either(
    "an expression, or a mapping with `expression`",
    scalar=EXPRESSION,
    mapping=Fields(
        "an invariant",
        {
            "expression": need(EXPRESSION, "Must not be FALSE."),
            "kind": may(Enum("expression"), "The rule kind; an invariant has no other."),
            **COMMON,
        },
    ),
)
