"""What the organisation demands of a tier, applied whatever the repo says.

A bundle that says less is an error with both places; the policy always has the demand in it. What
a bundle leaves unsaid is raised in silence.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from msgspec.structs import replace

from sfctl.compiler.draft import Draft
from sfctl.compiler.findings import Findings, place
from sfctl.compiler.quantity import plain, share
from sfctl.model.policy import Detection, Policy, Threshold
from sfctl.spec.dataset import DatasetFiles
from sfctl.spec.documents.detection import PII_KINDS
from sfctl.spec.tree import Node

MODES = ("breaking", "compatible", "strict")
CONTRACTS = ("none", "lite", "full")
LEVELS = ("G0", "G1", "G2", "G3")
ACTIONS = ("none", "mask", "tokenize", "redact")


class Minimum:
    """The demands on one dataset's tier. Without a document nothing is demanded."""

    def __init__(self, document: Node | None, files: DatasetFiles, findings: Findings) -> None:
        tiers = document.get("tiers") if document is not None else None
        self.tier = files.dataset.string("tier", "TIER_3")
        self.demands = tiers.get(self.tier) if tiers is not None else None
        self.files = files
        self.bundle = files.policy
        self.findings = findings

    def apply(self, policy: Policy, drafts: list[Draft]) -> Policy:
        """Return the policy with every demand met; report where the bundle says less."""
        if self.demands is None:
            return policy
        self.blocks(drafts)
        policy = self.contract(self.mode(policy))
        policy = self.limits(self.level(policy))
        return self.thresholds(self.detections(policy), drafts)

    def demand(self, *path: str) -> Node | None:
        node = self.demands
        for key in path:
            node = node.get(key) if node is not None else None
        return node

    def said(self, *path: str) -> Node | None:
        node = self.bundle
        for key in path:
            node = node.get(key) if node is not None else None
        return node

    def less(self, node: Node | None, what: str, got: str, demand: Node, wanted: str = "") -> None:
        """Report that the repo says less than is demanded, at `node` or at the bundle."""
        at = node or self.bundle or self.files.dataset
        wanted = wanted or (demand.value if isinstance(demand.value, str) else demand.text)
        message = f"{what} is below the organisation's minimum of {self.tier} (got {got}"
        message += f", expected {wanted})" if wanted else ")"
        hint = f"the minimum stands at {place(demand)}; a repo cannot weaken it"
        self.findings.error(at, "SF250", message, hint)

    def blocks(self, drafts: list[Draft]) -> None:
        demand = self.demand("required_blocks")
        for block in demand or ():
            if self.said(str(block.value)) is None:
                self.less(None, f"block `{block.value}`", "none", block)
        least = self.demand("min_rules")
        if least is not None and isinstance(least.value, int) and len(drafts) < least.value:
            self.less(None, "the number of rules", str(len(drafts)), least)

    def mode(self, policy: Policy) -> Policy:
        demand = self.demand("schema_mode")
        if demand is None or _rank(MODES, policy.schema.mode) >= _rank(MODES, demand.value):
            return policy
        said = self.said("schema", "mode")
        if said is not None:
            self.less(said, "`mode`", policy.schema.mode, demand)
        return replace(policy, schema=replace(policy.schema, mode=demand.value))

    def contract(self, policy: Policy) -> Policy:
        demand = self.demand("contract")
        if demand is not None and _rank(CONTRACTS, policy.contract) < _rank(
            CONTRACTS, demand.value
        ):
            self.less(None, "the contract", policy.contract, demand)
        return policy

    def level(self, policy: Policy) -> Policy:
        demand = self.demand("enforcement", "level")
        kept = policy.enforcement
        if demand is None or _rank(LEVELS, kept.level) >= _rank(LEVELS, demand.value):
            return policy
        said = self.said("enforcement", "level")
        if said is not None:
            self.less(said, "`level`", kept.level, demand)
        return replace(policy, enforcement=replace(kept, level=demand.value))

    def limits(self, policy: Policy) -> Policy:
        demand = self.demand("enforcement", "max_quarantine_share")
        if demand is None:
            return policy
        ceiling, kept = share(demand), policy.enforcement
        said = self.said("enforcement", "max_quarantine_share")
        stages = dict(kept.stage_shares)
        for stage, text in kept.stage_shares.items():
            if Decimal(text) > ceiling:
                at = said.get(stage) if said is not None else None
                self.less(at, f"`{stage}`", text, demand)
                stages[stage] = plain(ceiling)
        limit = kept.max_quarantine_share
        if Decimal(limit) > ceiling:
            if said is not None and said.is_scalar:
                self.less(said, "`max_quarantine_share`", limit, demand)
            limit = plain(ceiling)
        return replace(
            policy, enforcement=replace(kept, max_quarantine_share=limit, stage_shares=stages)
        )

    def detections(self, policy: Policy) -> Policy:
        found = list(policy.pii)
        switch = self.demand("pii_detection")
        demands = tuple(self.demand("pii", "detection") or ())
        if switch is not None and switch.value is True and not found:
            if not demands:
                such = "an entry such as `pii: {detection: [{pattern: EMAIL}]}`"
                self.less(self.said("pii"), "PII detection", "none", switch, such)
            named = {demand.string("pattern") for demand in demands}
            found = [Detection(kind) for kind in PII_KINDS if kind not in named]
        for demand in demands:
            kind = demand["pattern"]
            action = demand.string("action", "none")
            own = [d for d in found if d.kind == kind.value and not d.pattern]
            whole = next((d for d in own if not d.columns), None)
            if whole is not None and _rank(ACTIONS, whole.action) >= _rank(ACTIONS, action):
                continue
            entry = self.entry(str(kind.value))
            got = f"action {whole.action}" if whole is not None else "none over every column"
            wanted = demand.get("action") or kind
            self.less(entry, f"detection of {kind.value}", got, wanted)
            found = [d for d in found if d is not whole]
            found.append(Detection(str(kind.value), action))  # type: ignore[arg-type]
        least = {d.string("pattern"): d.string("action", "none") for d in demands}
        found.sort(key=lambda d: not _meets(d, least))
        return replace(policy, pii=tuple(found))

    def entry(self, kind: str) -> Node | None:
        """Return the bundle's own entry about a kind, or the block it should stand in."""
        block = self.said("pii")
        for node in (block.get("detection") if block is not None else None) or ():
            if node.string("pattern") == kind:
                return node
        return block

    def thresholds(self, policy: Policy, drafts: list[Draft]) -> Policy:
        demand = self.demand("max_threshold")
        if demand is None:
            return policy
        ceiling = share(demand)
        lowered: set[str] = set()
        for draft in drafts:
            over = draft.threshold.count > 0 or Decimal(draft.threshold.share or 0) > ceiling
            if draft.severity == "error" and over:
                got = draft.threshold.share or f"{draft.threshold.count} rows"
                self.less(draft.node.get("threshold"), f"rule `{draft.id}`", got, demand)
                lowered.add(draft.id)
        capped = Threshold(share=plain(ceiling)) if ceiling else Threshold()
        rules = (replace(r, threshold=capped) if r.id in lowered else r for r in policy.rules)
        return replace(policy, rules=tuple(rules))

    def slo(self, slo: dict[str, object]) -> dict[str, object]:
        """Return the dataset's objectives with the demanded ones raised to the least allowed."""
        own = self.files.dataset.get("slo")
        raised = dict(slo)
        for key in ("freshness", "volume"):
            demand = self.demand("slo", key)
            if demand is not None and demand.value is True and key not in slo:
                self.less(own or self.files.dataset, f"objective `{key}`", "none", demand)
        for key in ("contract", "dq"):
            demand = self.demand("slo", key)
            said = own.get(key) if own is not None else None
            if demand is None:
                continue
            at = said.get("threshold") if said is not None and said.is_mapping else said
            if at is not None and share(at) >= share(demand):
                continue
            if at is not None:
                self.less(at, f"objective `{key}`", at.text or str(at.value), demand)
            block = raised.get(key)
            kept = dict(block) if isinstance(block, dict) else {}
            raised[key] = {**kept, "threshold": float(share(demand))}
        return raised


def falls_below(document: Node | None, files: DatasetFiles, policy: Policy) -> bool:
    """Tell whether a policy compiled earlier says less than is demanded of its tier today."""
    minimum = Minimum(document, files, Findings())
    if minimum.demands is None:
        return False
    contract, ceiling = minimum.demand("contract"), minimum.demand("max_threshold")
    least = minimum.demand("min_rules")
    loose = ceiling is not None and any(
        rule.severity == "error"
        and (rule.threshold.count > 0 or Decimal(rule.threshold.share or 0) > share(ceiling))
        for rule in policy.rules
    )
    few = least is not None and isinstance(least.value, int) and len(policy.rules) < least.value
    weak = contract is not None and _rank(CONTRACTS, policy.contract) < _rank(
        CONTRACTS, contract.value
    )
    return loose or few or weak or minimum.apply(policy, []) != policy


def _meets(detection: Detection, least: Mapping[str, str]) -> bool:
    """Tell entries that do what is demanded: they act before another can change what they look for.

    An entry of one's own may bear the name of a kind, and is none of it.
    """
    if detection.pattern or detection.kind not in least:
        return False
    return _rank(ACTIONS, detection.action) >= _rank(ACTIONS, least[detection.kind])


def _rank(order: tuple[str, ...], value: object) -> int:
    return order.index(str(value)) if value in order else 0
