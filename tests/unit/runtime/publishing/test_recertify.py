"""`certify` on one dataset: finish, verify, judge anew, move back."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from deltalake import write_deltalake

from sfctl.certification import pin
from sfctl.errors import SfctlError, SourceError, UsageError
from sfctl.runtime.publishing.recertify import move_back, revalidate, verify
from tests.publish_rig import Rig, at_least, batch, policy, positive


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


def ask(rig: Rig, **more: Any) -> Any:
    return rig.request(batch(), more.pop("by", policy()), day=20, run_id="operator", **more)


def test_verify_says_what_is_certified_and_readable(rig: Rig) -> None:
    rig.write(batch(1))
    found = verify(ask(rig), rig.ports())
    assert (found.certification_status, found.certified_version, found.readable) == (
        "CERTIFIED", 0, True,
    )  # fmt: skip
    assert (found.pin_written, found.finished) == (False, 0)


def test_verify_knows_nothing_of_a_table_that_is_not_there(rig: Rig) -> None:
    found = verify(ask(rig), rig.ports())
    assert (found.certification_status, found.head, found.readable) == (
        "NEVER_CERTIFIED",
        None,
        None,
    )


def test_verify_writes_a_lost_pin_anew(rig: Rig) -> None:
    rig.write(batch(1))
    (Path(rig.path) / pin.NAME).unlink()
    assert not verify(ask(rig), rig.ports(), dry_run=True).pin_written
    assert verify(ask(rig), rig.ports()).pin_written
    assert pin.read(Path(rig.path)).last_certified_version == 0  # type: ignore[union-attr]


def test_verify_finishes_what_a_kill_left_open_without_a_retry(rig: Rig) -> None:
    class Crash(BaseException):
        pass

    def reached(step: str) -> None:
        if step == "committed":
            raise Crash

    rig.write(batch(1))
    rig.reached = reached
    with pytest.raises(Crash):
        rig.write(batch(2, start=5), day=2)
    rig.reached = lambda _step: None
    found = verify(ask(rig), rig.ports())
    assert (found.finished, found.certified_version) == (1, 1)
    assert verify(ask(rig), rig.ports()).finished == 0


def test_verify_reads_rows_for_a_count_would_lie(rig: Rig) -> None:
    rig.write(batch(1))
    for file in Path(rig.path).glob("*.parquet"):
        file.unlink()
    found = verify(ask(rig), rig.ports())
    assert (found.readable, found.reasons[0].startswith("UNREADABLE")) == (False, True)


def test_a_table_that_exists_already_is_certified_when_it_passes(rig: Rig) -> None:
    write_deltalake(rig.path, batch(1, 2))
    plan = revalidate(ask(rig), rig.ports(), dry_run=True)
    assert (plan.action, plan.certified_version) == ("certified", None)
    done = revalidate(ask(rig), rig.ports())
    assert (done.action, done.certification_status, done.certified_version) == (
        "certified", "CERTIFIED", 0,
    )  # fmt: skip
    assert rig.write(batch(1, start=9), day=2).certification == "CERTIFIED"
    kinds = [event["kind"] for event in rig.events()]
    assert kinds[:5] == ["GATE"] * 4 + ["CERTIFICATION"]


def test_a_table_that_fails_is_refused(rig: Rig) -> None:
    write_deltalake(rig.path, batch(1, -1))
    done = revalidate(ask(rig), rig.ports())
    assert (done.action, done.reasons) == ("refused", ("GATE_FAIL:DQ",))
    assert done.certification_status == "NEVER_CERTIFIED"
    draft = revalidate(ask(rig, approved=False, by=policy(rules=())), rig.ports())
    assert draft.reasons == ("POLICY_UNVERIFIED", "NOTHING_DECLARED")


def test_judging_the_whole_table_clears_its_taints(rig: Rig) -> None:
    rig.write(batch(1))
    write_deltalake(rig.path, batch(2, start=90), mode="append")
    assert rig.write(batch(3, start=5), day=2).certification == "HELD_AT_PREVIOUS"
    assert revalidate(ask(rig), rig.ports()).certified_version == 2
    assert rig.write(batch(4, start=6), day=3).certified_version == 3


def test_there_must_be_a_table_to_judge(rig: Rig) -> None:
    with pytest.raises(SourceError, match="there is no table"):
        revalidate(ask(rig), rig.ports())


def test_moving_back_holds_until_somebody_looked(rig: Rig) -> None:
    for day in (1, 2):
        rig.write(batch(1, start=day * 10), day=day)
    assert move_back(ask(rig), rig.ports(), None, dry_run=True).certified_version == 0
    back = move_back(ask(rig), rig.ports(), None)
    assert (back.certified_version, back.reasons) == (0, ("ROLLED_BACK(1)",))
    assert pin.read(Path(rig.path)).last_certified_version == 0  # type: ignore[union-attr]
    held = rig.write(batch(1, start=30), day=3)
    assert held.certification_reasons == ("TAINTED(1)",)
    assert revalidate(ask(rig), rig.ports()).certified_version == 2
    with pytest.raises(UsageError, match="no CERTIFIED record"):
        move_back(ask(rig), rig.ports(), 17)


def test_the_view_never_moves_to_rows_that_are_gone(rig: Rig) -> None:
    for day in (1, 2):
        rig.write(batch(1, start=day * 10), day=day, mode="overwrite")
    rig.table().vacuum([1], retention_hours=0, dry_run=False)
    with pytest.raises(SfctlError, match="can no longer be read"):
        move_back(ask(rig), rig.ports(), 0)
    assert verify(ask(rig), rig.ports()).certified_version == 1


def test_a_table_moved_by_hand_is_read_where_it_is(rig: Rig, tmp_path: Path) -> None:
    from sfctl.runtime.publishing.certified import certified
    from tests.publish_rig import NOW

    rig.write(batch(1))
    rig.write(batch(1, -1, start=5), day=2)
    shutil.copytree(rig.path, tmp_path / "elsewhere")
    table, info = certified("ds://curated/orders", str(tmp_path / "elsewhere"), now=NOW)
    ids = table.scan(info.version).collect()["id"].to_list()
    assert (ids, info.status) == ([0], "HELD_AT_PREVIOUS")


@pytest.mark.parametrize("form", ["delta", "parquet"])
def test_rules_over_a_batch_speak_of_the_newest_partition(tmp_path: Path, form: str) -> None:
    rig = Rig(tmp_path, format=form)
    by = policy(rules=(positive(), at_least(2, maximum=3)))
    for day in (1, 2):
        amounts = (1, 1) if day == 1 else (1, 1, -1)
        rig.write(batch(*amounts, start=day * 10), by, day=day, partition={"dt": f"2026-11-0{day}"})
    move_back(ask(rig, by=by), rig.ports(), 0)
    done = revalidate(ask(rig, by=by), rig.ports())
    assert (done.action, done.certified_version) == ("certified", 1)
    tighter = policy(rules=(positive(), at_least(3)))
    assert revalidate(ask(rig, by=tighter), rig.ports()).reasons == ("GATE_FAIL:DQ",)
