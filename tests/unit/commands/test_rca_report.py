"""The report as text: it fits the width it is given and loses nothing."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from sfctl.commands.rca_report import report
from tests.unit.rca.world import World, contract_break


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, str]]:
    made = World.at(Path(tmp_path_factory.mktemp("report")))
    yield made, contract_break(made)
    made.close()


@pytest.mark.parametrize("columns", [40, 60, 80])
def test_every_line_fits_and_the_box_is_whole(broken: tuple[World, str], columns: int) -> None:
    world, incident = broken
    *box, summary = report(world.explain(incident), detailed=True, columns=columns).splitlines()
    assert {len(line) for line in box} == {columns}
    assert (box[0][0], box[-1][0]) == ("┌", "└")
    assert "graph" in summary


def test_the_answer_stands_before_the_reasons(broken: tuple[World, str]) -> None:
    world, incident = broken
    text = report(world.explain(incident), columns=80)
    order = ["ROOT CAUSE (confidence 94 %, HIGH)", "EVIDENCE CHAIN", "TIMELINE", "BLAST RADIUS",
             "RECOMMENDED ACTIONS", "ALSO CONSIDERED", "EVIDENCE REFERENCES"]  # fmt: skip
    places = [text.index(title) for title in order]
    assert places == sorted(places)
    assert "1,120 of 1,247 failed (89.8 %)" in text
    assert "17 seconds" in text
    assert "FACTORS" not in text


def test_details_show_candidates_factors_and_queries(broken: tuple[World, str]) -> None:
    world, incident = broken
    text = report(world.explain(incident), detailed=True, columns=80)
    for needle in ("version_match 1.00 × 0.10", "<-[TRIGGERED]-", "<-[INTRODUCED|PRECEDED]-"):
        assert needle in text


def test_where_only_ascii_can_be_written_the_box_is_of_ascii(
    broken: tuple[World, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    world, incident = broken
    narrow = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr("sys.stdout", narrow)
    *box, _ = report(world.explain(incident), detailed=True, columns=60).splitlines()
    assert all(line.isascii() for line in box)
    assert {len(line) for line in box} == {60}
    assert box[0] == f"+{'-' * 58}+"
