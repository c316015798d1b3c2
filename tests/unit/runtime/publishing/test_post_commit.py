"""Versions that others committed: judged from their files, certified or held, never changed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from deltalake import DeltaTable, Field, write_deltalake
from deltalake.schema import PrimitiveType
from msgspec.structs import replace

from sfctl.certification import view
from sfctl.certification.ledger import Ledger
from sfctl.model.certificate import Certificate, VersionRecord
from sfctl.model.policy import Detection, Policy, Rule, Unique
from sfctl.model.verdict import Judgement
from sfctl.model.write import WriteResult
from sfctl.runtime.core.judge import Surroundings, judge
from sfctl.runtime.job import failopen
from sfctl.runtime.pii.actions import find
from sfctl.runtime.publishing import post_commit
from sfctl.runtime.tables import delta_log, parts
from tests.publish_rig import NOW, URN, Rig, at_least, batch, policy, positive

STEPS = ("judged", "kept", "recorded", "emitted", "certified", "pinned")


class Killed(BaseException):
    """The process ends here."""


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


def judged(
    rig: Rig,
    version: int,
    by: Policy | None = None,
    *,
    reached: Callable[[str], None] = lambda _step: None,
    **more: Any,
) -> WriteResult:
    """Judge one version as a supervisor does, through fresh ports."""
    ports = rig.ports(reached=reached)
    used = by or policy()
    seen = delta_log.read(rig.path, version)
    assert seen is not None

    def rows(frame: pl.LazyFrame, rules: Policy, beside: pl.LazyFrame | None) -> Judgement:
        around = Surroundings(others=lambda _rule: beside, pii=find)
        return judge(frame, rules, "gold", now=NOW, around=around)

    def fault(rules: Policy, stage: str, error: BaseException) -> Judgement:
        return failopen.undecided(rules, stage, 0, failopen.reason_of(error))

    try:
        request = rig.request(pl.DataFrame(), used, ordinal=version, **more)
        return post_commit.judge_version(request, ports, seen, rows, fault, by="outputs")[0]
    finally:
        ports.state.close()
        ports.evidence.close()  # type: ignore[attr-defined]


def write(rig: Rig, *amounts: float, start: int = 0, mode: str = "append", **more: Any) -> None:
    """Commit rows as a job that knows nothing of us."""
    rows = batch(*amounts, start=start)
    if "partition_by" in more:
        rows = rows.with_columns(dt=pl.lit(more.pop("dt", "a")))
    write_deltalake(rig.path, rows, mode=mode, **more)  # type: ignore[call-overload]


def certificate(rig: Rig) -> Certificate:
    with rig.ports().state as state:  # type: ignore[attr-defined]
        return view.load(state, URN)


def ledger(rig: Rig) -> dict[int, VersionRecord]:
    with rig.ports().state as state:  # type: ignore[attr-defined]
        return {r.version: r for r in Ledger(state, f"{URN}#gold").records()}


def test_a_version_that_passes_moves_the_view(rig: Rig) -> None:
    write(rig, 1, 2)
    result = judged(rig, 0)
    assert (result.version, result.rows_in, result.verdict) == (0, 2, "PASS")
    assert (result.certification, result.certified_version) == ("CERTIFIED", 0)
    assert ledger(rig)[0].kind == "passed"
    kinds = [event["kind"] for event in rig.events()]
    assert kinds.count("GATE") == 4
    (committed,) = [e for e in rig.events() if e["kind"] == "DatasetWriteCommitted"]
    told = committed
    assert (told["commit_version"], told["rows_written"]) == (0, 2)
    assert (told["integration_level"], told["operation"]) == ("post-commit", "WRITE")
    assert told["rows_judged"] == "added"


def test_rows_that_fail_stay_and_hold_the_view_until_overwritten(rig: Rig) -> None:
    write(rig, 1)
    write(rig, -1, start=1)
    write(rig, 3, start=2)
    write(rig, 4, mode="overwrite")
    found = [judged(rig, version) for version in range(4)]
    assert [r.certification for r in found] == [
        "CERTIFIED", "HELD_AT_PREVIOUS", "HELD_AT_PREVIOUS", "CERTIFIED",
    ]  # fmt: skip
    assert found[1].certification_reasons == ("GATE_FAIL:DQ",)
    assert found[2].certification_reasons == ("TAINTED(1)",)
    assert (found[1].rows_failed_published, found[1].rows_quarantined) == (1, 0)
    assert [ledger(rig)[v].kind for v in range(4)] == ["passed", "failed", "passed", "passed"]
    assert rig.ids(2) == [0, 1, 2], "nothing is taken out of a table that others write"
    assert rig.quarantine().held(("held",)) == []


def test_a_partition_written_anew_clears_its_own_taint_alone(rig: Rig) -> None:
    parts: dict[str, Any] = {"partition_by": ["dt"]}
    write(rig, 1, dt="a", **parts)
    write(rig, -1, dt="b", **parts)
    write(rig, -2, dt="c", **parts)
    for version in range(3):
        judged(rig, version)
    write(rig, 5, dt="b", mode="overwrite", predicate="dt = 'b'", **parts)
    assert judged(rig, 3).certification_reasons == ("TAINTED(2)",)
    assert judged(rig, 3).mode == "overwrite_partitions"
    write(rig, 6, dt="c", mode="overwrite", predicate="dt = 'c'", **parts)
    assert judged(rig, 4).certification == "CERTIFIED"


def test_a_version_judged_twice_says_the_same(rig: Rig) -> None:
    write(rig, 1, -2)
    first = judged(rig, 0)
    before, said = certificate(rig), {e["evidence_id"] for e in rig.events()}
    again = judged(rig, 0, policy(rules=()), run_id="another")
    assert again.already_published
    assert (again.verdict, again.run_id) == (first.verdict, first.run_id)
    assert certificate(rig) == before
    assert {e["evidence_id"] for e in rig.events()} == said


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_any_step_the_next_judgement_goes_on(rig: Rig, step: str) -> None:
    write(rig, 1)
    judged(rig, 0)
    write(rig, 2, start=1)

    def die(reached: str) -> None:
        if reached == step:
            raise Killed

    with pytest.raises(Killed):
        judged(rig, 1, reached=die)
    assert certificate(rig).certified_version in (0, 1)
    if step in STEPS[:4]:
        assert certificate(rig).certified_version == 0, "nothing certifies before it is judged"
    assert judged(rig, 1).certified_version == 1
    assert ledger(rig)[1].kind == "passed"
    assert len({e["evidence_id"] for e in rig.events()}) == 2 * 6


def test_what_a_kill_left_open_is_finished_by_the_next_write(rig: Rig) -> None:
    write(rig, 1)

    def die(reached: str) -> None:
        if reached == "kept":
            raise Killed

    with pytest.raises(Killed):
        judged(rig, 0, reached=die)
    result = rig.write(batch(2, start=1), mode="append")
    assert (result.version, result.certification) == (1, "CERTIFIED")
    assert ledger(rig)[0].kind == "passed", "what was said of it stands beside the ledger"


def test_a_version_taken_for_foreign_is_judged_and_the_head_decided_anew(rig: Rig) -> None:
    write(rig, 1)
    above = rig.write(batch(2, start=1), mode="append")
    assert above.certification_reasons == ("TAINTED(0)",)
    assert judged(rig, 0).certification_reasons == ("TAINTED(0)",)
    ports = rig.ports()
    moved = post_commit.decide_head(rig.request(pl.DataFrame(), policy()), ports)
    assert moved is not None
    assert (moved.status, moved.certified_version) == ("CERTIFIED", 1)
    assert post_commit.decide_head(rig.request(pl.DataFrame(), policy()), ports) is None


def test_the_head_stays_held_for_what_is_really_wrong(rig: Rig) -> None:
    write(rig, -1)
    rig.write(batch(2, start=1), mode="append")
    judged(rig, 0)
    assert post_commit.decide_head(rig.request(pl.DataFrame(), policy()), rig.ports()) is None
    assert certificate(rig).certified_version is None


def test_personal_data_in_clear_fails_though_nobody_can_act_on_it(rig: Rig) -> None:
    by = policy(pii=(Detection("EMAIL", "tokenize", ("note",)),))
    write(rig, 1)
    result = judged(rig, 0, by)
    gate = next(gate for gate in result.gates if gate.gate == "G5_PII")
    assert (gate.result, gate.details["in_clear"]) == ("FAIL", ["note"])
    assert ledger(rig)[0].kind == "failed"
    write(rig, 2, start=1)
    assert "TAINTED(0)" in judged(rig, 1, policy()).certification_reasons
    hidden = batch(3, start=2).with_columns(note=pl.lit("***"))
    write_deltalake(rig.path, hidden, mode="overwrite")
    assert judged(rig, 2, by).certification == "CERTIFIED"


def unique_in_table() -> Policy:
    rule = Rule(
        "alone", "unique", "DQ", Unique(("id",), scope="table"), "UNIQUENESS_VIOLATION:id",
        fields=("id",),
    )  # fmt: skip
    return policy(rules=(positive(), rule))


def test_uniqueness_in_the_table_is_held_against_the_versions_other_rows(rig: Rig) -> None:
    by = unique_in_table()
    write(rig, 1, 2, start=0)
    write(rig, 3, start=2)
    assert [judged(rig, v, by).rows_bad for v in (0, 1)] == [0, 0]
    write(rig, 4, start=1)
    assert judged(rig, 2, by).rows_bad == 1
    write(rig, 5, start=0, mode="overwrite")
    assert judged(rig, 3, by).rows_bad == 0


def test_rows_that_an_update_copies_are_judged_and_said_to_be(rig: Rig) -> None:
    by = unique_in_table()
    write(rig, 1, 2, 3)
    judged(rig, 0, by)
    DeltaTable(rig.path).update(updates={"amount": "-5"}, predicate="id = 1")
    result = judged(rig, 1, by)
    assert (result.rows_in, result.rows_bad, result.mode) == (3, 1, "merge")
    told = [e for e in rig.events() if e["kind"] == "DatasetWriteCommitted"][-1]
    assert (told["operation"], told["rows_judged"], told["copied_rows"]) == (
        "UPDATE", "rewritten", 2,
    )  # fmt: skip
    assert told["rows_written"] == 1


def test_a_batch_rule_asks_what_the_table_holds_where_rows_were_changed_in_place(rig: Rig) -> None:
    by = policy(rules=(positive(), at_least(4)))
    write(rig, 1, 2, 3, 4)
    assert judged(rig, 0, by).verdict == "PASS"
    write(rig, 1, 2, 3, 4, start=4)
    assert judged(rig, 1, by).verdict == "PASS"
    DeltaTable(rig.path).update(updates={"amount": "7"}, predicate="id = 1")
    result = judged(rig, 2, by)
    assert (result.rows_in, result.verdict) == (4, "PASS"), "one file of four rows was rewritten"
    assert {rule.id: rule.measured for rule in result.rules}["rows"] == "8"
    DeltaTable(rig.path).delete("id > 2")
    result = judged(rig, 3, by)
    assert (result.verdict, ledger(rig)[3].kind) == ("FAIL", "failed_batch")


def test_a_table_left_with_sound_rows_only_is_as_good_as_judged_anew(rig: Rig) -> None:
    write(rig, 1)
    write(rig, -1, start=1)
    for version in (0, 1):
        judged(rig, version)
    DeltaTable(rig.path).delete("id = 1")
    result = judged(rig, 2)
    assert (result.rows_in, result.certification) == (1, "CERTIFIED")
    assert ledger(rig)[2].revalidated


def test_a_version_whose_files_are_gone_is_unjudged_and_never_certifies(rig: Rig) -> None:
    write(rig, 1)
    for file in Path(rig.path).glob("*.parquet"):
        file.unlink()
    result = judged(rig, 0)
    assert (result.verdict, result.certification) == ("ERROR", "NEVER_CERTIFIED")
    assert result.degraded
    assert ledger(rig)[0].kind == "unjudged"


def with_mapped_columns(path: Path, feed: bool) -> None:
    """Make a table of one version one whose file, and change feed, name columns otherwise."""
    log = path / "_delta_log" / f"{0:020}.json"
    actions = {k: v for line in log.read_text().splitlines() for k, v in json.loads(line).items()}
    schema = json.loads(actions["metaData"]["schemaString"])
    for number, field in enumerate(schema["fields"], 1):
        physical = {"physicalName": f"col-{field['name']}", "id": number}
        field["metadata"] = {f"delta.columnMapping.{k}": v for k, v in physical.items()}
    actions["metaData"]["schemaString"] = json.dumps(schema)
    actions["metaData"]["configuration"] = {"delta.columnMapping.mode": "name"}
    actions["protocol"] = {"minReaderVersion": 2, "minWriterVersion": 5}
    file = path / actions["add"]["path"]
    rows = pl.read_parquet(file).rename(lambda name: f"col-{name}")
    rows.write_parquet(file)
    actions["add"] |= {"size": file.stat().st_size, "stats": None}
    if feed:
        rows.with_columns(_change_type=pl.lit("insert")).write_parquet(path / "feed.parquet")
        size = (path / "feed.parquet").stat().st_size
        known = {"path": "feed.parquet", "partitionValues": {}, "size": size, "dataChange": False}
        actions["cdc"] = known
    log.write_text("".join(json.dumps({k: v}) + "\n" for k, v in actions.items()))


@pytest.mark.parametrize("feed", [False, True])
def test_columns_named_otherwise_in_the_files_are_never_judged_as_nulls(
    rig: Rig, feed: bool
) -> None:
    write(rig, -1)
    with_mapped_columns(Path(rig.path), feed)
    result = judged(rig, 0)
    assert (result.verdict, result.certification) == ("ERROR", "NEVER_CERTIFIED")
    assert result.degraded == ("JUDGE:SF767",)
    assert ledger(rig)[0].kind == "unjudged"
    assert parts.dataset(rig.path, "delta", 0, {}) is None


def test_gates_that_are_off_judge_nothing(rig: Rig) -> None:
    write(rig, 1)
    result = judged(rig, 0, gates_off="KILL_SWITCH")
    assert result.verdict == "SKIP"
    assert ledger(rig)[0].kind == "unjudged"
    assert certificate(rig).certified_version is None


def test_an_unapproved_policy_certifies_nothing(rig: Rig) -> None:
    write(rig, 1)
    assert "POLICY_UNVERIFIED" in judged(rig, 0, approved=False).certification_reasons


def test_a_commit_that_changes_no_row_is_maintenance_whatever_its_name(rig: Rig) -> None:
    write(rig, 1)
    judged(rig, 0)
    DeltaTable(rig.path).alter.add_columns([Field("more", PrimitiveType("long"))])
    seen = delta_log.read(rig.path, 1)
    assert seen is not None
    assert not seen.changes_rows
    post_commit.note_maintenance(rig.request(pl.DataFrame(), policy()), rig.ports(), seen)
    assert ledger(rig)[1].kind == "maintenance"
    write(rig, 2, start=1, schema_mode="merge")
    assert judged(rig, 2).certification == "CERTIFIED"


def test_what_was_said_of_a_table_that_is_gone_says_nothing_of_another(rig: Rig) -> None:
    write(rig, 1)
    judged(rig, 0)
    shutil.rmtree(rig.path)
    write(rig, -1)
    result = judged(rig, 0)
    assert not result.already_published
    assert result.rows_bad == 1
    assert certificate(rig).certified_version is None
    assert replace(ledger(rig)[0], at="").kind == "failed"
