"""`sfctl incidents`, `sfctl signals` and what `status` tells of both."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sfctl import wiring
from sfctl.clock import format_instant
from sfctl.commands import incidents as verb
from sfctl.commands import status_metrics
from sfctl.commands.signals import signals
from sfctl.errors import UsageError
from sfctl.incidents import outbox
from sfctl.model import codec
from sfctl.model.signal import STATE_TABLE, SignalState
from tests.incident_rig import MINUTE, NINE, World, bad, good, project

LATER = NINE + 90 * MINUTE


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SFCTL_ACTOR", "ann")
    (tmp_path / "sfctl.yml").write_text("name: x\n")
    world = World(tmp_path)
    world.publish(project({"orders:created": 1, "orders:silver": 2, "ops:x": 1}))
    world.publish(
        bad("orders:created", 5),
        bad("orders:silver", 6, "RANGE_VIOLATION:n", engine="dq"),
        bad("ops:x", 7, "RANGE_VIOLATION:m", engine="dq"),
        good("ops:x", 12, engine="dq"),
    )
    world.advance()
    for name, engine, state in (
        ("orders:created", "contract", "CRITICAL"),
        ("orders:silver", "dq", "CRITICAL"),
        ("ops:x", "dq", "OK"),
    ):
        word = SignalState(
            dataset_urn=f"urn:dp:{name}",
            engine=engine,
            state=state,  # type: ignore[arg-type]
            last_updated=format_instant(NINE + 5 * MINUTE),
            score=0.1,
            failure_signature="MISSING_FIELD:customer_id" if state != "OK" else "",
            signal_type="CONTRACT_BREACH" if engine == "contract" else "DQ_BREACH",
        )
        world.state.put(STATE_TABLE, word.key, codec.plain(word))
    world.close()
    return tmp_path


def test_list_shows_what_is_open_worst_first(repo: Path) -> None:
    done = verb.list_incidents(project_dir=repo, now=LATER)
    first, *_, last = done.text.splitlines()
    assert first.startswith("INC-1 [SEV-1] Contract Violation - orders:created")
    assert first.endswith(" open")
    assert last == "2 open, 0 acknowledged, 1 resolved."
    assert [each["incident_id"] for each in done.payload["incidents"]] == ["INC-1", "INC-2"]
    assert done.exit_code == 0
    everything = verb.list_incidents(all=True, project_dir=repo, now=LATER)
    assert [each["incident_id"] for each in everything.payload["incidents"]] == [
        "INC-1",
        "INC-2",
        "INC-3",
    ]
    resolved = verb.list_incidents(status="resolved", project_dir=repo, now=LATER)
    assert [each["incident_id"] for each in resolved.payload["incidents"]] == ["INC-3"]


@pytest.mark.parametrize(("limit", "code"), [("SEV-1", 1), ("sev-3", 1), ("", 0)])
def test_list_fails_a_pipeline_only_when_asked_to(repo: Path, limit: str, code: int) -> None:
    assert verb.list_incidents(fail_on=limit, project_dir=repo, now=LATER).exit_code == code
    verb.resolve("INC-1", project_dir=repo, now=LATER)
    verb.resolve("INC-2", project_dir=repo, now=LATER)
    assert verb.list_incidents(fail_on=limit, project_dir=repo, now=LATER).exit_code == 0


def test_an_incident_answers_to_alias_number_key_and_how_the_key_begins(repo: Path) -> None:
    key = verb.show("INC-2", project_dir=repo).payload["cause_key"]
    for name in ("inc-2", "2", key, key[:6]):
        assert verb.show(name, project_dir=repo).payload["incident_id"] == "INC-2"


@pytest.mark.parametrize("ask", [verb.show, verb.ack, verb.resolve])
def test_a_name_nobody_has_is_refused_with_a_suggestion(
    repo: Path, ask: Callable[..., Any]
) -> None:
    with pytest.raises(UsageError) as caught:
        ask("INC-22", project_dir=repo)
    assert caught.value.code == "SF850"
    assert "INC-2" in caught.value.hint


@pytest.mark.parametrize("words", [{"status": "OPENED"}, {"fail_on": "SEV-9"}])
def test_a_filter_that_is_none_is_refused(repo: Path, words: dict[str, Any]) -> None:
    with pytest.raises(UsageError) as caught:
        verb.list_incidents(project_dir=repo, **words)
    assert caught.value.code == "SF851"


def test_ack_and_resolve_are_on_the_record_and_in_the_graph(repo: Path) -> None:
    taken = verb.ack("INC-1", note="looking", project_dir=repo, now=LATER).payload
    assert taken["status"] == "ACKNOWLEDGED"
    done = verb.resolve("INC-1", by="bob", note="rolled back", project_dir=repo, now=LATER).payload
    assert [(each["status"], each.get("by", "")) for each in done["history"]] == [
        ("OPEN", ""),
        ("ACKNOWLEDGED", "ann"),
        ("RESOLVED", "bob"),
    ]
    with pytest.raises(UsageError, match="was resolved") as caught:
        verb.ack("INC-1", project_dir=repo, now=LATER)
    assert caught.value.code == "SF852"
    graph = wiring.open_graph(repo / ".sfctl")
    node = graph.node("INC-1")
    graph.close()
    assert node is not None
    assert node.props["status"] == "RESOLVED"
    with wiring.open_state(repo / ".sfctl") as state:
        assert [item.value["kind"] for item in state.query(outbox.TABLE)] == ["resolve"]


def test_false_positives_are_counted(repo: Path) -> None:
    verb.resolve("INC-3", false_positive=True, project_dir=repo, now=LATER)
    verb.resolve("INC-2", project_dir=repo, now=LATER)
    found = verb.list_incidents(project_dir=repo, now=LATER)
    assert (found.payload["false_positives"], found.payload["false_positive_rate"]) == (1, 0.5)
    assert found.text.endswith("1 false alarm (50%).")


def test_show_says_what_whom_since_when_and_why(repo: Path) -> None:
    text = verb.show("INC-1", project_dir=repo).text
    for told in ("90 of 100 (90.0%)", "revenue-critical", "the first symptom", "sfctl rca INC-1"):
        assert told in text


def test_without_incidents_there_is_nothing_to_show(tmp_path: Path) -> None:
    (tmp_path / "sfctl.yml").write_text("name: x\n")
    assert verb.list_incidents(project_dir=tmp_path, now=LATER).text.startswith("0 open")
    with pytest.raises(UsageError, match="nor any other"):
        verb.show("INC-1", project_dir=tmp_path)


def test_signals_show_what_is_wrong_and_all_of_it_when_asked(repo: Path) -> None:
    done = signals(project_dir=repo, now=LATER)
    lines = done.text.splitlines()
    assert lines[0].startswith("orders:created contract ..")
    assert lines[0].endswith(" critical")
    assert "MISSING_FIELD:customer_id" in lines[1]
    assert lines[-1] == "2 datasets with something wrong, by 2 engines."
    assert "ops:x" not in done.text
    assert "ops:x dq" in signals(all=True, project_dir=repo, now=LATER).text
    assert len(done.payload["signals"]) == 4
    assert done.payload["counts"] == {"OK": 1, "WARNING": 0, "CRITICAL": 2, "UNKNOWN": 0}


@pytest.mark.parametrize(
    ("words", "count"),
    [
        ({"select": ("orders:silver",)}, 1),
        ({"select": ("urn:dp:orders:silver",)}, 1),
        ({"select": ("ds://orders/silver", "x")}, 3),
        ({"state": "critical"}, 3),
        ({"type": "contract_breach"}, 1),
        ({"since": "2024-01-15T09:06:00Z"}, 3),
        ({"since": "80m"}, 1),
        ({"limit": 2}, 2),
    ],
)
def test_signals_are_filtered(repo: Path, words: dict[str, Any], count: int) -> None:
    found = signals(project_dir=repo, now=LATER, **{"select": (), **words}).payload["signals"]
    assert len(found) == count
    assert found == sorted(found, key=lambda each: each["timestamp"])


@pytest.mark.parametrize(
    "words", [{"state": "BAD"}, {"type": "CONTRACT"}, {"select": ("nothing",)}]
)
def test_signals_refuse_what_is_no_filter(repo: Path, words: dict[str, Any]) -> None:
    with pytest.raises(UsageError) as caught:
        signals(project_dir=repo, now=LATER, **{"select": (), **words})
    assert caught.value.code == "SF851"
    assert caught.value.hint


def test_metrics_tell_signals_incidents_and_false_alarms() -> None:
    row = {
        "urn": "urn:dp:a:t", "owner": "a", "tier": 1, "certified_version": None,
        "certification_status": "CERTIFIED", "last_certified_at": None, "held_since": None,
        "quarantined_rows": 0, "draft": None,
        "signals": [{"engine": "dq", "state": "CRITICAL"}],
    }  # fmt: skip
    counted = {"by_severity": {"SEV-1": 2, "SEV-2": 0, "SEV-3": 0}, "false_positive_rate": 0.25}
    payload = {
        "datasets": [row], "incidents": counted, "evidence_pending_bytes": 0, "stores": {},
    }  # fmt: skip
    text = status_metrics.prometheus(payload)
    labels = 'dataset="urn:dp:a:t",owner="a",tier="1",engine="dq"'
    assert f"sfctl_signal_state{{{labels}}} 3" in text
    assert 'sfctl_open_incidents{severity="SEV-1"} 2' in text
    assert "sfctl_incident_false_positive_ratio 0.25" in text
