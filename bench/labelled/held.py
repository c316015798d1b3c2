"""Lay the labelled incidents out, ask for each cause, and hold the answers against the labels."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bench.labelled.catalogue import Plan
from bench.labelled.site import Site
from sfctl.rca.evaluate import Truth, Verdict, judged

ITSELF = "="
"""Before what is asked about by its own id, and not by its incident."""


@dataclass(frozen=True)
class Held:
    """One answer beside its label. `fooled` is the decoy that was blamed, if one was."""

    plan: Plan
    verdict: Verdict
    fooled: str = ""


def held(plans: Iterable[Plan], folder: Path) -> list[Held]:
    """Play each plan in a folder of its own and judge the answer to it."""
    return [_one(number, plan, folder / str(number)) for number, plan in enumerate(plans)]


def _one(number: int, plan: Plan, folder: Path) -> Held:
    site = Site(folder, number, plan.depth)
    try:
        kind, ref, asked = plan.lay_out(site)
        subject = site.incident(asked) if asked in site.chain else asked.removeprefix(ITSELF)
        truth = Truth(subject, kind, ref)
        verdict = judged(truth, site.graph, site.state, site.bus)
    finally:
        site.close()
    fooled = next((each for each in site.decoys if verdict.answered.endswith(f" {each}")), "")
    return Held(plan, verdict, fooled)
