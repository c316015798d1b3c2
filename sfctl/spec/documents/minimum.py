"""The shape of `policies/minimum.yaml`: what the organisation demands of each tier."""

from __future__ import annotations

from sfctl.spec.documents.dataset import TIERS
from sfctl.spec.documents.detection import PII_KINDS
from sfctl.spec.documents.policy import LEVELS
from sfctl.spec.shape import Fields, Seq, may
from sfctl.spec.values import Boolean, Enum, Share, Text, count

_DETECTION = Fields(
    "a demanded detection",
    {
        "pattern": may(Enum(*PII_KINDS), "Kind of personal data."),
        "action": may(Enum("tokenize", "mask", "redact"), "The weakest action allowed."),
    },
    [("some", ("pattern",))],
)
_DEMANDS = Fields(
    "a tier",
    {
        "schema_mode": may(Enum("breaking", "compatible", "strict"), "The loosest mode allowed."),
        "contract": may(Enum("none", "lite", "full"), "The least contract allowed."),
        "required_blocks": may(
            Seq(Enum("schema", "contract_lite", "contract", "dq", "pii", "enforcement")),
            "Blocks a policy must have.",
        ),
        "pii_detection": may(Boolean(), "Whether PII detection must be on."),
        "pii": may(
            Fields(
                "`pii`",
                {"detection": may(Seq(_DETECTION), "Kinds to be found, and what is done.")},
            ),
            "Demanded detections.",
        ),
        "enforcement": may(
            Fields(
                "`enforcement`",
                {
                    "level": may(Enum(*LEVELS), "The weakest level allowed."),
                    "max_quarantine_share": may(Share(), "The greatest share allowed."),
                },
            ),
            "How hard, at least.",
        ),
        "max_threshold": may(Share(), "The greatest share of failing rows a rule may tolerate."),
        "min_rules": may(count(), "The least number of rules."),
        "slo": may(
            Fields(
                "`slo`",
                {
                    "freshness": may(Boolean(), "A freshness objective is demanded."),
                    "volume": may(Boolean(), "A volume objective is demanded."),
                    "contract": may(Share(), "The least contract objective."),
                    "dq": may(Share(), "The least quality objective."),
                },
            ),
            "Demanded objectives.",
        ),
    },
)

MINIMUM = Fields(
    "a minimums file",
    {
        "version": may(count("a whole number of 1 or more", low=1), "Version of the minimums."),
        "description": may(Text(), "Who decided what, for people."),
        "tiers": may(
            Fields("`tiers`", {tier: may(_DEMANDS, f"Demands on {tier}.") for tier in TIERS}),
            "Demands by tier.",
        ),
    },
    [("some", ("tiers",))],
)
