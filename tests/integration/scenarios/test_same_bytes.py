"""The same commands at the same times tell the same, to the byte, wherever and whenever."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.integration.scenarios.conftest import Shell, lay_out

NOW = "2024-01-15T10:00:01.200Z"


def told(shell: Shell, *words: str) -> dict[str, Any]:
    """Return a report without how long it took."""
    answer = shell.json("rca", *words)
    del answer["timings"]
    return answer


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """Scenario 1 again, in another folder."""
    shell, events = lay_out("contract-break", tmp_path_factory.mktemp("another place"), NOW)
    shell("evidence", "publish", str(events / "deployments.jsonl"))
    shell("evidence", "publish", str(events / "evidence.jsonl"))
    shell("engine", "run", "--once")
    return shell


def test_two_folders_tell_the_same_bytes(contract_break: Shell, elsewhere: Shell) -> None:
    here, there = (told(shell, "INC-1") for shell in (contract_break, elsewhere))
    assert json.dumps(here) == json.dumps(there)
    for words in (("rca", "INC-1"), ("rca", "INC-1", "--explain")):
        texts = [shell(*words).splitlines()[:-1] for shell in (contract_break, elsewhere)]
        assert texts[0] == texts[1]


def test_a_report_asked_twice_is_the_same(contract_break: Shell) -> None:
    subject = "urn:dashboard:exec:daily_orders"
    first, second = (told(contract_break, subject) for _ in range(2))
    assert json.dumps(first) == json.dumps(second)
    later = told(contract_break.at("2024-01-15T18:00:00.000Z"), subject)
    assert json.dumps(first) == json.dumps(later)


def test_nothing_of_the_machine_is_in_a_report(elsewhere: Shell) -> None:
    text = json.dumps(told(elsewhere, "INC-1"))
    assert str(elsewhere.project) not in text
    assert str(Path.home()) not in text
    assert os.uname().nodename not in text
