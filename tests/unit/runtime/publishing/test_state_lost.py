"""A state store that was lost begins anew; the pin beside the table still moves."""

from __future__ import annotations

from pathlib import Path

import pytest

from sfctl.certification import pin
from sfctl.runtime.publishing.recertify import verify
from tests.publish_rig import Rig, batch, policy


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


def lose_state(rig: Rig) -> None:
    for file in rig.store.glob("state.db*"):
        file.unlink()


def pinned(rig: Rig) -> tuple[int | None, int]:
    known = pin.read(Path(rig.path))
    assert known is not None
    return known.last_certified_version, known.generation


def test_the_pin_moves_with_the_next_certified_version(rig: Rig) -> None:
    for day in (1, 2, 3):
        rig.write(batch(day, start=day * 10), day=day)
    version, generation = pinned(rig)
    lose_state(rig)
    result = rig.write(batch(4, start=40), day=4)
    assert (version, result.certified_version) == (2, 3)
    assert pinned(rig) == (3, generation + 1)


def test_certify_brings_a_pin_up_that_is_ahead_of_the_store(rig: Rig) -> None:
    for day in (1, 2):
        rig.write(batch(day, start=day * 10), day=day)
    ahead = pin.read(Path(rig.path))
    assert ahead is not None
    lose_state(rig)
    found = verify(rig.request(batch(), policy(), 3), rig.ports())
    assert found.certified_version == 1
    assert pinned(rig)[1] > ahead.generation
