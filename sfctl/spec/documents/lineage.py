"""The shape of the files under `lineage/`: who moves, makes, owns and reads data."""

from __future__ import annotations

from sfctl.spec.documents.dataset import NAMES
from sfctl.spec.shape import Either, Fields, Seq, may, need
from sfctl.spec.values import Enum, Literal, Text

_URN = Text("a URN", r"(?:urn:[a-z]+:|ds://)\S+")
_URNS = Seq(_URN, what="a list of URNs")
_OWNER = may(Text("the name of a team"), "Who owns it.")
_COLUMN = Fields(
    "a column mapping",
    {
        "from": need(NAMES, "Columns read."),
        "to": need(Text("the name of a column"), "Column written."),
    },
)
_SPEC = Fields(
    "a lineage spec",
    {
        "kind": may(Enum("LineageSpec"), "The event's kind."),
        "producer": need(Text("the name of a job or service"), "What moves the data."),
        "inputs": need(_URNS, "Datasets read."),
        "outputs": need(_URNS, "Datasets written."),
        "columns": may(Seq(_COLUMN, what="a list of column mappings"), "Column lineage."),
        "confidence": may(Enum("HIGH", "MEDIUM", "LOW"), "How sure it is."),
        "commit": may(Text(), "Commit it was read from."),
    },
)
_CONSUMER_KEYS = {
    "urn": need(_URN, "Its URN."),
    "tier": may(Enum("TIER_1", "TIER_2", "TIER_3"), "How much depends on it."),
    "owner": _OWNER,
    "consumes": may(_URNS, "Datasets read."),
}
_ASSET = Fields(
    "a dataset kept elsewhere",
    {
        "urn": need(_URN, "Its URN."),
        "tier": may(Enum("TIER_1", "TIER_2", "TIER_3"), "How much depends on it."),
        "owner": _OWNER,
    },
)
_SERVICE = Fields(
    "a service",
    {"urn": need(_URN, "Its URN."), "owner": _OWNER, "owns": may(_URNS, "Datasets produced.")},
)
_CHANNEL = Either(
    "a channel",
    scalar=Text("a channel"),
    mapping=Fields(
        "a channel",
        {
            "type": need(
                Enum("pagerduty", "slack", "jira", "webhook", "teams", "email", "file"), "Kind."
            ),
            "address": may(Literal(), "Where to."),
        },
    ),
)
_TEAM = Fields(
    "a team",
    {
        "urn": need(_URN, "Its URN."),
        "channels": may(Seq(_CHANNEL, what="a list of channels"), "How it is told."),
    },
)

LINEAGE = Fields(
    "a lineage file",
    {
        "lineage": may(Seq(_SPEC, what="a list of lineage specs"), "Who moves what."),
        "datasets": may(
            Seq(_ASSET, what="a list of datasets"), "Datasets that no folder here registers."
        ),
        "services": may(Seq(_SERVICE, what="a list of services"), "Producers."),
        "dashboards": may(
            Seq(Fields("a dashboard", _CONSUMER_KEYS), what="a list of dashboards"), "Consumers."
        ),
        "pipelines": may(
            Seq(Fields("a pipeline", _CONSUMER_KEYS), what="a list of pipelines"), "Consumers."
        ),
        "teams": may(Seq(_TEAM, what="a list of teams"), "Owners."),
    },
    [("some", ("lineage", "datasets", "services", "dashboards", "pipelines", "teams"))],
)
