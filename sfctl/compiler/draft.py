"""A rule while it is being compiled, and the id it gets when its author gave none."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field

from sfctl.compiler.findings import Findings, place
from sfctl.model.expr import Expr
from sfctl.model.policy import Check, Gate, Rule, Severity, Threshold
from sfctl.spec.tree import Node

_WORDS = (
    ("<>", " ne "), ("!=", " ne "), ("==", " eq "), ("<=", " le "), (">=", " ge "), ("<", " lt "),
    (">", " gt "), ("=", " eq "), ("+", " plus "), ("*", " times "), ("//", " div "),
    ("/", " over "), ("%", " mod "),
)  # fmt: skip
_LONGEST = 60


@dataclass(slots=True)
class Draft:
    """One declared rule. `name` is what its id is made from where `explicit` is empty.

    `subject` is the field as it was written, for messages and signatures. `reason` is the part
    of the signature before the colon; rules without a subject are signed by their id.
    """

    node: Node
    kind: str
    gate: Gate
    check: Check
    reason: str
    name: str
    subject: str = ""
    explicit: str = ""
    severity: Severity = "error"
    threshold: Threshold = field(default_factory=Threshold)
    where: Expr | None = None
    fields: tuple[str, ...] = ()
    detail_field: str = ""
    description: str = ""
    tags: tuple[str, ...] = ()
    stages: tuple[str, ...] = ()
    id: str = ""
    subsumed_by: str = ""

    @property
    def unconditional(self) -> bool:
        """Whether no row may fail it."""
        everywhere = self.where is None and not self.stages
        return everywhere and self.threshold == Threshold() and self.severity == "error"

    @property
    def demanded(self) -> bool:
        """Whether a consumer asks for it, so that its author cannot see what it repeats."""
        return any(tag.startswith("consumer:") for tag in self.tags)

    def rule(self) -> Rule:
        """Return the finished rule."""
        return Rule(
            id=self.id,
            kind=self.kind,
            gate=self.gate,
            check=self.check,
            signature=f"{self.reason}:{self.subject or self.id}",
            severity=self.severity,
            threshold=self.threshold,
            where=self.where,
            fields=self.fields,
            detail_field=self.detail_field,
            subsumed_by=self.subsumed_by,
            description=self.description,
            tags=self.tags,
            stages=self.stages,
            source=place(self.node),
        )


def name_rules(drafts: list[Draft], findings: Findings) -> None:
    """Give every draft its id. The first of equal names keeps it, later ones get a hash behind."""
    taken: dict[str, Draft] = {}
    for draft in drafts:
        if not draft.explicit:
            continue
        first = taken.setdefault(draft.explicit, draft)
        if first is not draft:
            node = draft.node.get("id") or draft.node
            hint = f"the first stands at {place(first.node)}"
            if draft.node.included and first.node.included:
                hint += "; tell the two includes apart with `as:`"
            findings.error(node, "SF223", f"rule id `{draft.explicit}` is used twice", hint)
        draft.id = draft.explicit
    for draft in drafts:
        if draft.explicit:
            continue
        draft.id = draft.name
        if draft.id in taken:
            draft.id = f"{draft.name}-{_hash(draft)}"
        number = 2
        while draft.id in taken:
            draft.id = f"{draft.name}-{_hash(draft)}-{number}"
            number += 1
        taken[draft.id] = draft


def slug(expression: str) -> str:
    """Return a readable name for an expression: `order_total > 0` is `order_total_gt_0`."""
    text = expression
    for symbol, word in _WORDS:
        text = text.replace(symbol, word)
    text = re.sub(r"[^A-Za-z0-9_.]+", "_", text).strip("_.") or "expression"
    if len(text) > _LONGEST:
        mark = hashlib.sha256(" ".join(expression.split()).encode()).hexdigest()[:6]
        text = f"{text[:_LONGEST].rstrip('_.')}-{mark}"
    return text


def _hash(draft: Draft) -> str:
    content = repr((draft.kind, draft.gate, draft.check, draft.where, draft.threshold))
    return hashlib.sha256(content.encode()).hexdigest()[:6]
