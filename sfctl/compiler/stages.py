"""Rules that name stages: each must be judged in every stage it names."""

from __future__ import annotations

from collections.abc import Iterable

from sfctl.compiler.draft import Draft
from sfctl.compiler.findings import Findings, shown
from sfctl.model.policy import GATES_OF_STAGE
from sfctl.spec.tree import Node


def check_stages(drafts: Iterable[Draft], dataset: Node, findings: Findings) -> None:
    """Report a stage that does not judge what the rule's section says, or is not stored."""
    stored = dataset.get("storage")
    told: set[tuple[str, int, int]] = set()
    for draft in drafts:
        written = draft.node.get("stages") if draft.node.is_mapping else None
        for node in () if written is None else written if written.is_sequence else (written,):
            stage = str(node.value)
            place = (node.path, node.line, node.col)
            if place in told or stage not in GATES_OF_STAGE:
                continue
            told.add(place)
            if draft.gate not in GATES_OF_STAGE[stage]:
                judging = [name for name, gates in GATES_OF_STAGE.items() if draft.gate in gates]
                message = f"{shown(stage)} does not judge this rule (expected {_or(judging)})"
                findings.error(node, "SF277", message, f"its section belongs to gate {draft.gate}")
            elif stored is not None and stage not in stored:
                hint = "name a stage under `storage` of dataset.yaml, or leave `stages` out"
                findings.error(node, "SF277", f"the dataset has no stage {shown(stage)}", hint)


def _or(names: list[str]) -> str:
    return " or ".join(names)
