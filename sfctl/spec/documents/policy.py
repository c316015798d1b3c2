"""The shape of `policy_bundle.yaml`: schema, contract, data quality, PII, enforcement."""

from __future__ import annotations

from sfctl.spec.documents.detection import DETECTIONS
from sfctl.spec.documents.pack import INCLUDE
from sfctl.spec.documents.rule import INVARIANT
from sfctl.spec.documents.rules import RULES
from sfctl.spec.shape import Either, Fields, Seq, may, need
from sfctl.spec.values import Boolean, Enum, Number, Share, Text, count
from sfctl.spec.version import Version

LEVELS = ("G0", "G1", "G2", "G3")
STAGES = ("bronze", "silver", "gold")

_COLUMN = Text("the name of a column")

_CONSTRAINT = Fields(
    "a constraint",
    {
        "field": need(_COLUMN, "The column."),
        "type": may(Text("a type such as DECIMAL(12,2)"), "Its canonical type."),
        "nullable": may(Boolean(), "Whether null is allowed."),
        "description": may(Text(), "What the column holds."),
    },
)
_SCHEMA = Fields(
    "`schema`",
    {
        "mode": may(
            Enum("breaking", "compatible", "strict"), "Which changes of the schema pass G3."
        ),
        "constraints": may(Seq(_CONSTRAINT, what="a list of constraints"), "Declared columns."),
    },
)
_LITE = Fields(
    "`contract_lite`",
    {
        "required_fields": may(
            Seq(_COLUMN, what="a list of column names"), "Must be there and not null."
        ),
        "invariants": may(
            Seq(INVARIANT, what="a list of expressions"), "Must not be FALSE in any row."
        ),
    },
)
_CONTRACT = Fields(
    "`contract`",
    {
        "id": may(Text(), "The contract's name, such as dc:orders.created."),
        "version": may(Version(), "Its version."),
        "description": may(Text(), "What it promises, for people."),
        "source": may(Text(), "File and table it was imported from; `export odcs` starts there."),
        "rules": may(RULES, "Judged at gate G4."),
    },
)


_SHARES = Either(
    "a share, or a share for each stage",
    scalar=Share(),
    mapping=Fields("`max_quarantine_share`", {stage: may(Share(), stage) for stage in STAGES}),
)

POLICY = Fields(
    "a policy bundle",
    {
        "version": may(count("a whole number of 1 or more", low=1), "Version of this policy."),
        "description": may(Text(), "What it is for, for people."),
        "include": may(INCLUDE, "Packs of rules, shared with other bundles."),
        "schema": may(_SCHEMA, "Gate G3."),
        "contract_lite": may(_LITE, "Gate G4, the least."),
        "contract": may(_CONTRACT, "Gate G4, in full."),
        "dq": may(Fields("`dq`", {"rules": need(RULES, "The rules.")}), "Gate DQ."),
        "pii": may(
            Fields(
                "`pii`",
                {"detection": need(DETECTIONS, "What to find.")},
            ),
            "Gate G5.",
        ),
        "enforcement": may(
            Fields(
                "`enforcement`",
                {
                    "level": may(Enum(*LEVELS), "G0 see, G1 warn, G2 soft, G3 hard."),
                    "max_quarantine_share": may(
                        _SHARES, "Above this share of bad rows the batch is over the limit."
                    ),
                    "auto": may(Boolean(), "Let the level rise along the roll-out timeline."),
                },
            ),
            "How hard the gates are enforced.",
        ),
        "performance": may(
            Fields(
                "`performance`",
                {
                    "gate_timeout_ms": may(
                        count("a whole number of 1 or more", low=1), "Deadline of every gate."
                    ),
                    "sampling_rate": may(
                        Number("a number above 0 and at most 1", low=0.0001, high=1),
                        "Share of rows judged; below 1 nothing certifies.",
                    ),
                    "memory_mb": may(
                        count("a whole number of 16 or more", low=16), "Memory cap of the gates."
                    ),
                },
            ),
            "Budgets of the gates.",
        ),
    },
)
