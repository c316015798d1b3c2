"""Rows held back: sealed as they were, brought back once, given up for a reason, ageing away."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from sfctl.clock import FixedClock
from sfctl.errors import PublishBlocked, SfctlError, UsageError
from sfctl.model.policy import ColumnSpec, Detection, SchemaPolicy
from sfctl.model.types import parse
from sfctl.runtime import seal
from sfctl.runtime.publishing import payload
from sfctl.runtime.publishing.publish import publish
from sfctl.runtime.publishing.quarantine import flagged_columns, public_key, quarantine_path
from sfctl.runtime.publishing.replay import discard, replay
from sfctl.runtime.publishing.retention import age_of, expire
from tests.publish_rig import NOW, Rig, at_least, batch, policy, positive

EVERY_TYPE = pl.DataFrame(
    {
        "i": [1, None],
        "u": pl.Series([2**64 - 1, None], dtype=pl.UInt64),
        "i128": pl.Series([2**100, None], dtype=pl.Int128),
        "f": [float("nan"), None],
        "inf": [float("-inf"), 0.1 + 0.2],
        "b": [True, None],
        "text": ['a"é\n', None],
        "dec": pl.Series([Decimal("-12345678901234567890.55"), None], dtype=pl.Decimal(38, 2)),
        "day": [date(1900, 1, 1), None],
        "ts": pl.Series([1, None], dtype=pl.Int64).cast(pl.Datetime("ns", "UTC")),
        "span": [timedelta(days=1, microseconds=1), None],
        "bytes": [b"\x00\xff", None],
        "cat": pl.Series(["x", None], dtype=pl.Categorical),
        "enum": pl.Series(["x", None], dtype=pl.Enum(["x", "y"])),
        "list": [[1, None], None],
        "struct": [{"a": 1, "b": date(2020, 1, 1)}, None],
        "nothing": [None, None],
        "a name.with 'marks'": ["p", None],
    }
)


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


def template(rig: Rig, **more: Any) -> Any:
    return rig.request(batch(), more.pop("by", policy()), day=20, run_id="operator", **more)


@pytest.mark.parametrize("flagged", [(), ("text", "list", "f"), tuple(EVERY_TYPE.columns)])
def test_any_value_comes_back_as_it_was(tmp_path: Path, flagged: tuple[str, ...]) -> None:
    public, private = seal.create_keys(tmp_path)
    sealer = seal.Sealer(seal.read_key(public))
    clear, sealed = payload.pack(EVERY_TYPE, flagged, sealer)
    assert clear.len() == sealed.len() == EVERY_TYPE.height
    schema = payload.schema_of(payload.schema_text(EVERY_TYPE))
    opener = seal.Opener(sealer.header, seal.read_key(private))
    assert_frame_equal(payload.unpack(clear, sealed, schema, flagged, opener), EVERY_TYPE)
    shut = payload.unpack(clear, sealed, schema, flagged, None)
    assert all(shut[name].to_list() == ["<sealed>"] * 2 for name in flagged)


@pytest.mark.parametrize(
    ("pii", "columns", "expected"),
    [
        ((), (), {"s", "n", "x"}),
        ((Detection("EMAIL", "mask"),), (), {"s", "n", "x"}),
        ((Detection("EMAIL", "none", ("s",)),), (), {"s", "n", "x"}),
        ((Detection("EMAIL", "mask", ("s",)),), ("s", "n", "x"), {"s"}),
        ((Detection("EMAIL", "mask", ("s",)),), ("s", "n"), {"s", "x"}),
        ((Detection("SSN", "mask", ("i",)),), ("s", "n", "x", "i"), {"i"}),
    ],
)
def test_which_columns_are_sealed(
    pii: tuple[Detection, ...], columns: tuple[str, ...], expected: set[str]
) -> None:
    frame = pl.DataFrame({"i": [1], "s": ["a"], "n": [["b"]], "x": [b"c"]})
    by = policy(pii=pii, columns=tuple(ColumnSpec(c, parse("ANY")) for c in columns))
    assert set(flagged_columns(frame, by)) == expected


def test_columns_that_the_schema_flags_are_sealed() -> None:
    import msgspec

    flag = SchemaPolicy(columns=(ColumnSpec("i", parse("INT64"), pii=True),))
    by = msgspec.structs.replace(policy(), schema=flag)
    assert flagged_columns(pl.DataFrame({"i": [1]}), by) == ("i",)


@pytest.mark.parametrize(
    ("action", "flagged"),
    [("tokenize", ("note", "p")), ("redact", ("note", "p")), ("none", ("note",))],
)
def test_a_partition_is_clear_only_where_its_folder_is(
    action: Any, flagged: tuple[str, ...]
) -> None:
    frame = pl.DataFrame({"id": [1], "note": ["a"], "p": ["a@example.org"]})
    by = policy(pii=(Detection("EMAIL", action),))
    assert flagged_columns(frame, by, partition={"p"}) == flagged
    assert flagged_columns(frame, policy(), partition={"p"}) == ("note",)


@pytest.mark.parametrize("share", ["0.9", "0.1"])
def test_no_original_of_an_acted_partition_is_held_in_clear(tmp_path: Path, share: str) -> None:
    rig = Rig(tmp_path)
    by = policy(share=share, pii=(Detection("EMAIL", "tokenize"),))
    assert rig.write(batch(1, -1), by, partition_by=("note",)).rows_quarantined
    held = pl.scan_delta(rig.quarantine_path).collect()
    assert "example.org" not in str(held.select(pl.exclude("sealed")).to_dicts())


def test_held_rows_say_why_and_show_nothing_sealed(rig: Rig) -> None:
    rig.write(batch(1, -1, start=10))
    store = rig.quarantine()
    [held] = store.held()
    assert (held.dt, held.run_id, held.state, held.rows) == (
        "2026-11-01",
        "run-2026-11-01",
        "held",
        1,
    )
    assert held.rules == ("positive",)
    [row] = store.rows(held.write_key).to_dicts()
    assert row["note"] == "<sealed>"
    assert (row["id"], row["_sfctl_reasons"]) == (11, ["RANGE_VIOLATION:amount"])
    [opened] = store.rows(held.write_key, private_key=rig.private_key).to_dicts()
    assert opened["note"] == "a11@example.org"
    stranger = seal.read_key(seal.create_keys(rig.root / "other")[1])
    with pytest.raises(SfctlError, match="does not open this batch"):
        store.rows(held.write_key, private_key=stranger)


def test_ten_failing_runs_are_ten_partitions_of_one_table(rig: Rig) -> None:
    for day in range(1, 11):
        rig.write(batch(1, -1), day=day)
    store = rig.quarantine()
    found = store.held()
    assert len({store.partition_name(h.dt, h.run_id) for h in found}) == 10
    assert store.name == "quarantine.orders"
    assert rig.table().head() == 9


def test_replay_publishes_what_passes_today_once(rig: Rig) -> None:
    strict = policy(share="0.1", rules=(positive(), at_least(2)))
    rig.write(batch(1, 2), day=1)
    rig.write(batch(1, -1, 2, start=10), strict, day=2)
    plan = replay(template(rig), rig.ports(), rig.private_key, dry_run=True)
    assert [(r.rows_replayed, r.rows_held, r.version) for r in plan] == [(2, 1, None)]
    assert rig.ids() == [0, 1]
    [done] = replay(template(rig), rig.ports(), rig.private_key)
    assert (done.rows_replayed, done.rows_held, done.version) == (2, 1, 1)
    assert rig.ids() == [0, 1, 10, 12]
    [again] = replay(template(rig), rig.ports(), rig.private_key)
    assert again.rows_replayed == 0
    assert rig.ids() == [0, 1, 10, 12]
    told = [e for e in rig.events() if e["kind"] == "QUARANTINE" and e["action"] == "replay"]
    assert [(e["replay_id"], e["rows"]) for e in told] == [(done.replay_id, 2)]
    assert rig.held_ids() == [11]


def test_a_looser_rule_lets_the_rest_in(rig: Rig) -> None:
    rig.write(batch(1, -1))
    assert replay(template(rig, by=policy(rules=())), rig.ports(), rig.private_key)
    assert (rig.ids(), rig.held_ids()) == ([0, 1], [])
    assert rig.held_ids("replayed") == [1]
    with pytest.raises(UsageError, match="nothing is held"):
        replay(template(rig), rig.ports(), rig.private_key)


def test_a_retry_after_a_replay_of_its_batch_writes_nothing(rig: Rig) -> None:
    strict = policy(share="0.1")
    rig.write(batch(1, -1, start=10), strict)
    replay(template(rig), rig.ports(), rig.private_key)
    assert rig.write(batch(1, 1, start=10), strict, attempt=1).already_published
    assert rig.ids() == [10]


def test_a_blocked_batch_stays_while_it_still_fails_as_a_batch(rig: Rig) -> None:
    strict = policy(rules=(at_least(3),))
    rig.write(batch(1, 2), strict)
    [done] = replay(template(rig, by=strict), rig.ports(), rig.private_key)
    assert (done.rows_replayed, done.reasons) == (0, ("rows",))
    [eased] = replay(template(rig, by=policy(rules=(at_least(2),))), rig.ports(), rig.private_key)
    assert (eased.rows_replayed, rig.ids()) == (2, [0, 1])


def test_replayed_rows_are_acted_on_and_wait_where_that_fails(rig: Rig) -> None:
    by = policy(share="0.1", pii=(Detection("EMAIL", "mask", ("note",)),))
    rig.write(batch(1, -1), by)

    def broken(*_: Any) -> Any:
        raise SfctlError("no key", code="SF450")

    [stuck] = replay(template(rig, by=by), rig.ports(act=broken), rig.private_key)
    assert (stuck.rows_replayed, "SF450" in stuck.reasons[0]) == (0, True)
    assert rig.held_ids() == [0, 1]
    replay(template(rig, by=by), rig.ports(), rig.private_key)
    assert rig.table().scan().collect()["note"].to_list() == ["***@example.org"]


def test_a_replay_of_rows_that_fail_again_is_refused(rig: Rig) -> None:
    request = rig.request(batch(-1), policy(), replay_id="rpl-1")
    with pytest.raises(PublishBlocked, match="they fail again"):
        publish(request, rig.ports())
    assert rig.table().head() is None


def test_discarding_needs_a_reason_and_keeps_it(rig: Rig) -> None:
    rig.write(batch(1, -1))
    with pytest.raises(UsageError, match="needs a reason"):
        discard(template(rig), rig.ports(), " ")
    assert len(discard(template(rig), rig.ports(), "test data", dry_run=True)) == 1
    assert rig.held_ids() == [1]
    discard(template(rig), rig.ports(), "test data")
    assert (rig.held_ids(), rig.held_ids("discarded")) == ([], [1])
    [told] = [e for e in rig.events() if e.get("action") == "discard"]
    assert (told["reason"], told["rows"]) == ("test data", 1)
    with pytest.raises(UsageError, match="nothing is held"):
        discard(template(rig), rig.ports(), "again")


def test_ages_in_days() -> None:
    assert [age_of(d) for d in (0, 6, 7, 29, 30, 89, 90)] == [
        "hot", "hot", "warm", "warm", "cold", "cold", "gone",
    ]  # fmt: skip


def test_quarantine_ages_step_by_step_and_logs_each(rig: Rig) -> None:
    rig.write(batch(1, -1), day=1)
    rig.write(batch(1, 2, -1, start=10), day=2)
    start = datetime(2026, 11, 21, 12, tzinfo=UTC)
    wanted = {3: [], 8: ["compact"] * 2, 9: [], 31: ["archive"] * 2, 91: ["expire"] * 2, 92: []}
    for days, actions in wanted.items():
        now = start + timedelta(days=days)
        rig.clock = FixedClock(now)
        plan = expire(template(rig), rig.ports(), now)
        done = expire(template(rig), rig.ports(), now, dry_run=False)
        assert [s.action for s in plan] == [s.action for s in done] == actions, days
        if days < 90:
            assert rig.held_ids() == [1, 12]
    assert rig.quarantine().held() == []
    events = sorted(rig.events(), key=lambda event: str(event["timestamp"]))
    told = [e["action"] for e in events if e["kind"] == "QUARANTINE"]
    assert told == ["divert"] * 2 + ["compact"] * 2 + ["archive"] * 2 + ["expire"] * 2
    left = [f for f in Path(rig.quarantine_path).rglob("*.parquet") if "_delta_log" not in str(f)]
    assert left == []


def test_archived_rows_can_be_replayed_and_discarded(rig: Rig) -> None:
    rig.write(batch(1, -1), day=1)
    rig.write(batch(1, -1, start=10), day=2)
    later = NOW + timedelta(days=40)
    expire(template(rig), rig.ports(), later, dry_run=False)
    assert all(held.archived for held in rig.quarantine().held())
    first, second = (held.write_key for held in rig.quarantine().held())
    easy = template(rig, by=policy(rules=()))
    replay(easy, rig.ports(), rig.private_key, write_keys=[first])
    assert rig.ids() == [0, 1, 10]
    discard(easy, rig.ports(), "old", write_keys=[second])
    assert (rig.held_ids(), rig.held_ids("discarded")) == ([], [11])


def test_where_a_quarantine_is_and_who_it_is_sealed_to(tmp_path: Path) -> None:
    assert quarantine_path("/lake/", "ds://a/b") == "/lake/_quarantine/a__b"
    public, _ = seal.create_keys(tmp_path)
    known = seal.read_key(public)
    assert public_key({}, tmp_path) == known
    assert public_key({"quarantine_key": known.hex()}, tmp_path / "none") == known
    with pytest.raises(SfctlError, match="not 32 bytes"):
        public_key({"quarantine_key": "zz"}, tmp_path)


def test_certified_rows_are_never_held_rows(rig: Rig) -> None:
    from sfctl.runtime.publishing.certified import certified

    for day in range(1, 4):
        rig.write(batch(1, -1, 2, start=day * 10), policy(rules=(positive(),)), day=day)
    rig.write(batch(1, start=50), day=5)
    table, info = certified("ds://curated/orders", rig.path, now=NOW)
    ids = table.scan(info.version).collect()["id"].to_list()
    assert not set(ids) & set(rig.held_ids())


def test_duplicates_still_fail_when_they_are_replayed(rig: Rig) -> None:
    from sfctl.model.policy import Rule, Unique

    once = Rule("once", "unique", "DQ", Unique(("id",)), "UNIQUENESS_VIOLATION:id", fields=("id",))
    by = policy(rules=(positive(), once), share="0.9")
    twice = pl.concat([batch(1, 2), batch(3), batch(-1, start=7)])
    rig.write(twice, by)
    assert (rig.ids(), rig.held_ids()) == ([1], [0, 0, 7])
    [done] = replay(template(rig, by=policy(rules=(once,))), rig.ports(), rig.private_key)
    assert (done.rows_replayed, rig.ids(), rig.held_ids()) == (1, [1, 7], [0, 0])


def test_partition_columns_stay_readable(rig: Rig) -> None:
    rig.write(batch(1, -1), partition={"dt": "2026-11-01"})
    store = rig.quarantine()
    [row] = store.rows(store.held()[0].write_key).to_dicts()
    assert (row["dt"], row["note"]) == ("2026-11-01", "<sealed>")
