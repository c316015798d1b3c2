"""What consumers read while good and bad days follow each other, with any accident between."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sfctl.certification import pin
from sfctl.errors import SourceError
from sfctl.model.policy import Enforcement
from sfctl.runtime.publishing.certified import CertifiedInfo, certified
from sfctl.runtime.tables.port import Table
from tests.publish_rig import NOW, URN, Rig, at_least, batch, policy, positive


def ids_of(found: tuple[Table, CertifiedInfo]) -> list[int]:
    table, info = found
    return sorted(table.scan(info.version).collect()["id"].to_list())


def read(rig: Rig, **more: Any) -> tuple[list[int], str]:
    """What a consumer reads, with the state store at hand and from the pin alone."""
    ports = rig.ports()
    found = certified(URN, rig.path, now=NOW, state=ports.state, format=rig.format, **more)
    ports.state.close()
    alone = certified(URN, rig.path, now=NOW, format=rig.format, **more)
    assert (ids_of(alone), alone[1].version) == (ids_of(found), found[1].version)
    return ids_of(found), found[1].status


@pytest.mark.parametrize("form", ["delta", "parquet"])
@pytest.mark.parametrize("mode", ["append", "overwrite"])
def test_v43_through_two_failures_then_v46(tmp_path: Path, form: str, mode: Any) -> None:
    rig = Rig(tmp_path, format=form)
    for day in range(1, 4):
        rig.write(batch(1, start=day * 10), day=day, mode=mode)
    before = read(rig)
    assert before[1] == "CERTIFIED"
    versions = [2]
    for day, amounts in ((4, (1, -1)), (5, (-1, 1)), (6, (1, 1))):
        result = rig.write(batch(*amounts, start=day * 10), day=day, mode=mode)
        versions.append(result.certified_version or 0)
        if day < 6:
            assert read(rig) == (before[0], "HELD_AT_PREVIOUS")
    assert versions == [2, 2, 2, 5]
    after = [10, 20, 30, 40, 51, 60, 61] if mode == "append" else [60, 61]
    assert read(rig) == (after, "CERTIFIED")


def test_nothing_is_read_before_anything_certified(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    with pytest.raises(SourceError, match="no version of urn:dp:curated:orders is certified"):
        read(rig)
    rig.write(batch(1, -1))
    with pytest.raises(SourceError, match="certified"):
        read(rig)


def test_after_staleness_the_dataset_decides_and_the_reader_sees_it(tmp_path: Path) -> None:
    from datetime import timedelta

    rig = Rig(tmp_path)
    keep, serve = policy(), policy(on_stale="serve_uncertified")
    rig.write(batch(1), keep)
    rig.write(batch(1, -1, start=10), keep, day=2)
    for hours, by, ids, status in (
        (23, keep, [0], "HELD_AT_PREVIOUS"),
        (25, keep, [0], "STALE_ESCALATION"),
        (23, serve, [0], "HELD_AT_PREVIOUS"),
        (25, serve, [0, 10, 20], "UNCERTIFIED"),
    ):
        if by is serve:
            rig.write(batch(1, -1, start=20), serve, day=3)
        found = certified(URN, rig.path, now=NOW + timedelta(hours=hours), allow_uncertified=True)
        assert (ids_of(found), found[1].status) == (ids, status)
        assert found[1].certified_version == 0
    found = certified(URN, rig.path, now=NOW + timedelta(hours=25))
    assert (ids_of(found), found[1].status) == ([0], "STALE_ESCALATION")


def test_a_store_that_does_not_answer_leaves_the_pin(tmp_path: Path) -> None:
    from sfctl.state.embedded import EmbeddedState

    rig = Rig(tmp_path)
    rig.write(batch(1))
    (tmp_path / "broken.db").write_bytes(b"no database at all, far too long to be one" * 100)
    with EmbeddedState(tmp_path / "broken.db") as broken:
        found = certified(URN, rig.path, now=NOW, state=broken)
    assert (ids_of(found), found[1].version) == ([0], 0)


def test_a_damaged_pin_leaves_the_store(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.write(batch(1))
    (Path(rig.path) / pin.NAME).write_text("{")
    assert ids_of(certified(URN, rig.path, now=NOW, state=rig.ports().state)) == [0]


class Crash(BaseException):
    """What a kill looks like from inside one process."""


STEPS = ["judged", "quarantined", "committed", "recorded", "emitted", "certified"]
ACTIONS = st.one_of(
    st.tuples(
        st.just("write"),
        st.sampled_from([(1, 1), (1, -1), (-1, -1), (1,)]),
        st.sampled_from(["append", "overwrite"]),
        st.sampled_from(["", "", *STEPS]),
    ),
    st.tuples(st.sampled_from(["retry", "foreign", "optimize"])),
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    level=st.sampled_from(["G1", "G2"]),
    environment=st.sampled_from(["dev", "prod"]),
    actions=st.lists(ACTIONS, min_size=1, max_size=7),
)
def test_the_pinned_version_never_holds_what_failed(
    level: Any, environment: str, actions: list[tuple[Any, ...]]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        rig = Rig(Path(folder), environment=environment)
        by = policy(level, "0.6", rules=(positive(), at_least(2)))
        assert by.enforcement == Enforcement(level=level, max_quarantine_share="0.6")
        unsound: set[int] = set()
        last: tuple[Any, ...] | None = None
        for day, action in enumerate(actions, 1):
            ids = day * 10
            if action[0] == "write":
                _, amounts, mode, step = action
                if len(amounts) < 2:
                    unsound |= set(range(ids, ids + 2))
                last = (batch(*amounts, start=ids), day, mode)
                _write(rig, by, *last, step)
            elif action[0] == "retry" and last is not None:
                _write(rig, by, *last, "")
            elif rig.table().head() is not None:
                _outside(rig, action[0], ids)
                unsound |= {ids}
            _check(rig, unsound)


def _write(rig: Rig, by: Any, frame: Any, day: int, mode: str, step: str) -> None:
    def reached(here: str) -> None:
        if here == step:
            raise Crash

    rig.reached = reached
    try:
        rig.write(frame, by, day=day, mode=mode)
    except Crash:
        assert step


def _outside(rig: Rig, what: str, ids: int) -> None:
    from deltalake import DeltaTable, write_deltalake

    if what == "foreign":
        write_deltalake(rig.path, batch(5, start=ids), mode="append")
    elif what == "optimize":
        DeltaTable(rig.path).optimize.compact()


def _check(rig: Rig, unsound: set[int]) -> None:
    beside = pin.read(Path(rig.path))
    if beside is None or beside.last_certified_version is None:
        return
    frame = rig.table().scan(beside.last_certified_version).collect()
    assert frame.filter(frame["amount"] < 0).is_empty()
    assert not set(frame["id"].to_list()) & unsound
    assert frame["id"].is_unique().all()
