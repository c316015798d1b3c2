"""The shape of an entry that says which personal data is found, and what is done about it."""

from __future__ import annotations

from sfctl.spec.shape import Field, Fields, Seq, Tagged, may, need
from sfctl.spec.values import Enum, Share, Text, one_or_more

PII_KINDS = ("EMAIL", "PHONE", "SSN", "CREDIT_CARD", "IBAN", "IP")

_COLUMNS = one_or_more(Text("the name of a column"), "the name of a column, or a list of them")


def _detection(own: dict[str, Field], kinds: tuple[str, ...]) -> Fields:
    return Fields(
        "a detection",
        {
            "pattern": need(Enum(*kinds), "Kind of personal data."),
            **own,
            "columns": may(_COLUMNS, "Only these; every string column where absent."),
            "action": may(
                Enum("tokenize", "mask", "redact", "none"), "What is done before writing."
            ),
            "placeholder": may(Text(), "Stands in for a redacted value instead of null."),
            "min_share": may(Share(), "Share of matching values that makes a column personal."),
            "description": may(Text(), "Why, for people."),
        },
    )


_CUSTOM = {
    "name": need(Text("an upper-case name", r"[A-Z][A-Z0-9_]*"), "Name of the kind in findings."),
    "regex": need(Text("a regular expression"), "Matches one value of the kind."),
}
_DETECTION = Tagged(
    "a detection",
    "pattern",
    {
        **{kind: _detection({}, (kind,)) for kind in PII_KINDS},
        "CUSTOM": _detection(_CUSTOM, ("CUSTOM",)),
    },
)
DETECTIONS = Seq(_DETECTION, what="a list of detections")
