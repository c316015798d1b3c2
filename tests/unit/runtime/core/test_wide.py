"""However many rules and kinds of personal data: one pass, and as many queries as for a few."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from bench.cases.wide import POLICY, like_rules
from sfctl.compiler.check import policy_for_check
from sfctl.model.policy import Policy
from sfctl.model.verdict import Judgement
from sfctl.runtime.core.judge import Surroundings, judge
from sfctl.runtime.pii.actions import find

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ROWS, CHUNK = 300, 100


class Counted:
    """A source that counts how often it is read, and what it hands out."""

    def __init__(self, frame: pl.DataFrame) -> None:
        self.frame = frame
        self.readings: list[Sequence[str]] = []
        self.rows = 0

    @property
    def schema(self) -> Mapping[str, pl.DataType]:
        return self.frame.schema

    def chunks(self, columns: Sequence[str]) -> Iterator[pl.DataFrame]:
        self.readings.append(columns)
        for start in range(0, self.frame.height, CHUNK):
            self.rows += CHUNK
            yield self.frame.select(columns).slice(start, CHUNK)


def flights() -> pl.DataFrame:
    """Return rows on which every rule of the wide policy holds."""
    number = pl.int_range(ROWS, eager=True)
    whole = {"year": 2013, "day": 1, "hour": 5, "minute": 15, "sched_dep_time": 515,
             "sched_arr_time": 800}  # fmt: skip
    real = {"dep_delay": 2.0, "arr_delay": 11.0, "air_time": 227.0, "distance": 1000.0,
            "dep_time": 517.0, "arr_time": 830.0}  # fmt: skip
    text = {"dest": "IAH", "tailnum": "N14228", "time_hour": "2013-01-01 05:00:00",
            "contact_email": "a@mail.example.com", "note": "call +1-212-555-1234 id 219-09-9999",
            "client_ip": "10.1.2.3", "payment": "4111111111111111"}  # fmt: skip
    plain = {name: [value] * ROWS for name, value in {**whole, **real, **text}.items()}
    carriers = ["9E", "AA", "AS", "B6", "DL", "EV", "F9", "FL", "HA", "MQ"]
    return pl.DataFrame(
        {
            **plain,
            "month": 1 + number % 12,
            "flight": number,
            "carrier": [carriers[n % 10] for n in range(ROWS)],
            "origin": [("EWR", "JFK", "LGA")[n % 3] for n in range(ROWS)],
        }
    )


def judged(source: object, policy: Policy) -> Judgement:
    return judge(source, policy, "silver", now=NOW, around=Surroundings(pii=find))


def test_forty_rules_and_five_kinds_are_one_pass() -> None:
    policy, _ = policy_for_check(POLICY)
    source = Counted(flights())
    found = judged(source, policy)
    assert found.totals.passed == found.totals.declared == 40
    kinds = {finding.kind for finding in found.pii}
    assert kinds == {"EMAIL", "PHONE", "SSN", "CREDIT_CARD", "IP"}
    assert len(source.readings) == 1
    assert source.rows == ROWS
    assert len(set(source.readings[0])) == len(source.readings[0])


@pytest.fixture
def queries(monkeypatch: pytest.MonkeyPatch) -> list[None]:
    """Return a list that grows by one for every query over a frame."""
    made: list[None] = []
    plain = pl.DataFrame.select

    def select(self: pl.DataFrame, *args: Any, **more: Any) -> pl.DataFrame:
        made.append(None)
        return plain(self, *args, **more)

    monkeypatch.setattr(pl.DataFrame, "select", select)
    return made


def test_more_rules_are_no_more_queries(tmp_path: Path, queries: list[None]) -> None:
    spent = {}
    rows = flights()
    for count in (5, 20, 40):
        file = tmp_path / f"{count}.yaml"
        file.write_text(json.dumps({"dq": {"rules": list(like_rules())[:count]}}))
        policy, _ = policy_for_check(file)
        source = Counted(rows)
        queries.clear()
        found = judged(source, policy)
        assert (found.totals.declared, found.totals.passed) == (count, count)
        assert len(source.readings) == 1
        spent[count] = len(queries)
    assert spent[5] == spent[20] == spent[40]
