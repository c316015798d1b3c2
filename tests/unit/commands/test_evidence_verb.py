"""`sfctl evidence`: what a user sees of the log."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sfctl import exit_codes, wiring
from sfctl.commands import evidence as verb
from sfctl.errors import StoreError, UsageError
from sfctl.evidence.outbox import Outbox
from sfctl.model import facts
from sfctl.model.evidence import Evidence
from sfctl.model.run import RunContext
from sfctl.model.verdict import GateResult

SAMPLES = Path(__file__).parents[2] / "golden" / "samples"
AT = datetime(2024, 1, 15, tzinfo=UTC)
RUN = RunContext(run_id="r1", job="j", started_at="2024-01-15T00:00:00Z")
FAIL_ID = "evd-01HQXY8MNP4QR7ST9VW2XYZ456"


def gate(number: int) -> Evidence:
    result = GateResult(gate="DQ", result="FAIL" if number % 2 else "PASS")
    at = AT + timedelta(hours=number)
    return facts.gate_event(
        RUN, at, result, dataset_urn="ds://a/b", stage="gold", ordinal=number, seq=number
    )


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    (tmp_path / "sfctl.yml").write_text("name: x\n")
    return tmp_path


def fill(repo: Path, count: int = 6) -> None:
    with wiring.open_bus(wiring.store_folder(repo)) as bus:
        bus.publish([gate(n) for n in range(count)])


def test_outside_a_project_there_is_no_log(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        verb.list_events(project_dir=tmp_path)


def test_every_printed_sample_can_be_published_and_listed(repo: Path) -> None:
    for path in sorted(SAMPLES.glob("*.json")):
        done = verb.publish(str(path), project_dir=repo, now=AT)
        assert (done.exit_code, done.payload["published"]) == (exit_codes.OK, 1), path.name
    again = verb.publish(str(SAMPLES / "quarantine.json"), project_dir=repo, now=AT)
    assert (again.payload["published"], again.payload["duplicates"]) == (0, 1)
    assert again.payload["leniencies"]["no_id"] == 1
    assert verb.list_events(project_dir=repo).payload["count"] == 15
    both = verb.list_events(project_dir=repo, gate="g4_contract", result="fail").payload["events"]
    assert {event["dataset_urn"] for event in both} == {
        "urn:dp:orders:created",
        "urn:dp:orders:silver",
    }


def test_show_prints_the_sample_fields(repo: Path) -> None:
    path = SAMPLES / "s1_evidence_contract_fail.json"
    verb.publish(str(path), project_dir=repo, now=AT)
    shown = verb.show(FAIL_ID, project_dir=repo)
    sample = json.loads(path.read_text())
    assert {name: shown.payload[name] for name in sample} == sample
    assert shown.payload["schema"] == "sfctl.evidence.v1"
    assert shown.payload["event_schema"] == "urn:schema:evidence:3"
    assert shown.payload["found_in"] == "bus"
    assert f"evidence_id: {FAIL_ID}" in shown.text


def test_showing_what_is_not_there(repo: Path) -> None:
    with pytest.raises(UsageError, match="no event evd-x") as caught:
        verb.show("evd-x", project_dir=repo)
    assert "evidence list" in caught.value.hint
    with Outbox(repo / ".sfctl" / "outbox", "r1") as outbox:
        outbox.append(gate(1))
    with pytest.raises(UsageError) as caught:
        verb.show(gate(1).evidence_id, project_dir=repo)
    assert "evidence flush" in caught.value.hint


def test_lists_are_oldest_first_and_end_in_a_word(repo: Path) -> None:
    fill(repo)
    listed = verb.list_events(project_dir=repo, limit=3)
    assert [event["seq"] for event in listed.payload["events"]] == [3, 4, 5]
    lines = listed.text.splitlines()
    assert [line.split()[-1] for line in lines[:3]] == ["FAIL", "PASS", "FAIL"]
    assert lines[3] == "3 events"


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"result": "FAIL"}, [1, 3, 5]),
        ({"dataset": "urn:dp:a:b", "kind": "gate"}, [0, 1, 2, 3, 4, 5]),
        ({"run": "other"}, []),
        ({"since": "2h"}, [3, 4, 5]),
        ({"since": "2024-01-15T01:00:00Z", "until": "2024-01-15T03:00:00Z"}, [1, 2]),
    ],
)
def test_filters(repo: Path, filters: dict[str, str], found: list[int]) -> None:
    fill(repo)
    listed = verb.list_events(project_dir=repo, now=AT + timedelta(hours=5), **filters)  # type: ignore[arg-type]
    assert [event.get("seq", 0) for event in listed.payload["events"]] == found


@pytest.mark.parametrize(
    "filters",
    [
        {"kind": "Pod"},
        {"gate": "G9"},
        {"result": "OK"},
        {"since": "yesterday"},
        {"since": "99999999w"},
    ],
)
def test_filters_that_do_not_exist(repo: Path, filters: dict[str, str]) -> None:
    with pytest.raises(UsageError) as caught:
        verb.list_events(project_dir=repo, **filters)  # type: ignore[arg-type]
    assert caught.value.code == "SF807"


def test_what_waits_is_mentioned_and_flushed(repo: Path) -> None:
    folder = wiring.store_folder(repo)
    with Outbox(folder / "outbox", "r1") as outbox:
        outbox.append(gate(1))
    assert "still wait" in verb.list_events(project_dir=repo).notes[0]
    done = verb.flush(project_dir=repo)
    assert (done.exit_code, done.payload["published"]) == (exit_codes.OK, 1)
    assert verb.flush(project_dir=repo).payload["published"] == 0
    assert verb.list_events(project_dir=repo).notes == ()


def test_damage_is_found(repo: Path) -> None:
    folder = wiring.store_folder(repo)
    (folder / "outbox" / "x.outbox").write_bytes(b"nonsense\n")
    done = verb.flush(project_dir=repo)
    assert (done.exit_code, done.payload["damaged"]) == (exit_codes.FOUND, 1)
    letters = verb.dead_letters(project_dir=repo)
    assert letters.payload["dead_letters"][0]["reason"] == "CORRUPT_LINE"
    assert letters.text.splitlines()[-1] == "1 dead letter"


def test_a_bus_that_does_not_answer_leaves_the_evidence_waiting(repo: Path) -> None:
    folder = wiring.store_folder(repo)
    with Outbox(folder / "outbox", "r1") as outbox:
        outbox.append(gate(1))
    (folder / "bus.db").mkdir()
    (folder / "bus.db" / "x").write_text("")
    done = verb.flush(project_dir=repo)
    assert done.exit_code == exit_codes.UNDELIVERED
    assert done.payload["pending_bytes"] > 0
    assert "does not answer" in done.text
    sent = verb.publish(str(SAMPLES / "quarantine.json"), project_dir=repo, now=AT)
    assert (sent.exit_code, sent.payload["pending"]) == (exit_codes.UNDELIVERED, 1)
    (folder / "bus.db" / "x").unlink()
    (folder / "bus.db").rmdir()
    assert verb.flush(project_dir=repo).payload["published"] == 2


def test_nowhere_to_keep_it_is_an_error(repo: Path) -> None:
    folder = wiring.store_folder(repo)
    (folder / "bus.db").mkdir()
    (folder / "outbox").rmdir()
    (folder / "outbox").write_text("")
    with pytest.raises(StoreError):
        verb.publish(str(SAMPLES / "quarantine.json"), project_dir=repo, now=AT)


def test_lines_that_cannot_be_placed_are_named(repo: Path, tmp_path: Path) -> None:
    file = tmp_path / "mixed.jsonl"
    good = json.dumps(json.loads((SAMPLES / "quarantine.json").read_text()))
    file.write_text(f'{good}\n{{"kind": "Pod"}}\nnonsense\n')
    done = verb.publish(str(file), project_dir=repo, now=AT)
    assert done.exit_code == exit_codes.FOUND
    assert [(x["line"], x["reason"]) for x in done.payload["rejected"]] == [
        (2, "NO_KIND"),
        (3, "NOT_JSON"),
    ]
    assert verb.dead_letters(project_dir=repo).payload["count"] == 2


def test_replay_into_a_file_and_back(repo: Path, tmp_path: Path) -> None:
    fill(repo)
    file = tmp_path / "out.jsonl"
    done = verb.replay(to=file, since="2h", project_dir=repo, now=AT + timedelta(hours=5))
    assert done.payload["events"] == 3
    assert len(file.read_text().splitlines()) == 3
    again = verb.publish(str(file), project_dir=repo, now=AT)
    assert (again.payload["duplicates"], again.payload["leniencies"]) == (3, {})


def test_replay_moves_a_group_and_leaves_no_other(repo: Path) -> None:
    fill(repo)
    with wiring.open_bus(wiring.store_folder(repo)) as bus:
        bus.commit("g", bus.read("g"))
        assert verb.replay(group="g", offset=3, project_dir=repo).payload["events"] == 4
        assert bus.lag("g") == 4
        assert verb.replay(group="g", project_dir=repo).payload["events"] == 6
        assert set(bus.groups()) == {"g"}
    with pytest.raises(UsageError, match="--group or --to"):
        verb.replay(project_dir=repo)


def test_old_evidence_opens_from_the_archive(repo: Path) -> None:
    fill(repo)
    later = datetime.now(UTC) + timedelta(days=100)
    done = verb.archive(project_dir=repo, now=later)
    assert done.payload["archived"]["events"] == 6
    assert done.payload["swept"]["aged"] == 6
    assert "6 events left the bus" in done.text
    assert verb.list_events(project_dir=repo).payload["count"] == 0
    assert verb.list_events(project_dir=repo, archived=True, limit=4).payload["count"] == 4
    assert verb.show(gate(3).evidence_id, project_dir=repo).payload["found_in"] == "archive"


def test_a_large_payload_opens(repo: Path) -> None:
    folder = wiring.store_folder(repo)
    big = facts.heartbeat(RUN, AT, beat=1, elapsed=1.0, rows=["x" * 50] * 5000)
    with Outbox(folder / "outbox", "r1") as outbox:
        outbox.append(big)
    verb.flush(project_dir=repo)
    assert "rows" not in verb.show(big.evidence_id, project_dir=repo).payload
    shown = verb.show(big.evidence_id, payload=True, project_dir=repo)
    assert shown.payload["rows"] == ["x" * 50] * 5000
