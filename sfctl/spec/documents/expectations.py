"""The shape of `expectations/<consumer>.yaml`: what a consumer needs of others' datasets."""

from __future__ import annotations

from sfctl.spec.documents.dataset import FRESHNESS
from sfctl.spec.shape import Either, Fields, Seq, may, need
from sfctl.spec.values import Boolean, Label, Share, Text, count

_FIELD = Either(
    "the name of a column, or a mapping with `field`",
    scalar=Text("the name of a column"),
    mapping=Fields(
        "an expected field",
        {
            "field": need(Text("the name of a column"), "The column."),
            "type": may(Text("a type such as DECIMAL(12,2)"), "Its type."),
            "nullable": may(Boolean(), "Whether null is expected."),
        },
    ),
)
_EXPECTED = Fields(
    "an expectation",
    {
        "dataset": need(Text("a dataset: its folder's name or its URN"), "What is consumed."),
        "fields": may(Seq(_FIELD, at_least=1, what="a list of columns"), "Columns needed."),
        "freshness": may(FRESHNESS, "When it is needed."),
        "min_rows": may(count(), "Fewest rows that are of use."),
        "dq": may(Share(), "Least share of passing rows that is of use."),
    },
    [("some", ("fields", "freshness", "min_rows", "dq"))],
)

EXPECTATIONS = Fields(
    "an expectations file",
    {
        "consumer": may(Text("the name of the consumer"), "The file's name unless given."),
        "owner_team": need(Label("the name of a team"), "Who is told of gaps."),
        "description": may(Text(), "What the data is used for."),
        "expects": need(
            Seq(_EXPECTED, at_least=1, what="a list of expectations"), "One entry a dataset."
        ),
    },
)
