"""`sfctl rca` at the door: what it asks for, what it refuses, and how it ends."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from sfctl.cli import main

CREATED, SIGNATURE = "urn:dp:orders:created", "MISSING_FIELD:id:urn:dp:orders:created"
DEPLOYED, SIGNAL = "urn:deployment:orders-svc:v2", "sig-1"
Call = Callable[..., str]


@pytest.fixture
def call(
    repo: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> Call:
    """Run a verb in a repo whose graph holds one trouble."""
    root = tmp_path / "shop"
    shutil.copytree(repo, root)
    monkeypatch.chdir(root)
    nodes = [
        {"id": CREATED, "label": "Dataset"},
        {"id": SIGNATURE, "label": "FailureSignature", "props": {
            "reason_code": "MISSING_FIELD:id", "dataset_urn": CREATED,
            "first_seen": "2024-01-15T10:00:00.000Z"}},
        {"id": DEPLOYED, "label": "Deployment", "props": {
            "service": "orders-svc", "version": "v2", "previous_version": "v1",
            "deployed_at": "2024-01-15T09:59:30.000Z"}},
        {"id": "urn:service:orders-svc", "label": "Service"},
        {"id": SIGNAL, "label": "Signal", "props": {
            "type": "CONTRACT_BREACH", "state": "CRITICAL", "timestamp": "2024-01-15T10:05:00Z"}},
    ]  # fmt: skip
    pairs = [
        (DEPLOYED, SIGNATURE, "INTRODUCED"), (SIGNATURE, SIGNAL, "CAUSED"),
        (SIGNAL, CREATED, "AFFECTS"), ("urn:service:orders-svc", CREATED, "OWNS"),
        ("urn:service:orders-svc", DEPLOYED, "DEPLOYED"),
    ]  # fmt: skip
    edges = [{"from": a, "to": b, "label": label, "props": {}} for a, b, label in pairs]
    Path("graph.json").write_text(json.dumps({"nodes": nodes, "edges": edges}))

    def ask(*words: str, code: int = 0) -> str:
        assert main(list(words)) == code
        out, err = capfd.readouterr()
        return out + err

    ask("graph", "load", "graph.json")
    return ask


def test_text_and_json_say_the_same(call: Call) -> None:
    text = call("rca", "orders:created", "--explain")
    told = json.loads(call("rca", CREATED, "--format", "json"))
    assert told["root_cause"]["ref"] == DEPLOYED
    assert "Roll orders-svc back to v1" in text
    assert "30 seconds after it" in text
    assert "<-[INTRODUCED|PRECEDED]-" in text


def test_the_second_call_is_answered_from_what_was_kept(call: Call) -> None:
    first = json.loads(call("rca", SIGNAL, "--format", "json"))
    second = json.loads(call("rca", SIGNAL, "--format", "json"))
    assert (first["timings"]["cached"], second["timings"]["cached"]) == (False, True)
    assert {**first, "timings": 0} == {**second, "timings": 0}


@pytest.mark.parametrize(
    "words",
    [
        (),
        (SIGNAL, "--feedback", "sideways"),
        (SIGNAL, "--note", "alone"),
        (SIGNAL, "--feedback", "export"),
        (SIGNAL, "--evaluate", "graph.json"),
    ],
)
def test_what_does_not_go_together_is_refused(call: Call, words: tuple[str, ...]) -> None:
    assert "SF865" in call("rca", *words, code=2)


def test_names_and_files_that_are_none_are_refused(call: Call) -> None:
    said = call("rca", "urn:dp:orders:creatd", code=2)
    assert "SF861" in said
    assert CREATED in said
    assert "SF861" in call("rca", "--run", "nobody", code=2)
    Path("truth.jsonl").write_text("[]\n")
    assert "SF864" in call("rca", "--evaluate", "truth.jsonl", code=2)
    assert "SF501" in call("rca", "--evaluate", "absent.jsonl", code=3)


def test_feedback_is_kept_and_printed(call: Call) -> None:
    assert "kept: up" in call("rca", SIGNAL, "--feedback", "up", "--note", "that was it")
    said = call("rca", "--feedback", "export")
    assert "that was it" in said
    assert said.endswith("1 up, 0 down\n")


def test_a_broken_store_is_told_as_one(call: Call) -> None:
    for path in Path(".sfctl").glob("graph.db*"):
        path.unlink()
    Path(".sfctl/graph.db").write_bytes(b"no database at all" * 100)
    call("rca", SIGNAL, code=3)
