"""The answer in a few sentences, by template; a plug-in may say it in other words."""

from __future__ import annotations

from typing import Protocol

from sfctl.model.explanation import Explanation, Impact
from sfctl.rca.wording import listed, name_of, percent


class Rephraser(Protocol):
    """Says a text in other words. It sees the text alone, so it has no fact to add."""

    def rephrase(self, text: str) -> str:
        """Return the text in other words. Whatever it raises, the template's text is shown."""


def narrative(explanation: Explanation) -> str:
    """Return what happened, how sure that is, how far it goes and what comes first."""
    cause = explanation.root_cause
    said = [cause.statement]
    if cause.kind != "UNKNOWN":
        said.append(f"Confidence {round(cause.confidence * 100)} %, {cause.level}.")
    elif cause.missing:
        said.append(f"What is missing: {'; '.join(cause.missing)}.")
    how_much = explanation.impairment
    if how_much.failed and how_much.total:
        part = percent(how_much.share or 0.0)
        said.append(f"{how_much.failed:,} of {how_much.total:,} failed ({part}).")
    said += [claim.text for claim in explanation.readers]
    if explanation.blast_radius:
        said.append(_reach(explanation.blast_radius))
    if explanation.actions and cause.kind != "UNKNOWN":
        said.append(f"First: {explanation.actions[0].text}.")
    return " ".join(said)


def rephrased(text: str, rephraser: Rephraser | None) -> str:
    """Return a plug-in's words for a text, the text itself without one or when it fails."""
    if rephraser is None:
        return text
    try:
        return rephraser.rephrase(text) or text
    except Exception:  # noqa: BLE001 - a plug-in's fault must not cost the answer
        return text


def _reach(impacts: tuple[Impact, ...]) -> str:
    first = [name_of(i.ref) for i in impacts if i.tier == impacts[0].tier]
    number = len(impacts)
    return (
        f"It reaches {number} asset{'s' if number != 1 else ''} downstream; "
        f"tier {impacts[0].tier}: {listed(first, 4)}."
    )
