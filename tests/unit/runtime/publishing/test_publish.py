"""One gated write after another: where rows go, what the answer says, what is left behind."""

from __future__ import annotations

from pathlib import Path

import msgspec
import polars as pl
import pytest

from sfctl.certification import pin
from sfctl.errors import StoreError, StoreLocked, UsageError
from sfctl.model.expr import Field, IsNull
from sfctl.model.policy import ColumnSpec, RowCheck, Rule, SchemaPolicy, Threshold
from sfctl.model.types import parse
from sfctl.runtime.publishing.lock import dataset_lock
from tests.publish_rig import Rig, at_least, batch, policy, positive


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


def test_a_passing_batch_is_published_and_certified(rig: Rig) -> None:
    result = rig.write(batch(1, 2, 3))
    assert (result.published, result.version, result.certification) == (True, 0, "CERTIFIED")
    assert (result.rows_in, result.rows_published, result.rows_quarantined) == (3, 3, 0)
    assert rig.ids() == [0, 1, 2]
    known = pin.read(Path(rig.path))
    assert known is not None
    assert (known.certification_status, known.last_certified_version) == ("CERTIFIED", 0)
    kinds = [event["kind"] for event in rig.events()]
    assert kinds == ["GATE"] * 4 + ["DatasetWriteCommitted", "CERTIFICATION"]


def test_bad_rows_are_diverted_and_hold_the_view(rig: Rig) -> None:
    rig.write(batch(1, 2), day=1)
    result = rig.write(batch(1, -1, 2, start=10), day=2)
    assert (result.published_rows, result.rows_good, result.rows_bad) == ("good", 2, 1)
    assert (result.rows_published, result.rows_quarantined, result.blocked) == (2, 1, False)
    assert result.certification == "HELD_AT_PREVIOUS"
    assert result.certification_reasons == ("GATE_FAIL:DQ",)
    assert result.certified_version == 0
    assert rig.ids() == [0, 1, 10, 12]
    assert rig.held_ids() == [11]
    assert result.alert == "alert"


def test_rows_within_their_threshold_are_diverted_and_the_version_certifies(rig: Rig) -> None:
    lenient = policy(rules=(positive(threshold=Threshold(share="0.5")),))
    result = rig.write(batch(1, -1, 2), lenient)
    assert (result.rows_quarantined, result.certification) == (1, "CERTIFIED")


def test_the_next_passing_run_certifies_after_a_diverted_one(rig: Rig) -> None:
    rig.write(batch(1), day=1)
    rig.write(batch(-1, 2, start=10), day=2)
    result = rig.write(batch(1, start=20), day=3)
    assert (result.certification, result.certified_version) == ("CERTIFIED", 2)
    event = [e for e in rig.events() if e["kind"] == "CERTIFICATION"][-1]
    assert event["quarantined_rows"] == 1
    assert event["previous_certified_version"] == 0


def test_over_the_limit_nothing_is_published_outside_production(rig: Rig) -> None:
    result = rig.write(batch(1, -1, start=10), policy(share="0.1"))
    assert (result.published, result.version, result.blocked) == (False, None, True)
    assert result.rows_quarantined == 2
    assert rig.ids() == []
    assert rig.held_ids() == [10, 11]
    [held] = rig.quarantine().held()
    assert held.rows_batch_blocked == 1
    assert result.certification == "NEVER_CERTIFIED"
    assert not (Path(rig.path) / pin.NAME).exists()


def test_in_production_soft_enforcement_publishes_the_good_rows(tmp_path: Path) -> None:
    rig = Rig(tmp_path, environment="prod")
    result = rig.write(batch(1, -1, start=10), policy(share="0.1"))
    assert (result.published_rows, result.blocked, result.over_limit) == ("good", False, True)
    assert (rig.ids(), rig.held_ids()) == ([10], [11])


@pytest.mark.parametrize("level", ["G0", "G1"])
def test_without_enforcement_bad_rows_stay_and_are_counted(rig: Rig, level: str) -> None:
    result = rig.write(batch(1, -1), policy(level, share="0"))
    assert (result.rows_published, result.rows_failed_published) == (2, 1)
    assert result.rows_quarantined == 0
    assert rig.ids() == [0, 1]
    later = rig.write(batch(5, start=50), policy(level, share="0"), day=2)
    assert later.certification_reasons == ("TAINTED(0)",)


def test_a_failed_batch_rule_blocks_and_taints_where_it_is_let_through(tmp_path: Path) -> None:
    strict = policy(rules=(at_least(3),))
    assert Rig(tmp_path / "dev").write(batch(1, 2), strict).blocked
    prod = Rig(tmp_path / "prod", environment="prod")
    assert prod.write(batch(1, 2), strict).rows_published == 2
    later = prod.write(batch(1, 2, 3, start=10), strict, day=2)
    assert later.certification_reasons == ("TAINTED(0)",)
    fresh = prod.write(batch(1, 2, 3, start=20), strict, day=3, mode="overwrite")
    assert fresh.certification == "CERTIFIED"


def test_a_draft_policy_publishes_everything_and_certifies_nothing(rig: Rig) -> None:
    result = rig.write(batch(1, -1), approved=False)
    assert (result.rows_published, result.level) == (2, "G0")
    assert "POLICY_UNVERIFIED" in result.certification_reasons


def test_switched_off_gates_publish_unjudged_rows_that_never_certify(rig: Rig) -> None:
    result = rig.write(batch(1, -1), gates_off="KILL_SWITCH")
    assert (result.verdict, result.rows_published, result.rows_bad) == ("SKIP", 2, 0)
    assert "GATES_OFF" in result.certification_reasons
    assert rig.write(batch(1, start=9), day=2).certification_reasons == ("TAINTED(0)",)


def test_a_retry_writes_nothing_twice_and_says_the_same(rig: Rig) -> None:
    first = rig.write(batch(1, -1, start=10))
    again = rig.write(batch(7, 8, 9, start=70), attempt=1, run_id="second-attempt")
    assert again.already_published
    assert not first.already_published
    assert (rig.ids(), rig.held_ids()) == ([10], [11])
    assert again.evidence == first.evidence
    by_id: dict[str, set[str]] = {}
    for event in rig.events():
        by_id.setdefault(event["evidence_id"], set()).add(str(sorted(event.items(), key=str)))
    assert {len(versions) for versions in by_id.values()} == {1}


def test_a_deliberate_repetition_is_a_write_of_its_own(rig: Rig) -> None:
    rig.write(batch(1))
    assert not rig.write(batch(2, start=5), rerun=1).already_published
    assert rig.ids() == [0, 5]


def test_ad_hoc_runs_without_a_date_are_writes_of_their_own(rig: Rig) -> None:
    from dataclasses import replace

    from sfctl.model.run import RunContext
    from sfctl.runtime.publishing.publish import publish

    for number in (1, 2):
        request = rig.request(batch(1, start=number), policy())
        request = replace(request, run=RunContext(f"adhoc-{number}", job="load"))
        assert not publish(request, rig.ports()).already_published
    assert rig.ids() == [1, 2]


def test_a_blocked_batch_may_be_retried_with_better_data(rig: Rig) -> None:
    strict = policy(share="0.1")
    rig.write(batch(1, -1, start=10), strict)
    worse = rig.write(batch(-1, -1, -1, start=20), strict, attempt=1, run_id="two")
    assert worse.blocked
    assert rig.held_ids() == [20, 21, 22]
    better = rig.write(batch(1, 2, start=10), strict, attempt=2, run_id="three")
    assert better.published
    assert (rig.ids(), rig.held_ids()) == ([10, 11], [])


def test_overwritten_partitions_replace_their_rows_and_repair_their_taint(rig: Rig) -> None:
    warn = policy("G1")

    def day(n: int, *amounts: float) -> object:
        return rig.write(
            batch(*amounts, start=n * 10), warn, day=n, mode="overwrite_partitions",
            partition={"dt": f"2026-11-{n:02d}"},
        )  # fmt: skip

    day(1, 1)
    bad = day(2, -1, 2)
    assert bad.certification == "HELD_AT_PREVIOUS"  # type: ignore[attr-defined]
    other = day(3, 3)
    assert other.certification_reasons == ("TAINTED(1)",)  # type: ignore[attr-defined]
    mended = rig.write(
        batch(1, 2, start=20), warn, day=2, rerun=1, mode="overwrite_partitions",
        partition={"dt": "2026-11-02"},
    )  # fmt: skip
    assert mended.certification == "CERTIFIED"
    assert rig.ids() == [10, 20, 21, 30]


def test_merge_updates_by_primary_key(rig: Rig) -> None:
    rig.write(batch(1, 2))
    rig.write(batch(9, 9, start=1), day=2, mode="merge")
    assert rig.ids() == [0, 1, 2]


def test_merge_without_a_primary_key_says_what_to_do(rig: Rig) -> None:
    keyless = msgspec.structs.replace(policy(), primary_key=())
    rig.write(batch(1), keyless)
    with pytest.raises(UsageError, match="merge needs a primary key"):
        rig.write(batch(1), keyless, day=2, mode="merge")


def test_rows_that_contradict_their_partition_are_refused(rig: Rig) -> None:

    frame = batch(1, 2).with_columns(dt=pl.Series(["a", "b"]))
    with pytest.raises(UsageError, match="other values than the partition dt=a"):
        rig.write(frame, partition={"dt": "a"})


def test_texts_that_a_partition_stores_as_null_are_judged_as_null(tmp_path: Path) -> None:
    """By a name of its own for null, and by an empty text: to other readers both are null."""
    rig = Rig(tmp_path)
    filled = RowCheck(IsNull(Field(("note",), parse("STRING")), negated=True))
    by = policy(rules=(Rule("filled", "required", "DQ", filled, "MISSING_FIELD:note"),))
    names = ["", "__HIVE_DEFAULT_PARTITION__", "a/b", "é%"]
    rows = batch(1, 2, 3, 4).with_columns(note=pl.Series(names))
    result = rig.write(rows, by, partition_by=("note",))
    assert (result.rows_quarantined, rig.ids()) == (2, [2, 3])
    assert rig.write(rows, by, day=2).rows_quarantined == 2


def test_the_partition_of_a_write_is_no_new_column(rig: Rig) -> None:

    frame = batch(1, 2).with_columns(extra=pl.lit("x"))
    known = tuple(ColumnSpec(name, parse(t)) for name, t in (("id", "INT64"), ("amount", "DOUBLE")))
    declared = msgspec.structs.replace(policy(), schema=SchemaPolicy(columns=known))
    rig.write(frame, declared, partition={"dt": "2026-11-01"})
    [details] = [
        gate["details"]
        for event in rig.events()
        if event["kind"] == "GATE"
        for gate in event["validation"]["gates"]
        if gate["gate"] == "G3_SCHEMA"
    ]
    assert [change["field"] for change in details["changes"]] == ["note", "extra"]


def test_a_new_nullable_column_arrives_with_its_write(rig: Rig) -> None:

    rig.write(batch(1))
    rig.write(batch(2, start=5).with_columns(extra=pl.lit("x")), day=2)
    frame = rig.table().scan().sort("id").collect()
    assert frame["extra"].to_list() == [None, "x"]


def test_a_commit_made_past_us_taints_until_it_is_overwritten(rig: Rig) -> None:
    from deltalake import write_deltalake

    rig.write(batch(1))
    write_deltalake(rig.path, batch(-5, start=90), mode="append")
    held = rig.write(batch(2, start=5), day=2)
    assert held.certification_reasons == ("TAINTED(1)",)
    assert rig.write(batch(2, start=5), day=3, mode="overwrite").certification == "CERTIFIED"


def test_maintenance_taints_nothing(rig: Rig) -> None:
    from deltalake import DeltaTable

    rig.write(batch(1))
    rig.write(batch(2, start=5), day=2)
    DeltaTable(rig.path).optimize.compact()
    DeltaTable(rig.path).vacuum(0, dry_run=False, enforce_retention_duration=False,
                                keep_versions=[0, 1])  # fmt: skip
    assert rig.write(batch(3, start=9), day=3).certification == "CERTIFIED"


def test_empty_batches_certify_only_where_they_are_allowed(tmp_path: Path) -> None:
    plain = Rig(tmp_path / "a").write(batch())
    assert plain.certification_reasons == ("NO_ROWS",)
    allowed = Rig(tmp_path / "b").write(batch(), policy(allow_empty=True))
    assert allowed.certification == "CERTIFIED"


def test_below_gold_nothing_is_certified(rig: Rig) -> None:
    result = rig.write(batch(1), stage="silver")
    assert (result.certification, result.certified_version) == (None, None)
    assert not (Path(rig.path) / pin.NAME).exists()


def test_two_publishers_take_turns_and_the_second_gives_up_clearly(rig: Rig) -> None:
    holder = dataset_lock(rig.store / "locks", "urn:dp:curated:orders#gold", seconds=0)
    with holder, pytest.raises(StoreLocked, match="is being published by process"):
        rig.write(batch(1), ports={"lock_seconds": 0.05})
    assert rig.write(batch(1)).published


def test_evidence_that_is_not_safe_certifies_nothing(rig: Rig) -> None:
    class Full:
        def append(self, event: object) -> bool:
            return False

        def sync(self) -> bool:
            return True

        def close(self) -> None:
            """Nothing is open."""

    result = rig.write(batch(1), ports={"evidence": Full()})
    assert (result.published, result.evidence_safe) == (True, False)
    assert "EVIDENCE_NOT_SAFE" in result.certification_reasons


def test_failing_rows_leave_keyed_hashes_and_no_value(rig: Rig) -> None:
    rig.write(batch(1, -1, start=4711))
    [gate] = [
        e for e in rig.events() if e["kind"] == "GATE" and e["validation"]["result"] == "FAIL"
    ]
    assert len(gate["row_keys"]) == 1
    assert "4712" not in str(rig.events())
    assert "example.org" not in str(rig.events())


def test_the_quarantine_event_has_the_fields_that_were_ordered(rig: Rig) -> None:
    rig.write(batch(1), day=1)
    rig.write(batch(1, -1, start=10), day=2)
    [event] = [e for e in rig.events() if e["kind"] == "QUARANTINE"]
    assert event["dataset_urn"] == "urn:dp:curated:orders"
    assert event["run_id"] == "run-2026-11-02"
    assert (event["gate"], event["result"]) == ("DQ", "FAIL")
    assert event["failure_signature"].startswith("RANGE_VIOLATION:amount")
    assert event["quarantine_table"] == "quarantine.orders/dt=2026-11-02/run_id=run-2026-11-02"
    assert event["certified_view_status"] == "HELD_AT_PREVIOUS"
    assert event["previous_certified_version"] == "v0"
    assert "sfctl quarantine show" in event["remediation"]


@pytest.mark.parametrize(
    ("mode", "ids", "status"),
    [("append", [0, 5, 90], "HELD_AT_PREVIOUS"), ("overwrite", [5], "CERTIFIED")],
)
def test_somebody_else_writes_while_we_judge(
    rig: Rig, mode: str, ids: list[int], status: str
) -> None:
    from deltalake import write_deltalake

    rig.write(batch(1))

    def reached(step: str) -> None:
        if step == "judged":
            write_deltalake(rig.path, batch(-5, start=90), mode="append")

    rig.reached = reached
    result = rig.write(batch(2, start=5), day=2, mode=mode)
    assert (rig.ids(), result.certification, result.version) == (ids, status, 2)


def test_a_write_whose_record_is_gone_is_still_not_repeated(rig: Rig) -> None:
    from deltalake import DeltaTable

    rig.write(batch(1))
    rig.write(batch(2, start=5), day=2)
    DeltaTable(rig.path).create_checkpoint()
    (Path(rig.path) / "_delta_log" / f"{0:020d}.json").unlink()
    with pytest.raises(StoreError, match="published as version 0"):
        rig.write(batch(1))
    assert rig.ids() == [0, 5]


def test_a_split_that_disagrees_with_its_judgement_certifies_nothing(rig: Rig) -> None:
    from sfctl.runtime.core.judge import judge
    from tests.publish_rig import NOW

    def forgetful(frame: object, by: object, stage: str) -> object:
        judgement = judge(frame, by, stage, now=NOW)  # type: ignore[arg-type]
        return msgspec.structs.replace(judgement, good=judgement.rows - 1, bad=1)

    lenient = policy(share="1", rules=(positive(threshold=Threshold(share="0.9")),))
    result = rig.write(batch(1, -1, -2), lenient, ports={"judge": forgetful})
    assert (result.rows_good, result.rows_bad, result.rows_quarantined) == (1, 2, 2)
    assert "DEGRADED:SPLIT_DISAGREES" in result.certification_reasons


@pytest.mark.parametrize(
    ("column", "partition"), [("_sfctl_rules", {}), ("_SFCTL_x", {}), ("x", {"_sfctl_dt": "1"})]
)
def test_columns_named_as_ours_are_refused(
    rig: Rig, column: str, partition: dict[str, object]
) -> None:
    with pytest.raises(UsageError, match="_sfctl_|_SFCTL_") as caught:
        rig.write(batch(1).with_columns(pl.lit("theirs").alias(column)), partition=partition)
    assert (caught.value.code, rig.table().head()) == ("SF315", None)


class DeafState:
    """A state store that does not answer."""

    def __getattr__(self, name: str) -> object:
        def ask(*_: object, **__: object) -> None:
            if name != "close":
                raise StoreError("no answer")

        return ask


def test_without_a_state_store_rows_and_evidence_are_safe_and_nothing_certifies(rig: Rig) -> None:
    rig.write(batch(1))
    with pytest.raises(StoreError, match="no answer"):
        rig.write(batch(2, -1, start=5), day=2, ports={"state": DeafState()})
    assert (rig.ids(), rig.held_ids()) == ([0, 5], [6])
    assert [e["kind"] for e in rig.events()][-2:] == ["QUARANTINE", "DatasetWriteCommitted"]
    known = pin.read(Path(rig.path))
    assert known is not None
    assert known.last_certified_version == 0
    again = rig.write(batch(2, -1, start=5), day=2)
    assert (again.already_published, again.certification) == (True, "HELD_AT_PREVIOUS")


def test_a_retry_after_certifying_tells_the_same_story(rig: Rig) -> None:
    lenient = policy(rules=(positive(threshold=Threshold(share="0.5")),))
    rig.write(batch(1, 1, -1), lenient)
    rig.write(batch(1, 1, -1), lenient, attempt=1, run_id="again")
    by_id: dict[str, set[str]] = {}
    for event in rig.events():
        by_id.setdefault(event["evidence_id"], set()).add(str(sorted(event.items(), key=str)))
    assert {len(versions) for versions in by_id.values()} == {1}


def test_a_stage_before_gold_that_was_refused_holds_the_view(rig: Rig) -> None:
    strict = policy(share="0.1")
    assert rig.write(batch(1, -1), strict, stage="silver").certification is None
    rig.write(batch(1), strict, day=2)
    refused = rig.write(batch(1, -1, start=5), strict, day=3, stage="silver")
    assert refused.certification == "HELD_AT_PREVIOUS"
    assert refused.certification_reasons == ("SILVER_BLOCKED(DQ)",)
    assert rig.write(batch(1, start=9), strict, day=4).certification == "CERTIFIED"
