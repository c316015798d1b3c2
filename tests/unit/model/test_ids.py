"""Ids say when and what, and nothing else."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfctl.model import ids
from sfctl.model.run import RunContext

AT = datetime(2024, 1, 15, 2, 0, tzinfo=UTC)
LATER = AT + timedelta(days=3)
RUN = RunContext(
    run_id="r1", scheduled_time="2024-01-15T02:00:00Z", started_at="2024-01-15T02:00:07Z"
)

instants = st.datetimes(
    min_value=datetime(1970, 1, 1), max_value=datetime(9999, 1, 1), timezones=st.just(UTC)
)


@given(instants, st.binary(min_size=10, max_size=10))
def test_a_ulid_has_its_form_and_its_time(at: datetime, entropy: bytes) -> None:
    text = ids.ulid(at, entropy)
    assert re.fullmatch("[0-9A-HJKMNP-TV-Z]{26}", text)
    assert abs(ids.ulid_time("evd-" + text) - at) < timedelta(milliseconds=2)


@given(instants, instants)
def test_ulids_sort_by_time(one: datetime, other: datetime) -> None:
    if abs(one - other) > timedelta(milliseconds=2):
        first, second = (ids.ulid(at, b"0" * 10) for at in (one, other))
        assert (first < second) == (one < other)


def test_too_little_entropy_is_refused() -> None:
    with pytest.raises(ValueError, match="10 bytes"):
        ids.ulid(AT, b"short")


def test_what_is_no_ulid_has_no_time() -> None:
    with pytest.raises(ValueError, match="not a ULID"):
        ids.ulid_time("evd-short")


def test_an_evidence_id_is_built_on_the_scheduled_time() -> None:
    text = ids.evidence_id(RUN, LATER, "GATE")
    assert text.startswith("evd-")
    assert ids.ulid_time(text) == AT
    assert text == ids.evidence_id(RUN, LATER + timedelta(hours=1), "GATE")


def test_an_evidence_id_falls_back_to_start_then_to_the_event() -> None:
    started = RunContext(run_id="r", started_at="2024-01-15T02:00:07Z")
    assert ids.ulid_time(ids.evidence_id(started, LATER)) == AT + timedelta(seconds=7)
    broken = RunContext(run_id="r", scheduled_time="yesterday")
    assert ids.ulid_time(ids.evidence_id(broken, LATER)) == LATER
    assert ids.ulid_time(ids.evidence_id(None, LATER)) == LATER


def test_runs_attempts_and_parts_make_a_difference() -> None:
    again = RunContext(run_id="r1", attempt=1, scheduled_time=RUN.scheduled_time)
    found = {
        ids.evidence_id(RUN, AT, "GATE", 0),
        ids.evidence_id(RUN, AT, "GATE", 1),
        ids.evidence_id(again, AT, "GATE", 0),
        ids.evidence_id(None, AT, "GATE", 0),
    }
    assert len(found) == 4


@given(st.lists(st.text(), min_size=1, max_size=4), st.lists(st.text(), min_size=1, max_size=4))
def test_parts_do_not_run_into_each_other(one: list[str], other: list[str]) -> None:
    assert (ids.entropy_of(*one) == ids.entropy_of(*other)) == (one == other)


def test_signal_ids_and_write_keys() -> None:
    assert re.fullmatch("sig-[0-9A-HJKMNP-TV-Z]{26}", ids.signal_id(AT, "volume", "urn:dp:a:b"))
    assert re.fullmatch("[0-9a-f]{32}", ids.write_key("job", "2024-01-15", "urn:dp:a:b", "gold", 0))


def test_a_row_key_hash_needs_its_key() -> None:
    one, other = ids.row_key_hash(b"k", "ORD-1", 7), ids.row_key_hash(b"other", "ORD-1", 7)
    assert re.fullmatch("[0-9a-f]{24}", one)
    assert one != other
    assert one == ids.row_key_hash(b"k", "ORD-1", 7)
