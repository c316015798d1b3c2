"""The template's words, another's words, and a plug-in that fails."""

from __future__ import annotations

import pytest

from sfctl.rca.explain import explain
from sfctl.rca.wording import span_of_time
from tests.unit.rca.world import World


class Shouting:
    def rephrase(self, text: str) -> str:
        return text.upper()


class Silent:
    def rephrase(self, text: str) -> str:
        raise TimeoutError(text)


def test_a_plug_in_changes_words_and_nothing_else(broken: tuple[World, str]) -> None:
    world, incident = broken
    ports = (world.graph, world.state, world.bus)
    plain = explain(incident, *ports)
    loud = explain(incident, *ports, rephraser=Shouting())
    assert loud.narrative == plain.narrative.upper()
    assert loud.root_cause == plain.root_cause
    assert explain(incident, *ports, rephraser=Silent()).narrative == plain.narrative


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(1, "1 second"), (17.3, "17 seconds"), (300, "5 minutes"), (41_100, "11 h 25 min"),
     (86_400, "24 hours"), (400_000, "4 days")],
)  # fmt: skip
def test_lengths_of_time_are_said_as_people_say_them(seconds: float, said: str) -> None:
    assert span_of_time(seconds) == said
