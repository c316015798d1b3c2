"""`sfctl switch`: off with a reason, on the record, and on again."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sfctl import wiring
from sfctl.commands import switch as verb
from sfctl.errors import UsageError
from sfctl.evidence.port import Query
from sfctl.model.evidence import Evidence

NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    (tmp_path / "sfctl.yml").write_text("name: x\n")
    return tmp_path


@pytest.fixture(autouse=True)
def _ann(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SFCTL_ACTOR", "ann")
    monkeypatch.delenv("SFCTL_DISABLE", raising=False)


def record(repo: Path) -> list[Evidence]:
    with wiring.open_bus(repo / ".sfctl") as bus:
        return [found.event for found in bus.query(Query(kind="KILL_SWITCH"))]


def test_off_status_on(repo: Path) -> None:
    done = verb.off(scope="job:orders", reason="load", expires="30m", project_dir=repo, now=NOW)
    assert done.text.endswith("OFF")
    assert done.notes == ()
    (found,) = verb.status(project_dir=repo, now=NOW).payload["switches"]
    assert (found["scope"], found["state"], found["actor"], found["reason"]) == (
        "job:orders",
        "off",
        "ann",
        "load",
    )
    assert found["expires"].startswith((NOW + timedelta(minutes=30)).isoformat()[:16])
    assert verb.on(scope="job:orders", project_dir=repo, now=NOW).payload["was_off"] is not None
    assert verb.status(project_dir=repo, now=NOW).text == "all gates are on"


def test_both_turns_are_on_the_record(repo: Path) -> None:
    verb.off(scope="fleet", reason="load", project_dir=repo, now=NOW)
    verb.on(scope="fleet", reason="calm", project_dir=repo, now=NOW + timedelta(minutes=1))
    states = [(event.payload["state"], event.payload["reason"]) for event in record(repo)]
    assert states == [("off", "load"), ("on", "calm")]
    assert {event.payload["actor"] for event in record(repo)} == {"ann"}


def test_on_where_nothing_was_off_says_so(repo: Path) -> None:
    done = verb.on(project_dir=repo, now=NOW)
    assert done.notes == ("it was on already",)
    assert done.payload["was_off"] is None


@pytest.mark.parametrize(
    "wrong", [{"reason": ""}, {"scope": "all"}, {"expires": "soon"}, {"expires": "25h"}]
)
def test_out_of_bounds(repo: Path, wrong: dict[str, str]) -> None:
    with pytest.raises(UsageError):
        verb.off(**{"reason": "x", "project_dir": repo, "now": NOW, **wrong})  # type: ignore[arg-type]
    assert record(repo) == []


def test_a_record_that_waits_is_mentioned(repo: Path) -> None:
    folder = wiring.store_folder(repo)
    (folder / "bus.db").mkdir()
    done = verb.off(reason="load", project_dir=repo, now=NOW)
    assert "waits in the outbox" in done.notes[0]
    assert verb.status(project_dir=repo, now=NOW).payload["switches"]


def test_the_actor_is_the_user_unless_named(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SFCTL_ACTOR")
    done = verb.off(reason="load", project_dir=repo, now=NOW)
    assert done.payload["actor"] == getpass.getuser()

    def nobody() -> str:
        raise KeyError("uid")

    monkeypatch.setattr(getpass, "getuser", nobody)
    assert verb.off(reason="load", project_dir=repo, now=NOW).payload["actor"].startswith("uid ")
