"""What is downstream of a trouble: by tier, then by how near it is."""

from __future__ import annotations

from sfctl.graph.port import Path
from sfctl.model import urn
from sfctl.model.explanation import Hypothesis, Impact, Level
from sfctl.model.graph import Node
from sfctl.rca.case import Case
from sfctl.rca.subject import stages_of
from sfctl.rca.traversal import REACH_HOPS
from sfctl.rca.wording import name_of

DOWNSTREAM = ("FEEDS", "CONSUMED_BY")
_LEVELS: tuple[Level, ...] = ("LOW", "MEDIUM", "HIGH")
_KINDS = ("Dataset", "Dashboard", "Pipeline", "Team", "Service", "Job", "")


def blast_radius(case: Case, cause: Hypothesis) -> tuple[Impact, ...]:
    """Return what lies downstream of where it failed, at most three hops.

    Where the cause lies upstream, the failing table itself is told too, at no hop.
    """
    home = case.home
    whole = urn.without_stage(home) if urn.is_dataset(home) else home
    own = {whole, *stages_of(whole, case.tracer)}
    found: dict[str, Path] = {}
    for start in dict.fromkeys((home, whole)):
        question = "what does it feed?"
        reached = case.tracer.walk(question, start, "out", DOWNSTREAM, REACH_HOPS)
        for path in reached.paths:
            end = path.end.id
            if not path.hops or end in (home, whole) or path.end.label not in _KINDS:
                continue
            if end not in found or path.hops < found[end].hops:
                found[end] = path
    kept = {id: path for id, path in found.items() if not _stage_of_other(id, own, found)}
    impacts = [_impact(case, path) for path in kept.values()]
    if cause.kind.startswith("UPSTREAM") and cause.ref not in own:
        node = case.tracer.node(whole) or Node(whole, "Dataset")
        impacts.append(_impact(case, Path((node,))))
    return tuple(sorted(impacts, key=lambda i: (i.tier, i.hops, i.ref)))


def _stage_of_other(id: str, own: set[str], found: dict[str, Path]) -> bool:
    """Tell whether a stage table stands beside its own dataset: one of the two is told."""
    if id in own or "#" not in id:
        return False
    return urn.without_stage(id) in found


def _impact(case: Case, path: Path) -> Impact:
    node = path.end
    words = [str(edge.props.get("confidence") or "HIGH").upper() for edge in path.edges]
    weakest: Level = next((w for w in _LEVELS if w in words), "LOW" if words else "HIGH")
    owner = str(node.props.get("owner") or "") or _owner(case, node.id)
    tier = node.props.get("tier")
    return Impact(
        ref=node.id,
        name=str(node.props.get("name") or name_of(node.id)),
        kind=str(node.props.get("type") or node.label or "Dataset"),
        tier=tier if isinstance(tier, int) else 3,
        hops=path.hops,
        confidence=weakest,
        owner=owner.removeprefix("urn:team:"),
        effect=_effect(case, node, path.hops),
        via=tuple(each.id for each in path.nodes),
        refs=(node.id,),
    )


def _effect(case: Case, node: Node, hops: int) -> str:
    """Return what the trouble means for it, in figures where there are any."""
    if str(node.props.get("certification_status") or "") == "HELD_AT_PREVIOUS":
        version = node.props.get("certified_version")
        return "held at the previous version" + (f" {version}" if version is not None else "")
    failed, held = case.impairment.failed, case.impairment.quarantined
    if held:
        return f"without {held:,} rows that wait in quarantine"
    late = all(s.signal_type in ("FRESHNESS_BREACH",) for s in case.signals) and case.signals
    if late:
        return "stale"
    if failed and any(s.run_id for s in case.signals):
        return f"without {failed:,} records" if hops else f"{failed:,} records left out"
    return f"reached by {failed:,} failing records" if failed else ""


def _owner(case: Case, id: str) -> str:
    edges = case.tracer.edges("who owns it?", id, "in", ["OWNS"])
    teams = [edge.source for edge in edges if edge.source.startswith("urn:team:")]
    return teams[0] if teams else ""
