"""The shape of `dataset.yaml`, and of the freshness policy that may stand alone."""

from __future__ import annotations

from sfctl.spec.shape import Either, Fields, Seq, may, need
from sfctl.spec.values import (
    Boolean,
    Duration,
    Enum,
    Label,
    Number,
    Schedule,
    Share,
    Text,
    count,
    one_or_more,
)

TIERS = ("TIER_1", "TIER_2", "TIER_3")
DATASET_URN = Text(
    "ds://<zone>/<name> or urn:dp:<domain>:<name>[:v<N>]",
    r"(?:ds://[a-z0-9_.-]+/[a-z0-9_.-]+|urn:dp:[a-z0-9_.-]+:[a-z0-9_.-]+)(?::v[0-9]+)?",
    hint="lower-case letters, digits, _ . and - only",
)
NAMES = one_or_more(Text("a name"), "a name, or a list of names")

SCHEDULE = Schedule()
_PERCENT = Number("a percentage above 0", low=0.01)
_COUNT = count()
FRESHNESS = Fields(
    "a freshness policy",
    {
        "expected_update_by": may(SCHEDULE, "When new data is due."),
        "max_delay_seconds": may(
            count("a whole number of 1 or more", low=1), "Greatest age of the newest data."
        ),
        "grace_period": may(Duration(), "How late is not yet late."),
        "partition_key": may(Text("the name of a column"), "Its newest value is the watermark."),
        "calendar": may(Text("the name of a calendar"), "Days on which nothing is due."),
    },
    [("some", ("expected_update_by", "max_delay_seconds"))],
)
_VOLUME = Fields(
    "`volume`",
    {
        "min_rows_per_partition": may(_COUNT, "Fewest rows a partition may have."),
        "max_rows_per_partition": may(_COUNT, "Most rows a partition may have."),
        "min_events_per_hour": may(_COUNT, "Fewest events an hour."),
        "max_events_per_hour": may(_COUNT, "Most events an hour."),
        "anomaly_threshold_pct": may(_PERCENT, "Deviation from normal that is flagged, in %."),
        "method": may(Enum("robust", "sigma"), "How normal is computed."),
    },
)
_RATE = Either(
    "a share, or a mapping with `threshold`",
    scalar=Share(),
    mapping=Fields(
        "a compliance objective",
        {
            "threshold": may(Share(), "OK at or above this share of passing rows."),
            "slo": may(Share(), "Another name of `threshold`."),
            "warning_threshold": may(Share(), "CRITICAL below this share."),
        },
        [("some", ("threshold", "slo", "warning_threshold")), ("not_both", ("threshold", "slo"))],
    ),
)
_SLO = Fields(
    "`slo`",
    {
        "freshness": may(FRESHNESS, "When data must be there."),
        "volume": may(_VOLUME, "How much data must be there."),
        "contract": may(_RATE, "Share of rows passing the contract."),
        "dq": may(_RATE, "Share of rows passing all row rules."),
    },
)
_PATH = Text("a path or a URL")
_STAGE = Either(
    "a path, or a mapping with `path`",
    scalar=_PATH,
    mapping=Fields(
        "a stage",
        {
            "path": need(_PATH, "Where the table lies."),
            "format": may(Enum("delta", "parquet"), "Table format; delta unless given."),
            "partition_by": may(NAMES, "Partition columns."),
        },
    ),
)
_STORAGE = Fields(
    "`storage`",
    {
        "bronze": may(_STAGE, "Data as it arrived."),
        "silver": may(_STAGE, "Cleaned data."),
        "gold": may(_STAGE, "Data for consumers; the stage that certifies."),
        "format": may(Enum("delta", "parquet"), "Table format of every stage."),
    },
    [("some", ("bronze", "silver", "gold"))],
)
_ALIAS = Either(
    "a name, or a mapping with `namespace` and `name`",
    scalar=Text("a name"),
    mapping=Fields(
        "an alias",
        {
            "namespace": need(Text(), "OpenLineage namespace."),
            "name": need(Text(), "OpenLineage name."),
        },
    ),
)

DATASET = Fields(
    "a dataset",
    {
        "urn": need(DATASET_URN, "Identity of the dataset."),
        "owner_team": need(Label("the name of a team"), "Who is told when it breaks."),
        "tier": need(Enum(*TIERS), "How much depends on it; TIER_1 most."),
        "description": may(Label(), "What it holds, for people."),
        "storage": may(_STORAGE, "Where each medallion stage lies."),
        "slo": may(_SLO, "What consumers may rely on."),
        "primary_key": may(NAMES, "Columns that identify a row in evidence."),
        "topics": may(NAMES, "Kafka topics that carry it."),
        "aliases": may(Seq(_ALIAS, what="a list of names"), "Its names in other systems."),
        "allow_empty": may(Boolean(), "Whether a run without rows may certify."),
        "on_stale": may(
            Enum("serve_certified", "serve_uncertified"), "What readers get when held too long."
        ),
        "tags": may(NAMES, "Labels for selection."),
    },
)

FRESHNESS_POLICY = Fields(
    "a freshness policy file",
    {
        "dataset": need(DATASET_URN, "The dataset it is about."),
        "freshness_policy": need(FRESHNESS, "When data must be there."),
    },
)
