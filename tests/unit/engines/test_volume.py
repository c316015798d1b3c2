"""Volume: drops, spikes, bounds, and healthy histories that must stay quiet."""

from __future__ import annotations

import math
import random
from datetime import date, timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfctl.engines import counts
from sfctl.engines.counts import Point, Rules
from sfctl.engines.volume import ENGINE
from sfctl.model import codec
from sfctl.model.evidence import Evidence
from tests.unit.engines import events
from tests.unit.engines.events import ORDERS, Bench, days, run, wrote


def bench(*more: Evidence, **slo: object) -> Bench:
    made = Bench(ENGINE)
    made.fold(events.config("2025-12-01T00:00:00", volume=slo))
    made.fold(*more)
    return made


def fortnight(rows: int = 10_000, number: int = 14) -> list[Evidence]:
    return [wrote(run(d), f"{d}T07:05:00", rows=rows) for d in days("2026-01-05", number)]


@pytest.mark.parametrize(
    ("rows", "reason", "pct"),
    [(5_000, "VOLUME_DROP", -50.0), (16_000, "VOLUME_SPIKE", 60.0)],
)
def test_r155_drops_and_spikes_are_flagged_with_their_percentage(
    rows: int, reason: str, pct: float
) -> None:
    made = bench(*fortnight())
    assert made.tick("2026-01-18T08:00:00") == []
    made.fold(wrote(run("2026-01-19"), "2026-01-19T07:05:00", rows=rows))
    (signal,) = made.tick("2026-01-19T07:06:00")
    assert (signal.signal_type, signal.reason, signal.state) == (
        "VOLUME_ANOMALY",
        reason,
        "WARNING",
    )
    assert signal.metrics["deviation_pct"] == pct
    assert (signal.metrics["rows"], signal.metrics["reference"]) == (rows, 10_000)
    assert made.tick("2026-01-19T08:00:00") == []


def test_a_rerun_of_a_date_replaces_its_count_and_ends_the_breach() -> None:
    made = bench(*fortnight(), wrote(run("2026-01-19"), "2026-01-19T07:05:00", rows=1_000))
    (drop,) = made.tick("2026-01-19T08:00:00")
    assert drop.state == "CRITICAL"
    made.fold(wrote(run("2026-01-19", 1), "2026-01-19T09:05:00", rows=10_100))
    (fine,) = made.tick("2026-01-19T10:00:00")
    assert (fine.signal_id, fine.revision, fine.state) == (drop.signal_id, 1, "OK")
    assert fine.metrics["rows"] == 10_100
    assert made.states() == {ORDERS: "OK"}


def test_the_writes_of_one_run_add_up() -> None:
    one = run("2026-01-19")
    halves = [wrote(one, "2026-01-19T07:05:00", rows=5_000, ordinal=n) for n in range(2)]
    made = bench(*fortnight(), *halves)
    assert made.tick("2026-01-19T08:00:00") == []


def test_the_next_good_day_returns_to_ok_under_its_own_id() -> None:
    made = bench(*fortnight(), wrote(run("2026-01-19"), "2026-01-19T07:05:00", rows=4_000))
    (drop,) = made.tick("2026-01-19T08:00:00")
    made.fold(wrote(run("2026-01-20"), "2026-01-20T07:05:00", rows=10_000))
    (fine,) = made.tick("2026-01-20T08:00:00")
    assert (fine.state, fine.previous_state) == ("OK", "WARNING")
    assert fine.signal_id != drop.signal_id


@pytest.mark.parametrize(("rows", "expected"), [(99_999, ["BELOW_FLOOR"]), (100_000, [])])
def test_r006_the_floor_holds_without_any_history(rows: int, expected: list[str]) -> None:
    made = bench(
        wrote(run("2026-01-19"), "2026-01-19T07:05:00", rows=rows), min_rows_per_partition=100_000
    )
    found = made.tick("2026-01-19T08:00:00")
    assert events.reasons(found) == expected
    assert all(signal.state == "CRITICAL" for signal in found)


def test_r154_the_ceiling_holds_without_any_history() -> None:
    made = bench(
        wrote(run("2026-01-19"), "2026-01-19T07:05:00", rows=11), max_rows_per_partition=10
    )
    assert events.reasons(made.tick("2026-01-19T08:00:00")) == ["ABOVE_CEILING"]


def test_r152_either_source_alone_gives_the_same_baseline_and_both_never_double() -> None:
    figures = {d: 10_000 + 37 * n for n, d in enumerate(days("2026-01-05", 10))}
    ours = [wrote(run(d), f"{d}T07:05:00", rows=n, size=9 * n) for d, n in figures.items()]
    theirs = [
        events.lineage(run(d), f"{d}T07:05:00", rows=n, size=9 * n) for d, n in figures.items()
    ]
    last = "2026-01-15"

    def verdict(baseline: list[Evidence], final: Evidence) -> object:
        made = bench(*baseline, final)
        (signal,) = made.tick("2026-01-16T00:00:00")
        return (signal.signal_id, signal.state, signal.reason, signal.metrics)

    mine = wrote(run(last), f"{last}T07:05:00", rows=3_000, size=27_000)
    other = events.lineage(run(last), f"{last}T07:05:00", rows=3_000, size=27_000)
    expected = verdict(ours, mine)
    assert verdict([*ours, *theirs], mine) == expected
    assert verdict([*theirs, *ours], mine) == expected
    assert verdict([*theirs, other], mine) == expected
    alone = Bench(ENGINE)
    alone.fold(events.config("2025-12-01T00:00:00"), *theirs, other)
    (signal,) = alone.tick("2026-01-16T00:00:00")
    assert (signal.signal_id, signal.state, signal.reason, signal.metrics) == expected


def test_lineage_beside_the_commits_of_three_stages_changes_nothing_in_any_order() -> None:
    one = run("2026-01-05")
    story = [
        *(
            wrote(one, f"2026-01-05T07:0{n}:00", rows=rows, stage=stage)
            for n, (stage, rows) in enumerate((("bronze", 30), ("silver", 20), ("gold", 10)))
        ),
        events.lineage(one, "2026-01-05T07:05:00", rows=99, size=500),
    ]
    for seed in range(6):
        random.Random(seed).shuffle(story)
        made = bench(*story)
        made.tick("2026-01-05T08:00:00")
        series = made.cells[ORDERS].series
        totals = {name: [point.value for point in points] for name, points in series.items()}
        assert totals == {
            "rows:bronze": [30],
            "rows:silver": [20],
            "rows:gold": [10],
            "bytes:gold": [500],
        }


def test_a_back_fill_is_judged_by_what_lies_before_its_own_date() -> None:
    early = [wrote(run(d), f"{d}T07:05:00", rows=1_000) for d in days("2025-12-20", 10)]
    late = [wrote(run(d), f"{d}T07:05:00", rows=9_000) for d in days("2026-01-10", 20)]
    made = bench(*early, *late)
    made.tick("2026-01-30T00:00:00")
    made.fold(wrote(run("2025-12-30"), "2026-01-30T09:00:00", rows=1_010))
    assert made.tick("2026-01-30T10:00:00") == []
    made.fold(wrote(run("2025-12-31"), "2026-01-30T09:00:00", rows=9_000))
    assert "VOLUME_SPIKE" in events.reasons(made.tick("2026-01-30T10:00:00"))


def test_the_most_downstream_stage_of_a_date_speaks() -> None:
    made = bench(
        *(
            wrote(run(d), f"{d}T07:05:00", rows=rows, stage=stage)
            for d in days("2026-01-05", 10)
            for stage, rows in (("bronze", 10_000), ("gold", 100))
        ),
        wrote(run("2026-01-19"), "2026-01-19T07:05:00", rows=10_000, stage="bronze"),
        wrote(run("2026-01-19"), "2026-01-19T07:06:00", rows=10, stage="gold"),
    )
    (signal,) = made.tick("2026-01-19T08:00:00")
    assert (signal.stage, signal.metrics["rows"]) == ("gold", 10)


def test_flagged_days_do_not_become_normal() -> None:
    made = bench(*fortnight())
    for d in days("2026-01-19", 5):
        made.fold(wrote(run(d), f"{d}T07:05:00", rows=5_000))
        assert events.reasons(made.tick(f"{d}T08:00:00")) == ["VOLUME_DROP"]


def test_bytes_speak_where_the_rows_are_fine() -> None:
    made = bench(
        *(wrote(run(d), f"{d}T07:05:00", rows=100, size=5_000) for d in days("2026-01-05", 10)),
        wrote(run("2026-01-15"), "2026-01-15T07:05:00", rows=100, size=900),
    )
    (signal,) = made.tick("2026-01-15T08:00:00")
    assert (signal.metrics["metric"], signal.reason) == ("bytes", "VOLUME_DROP")


@given(seed=st.integers(0, 10**6))
@settings(max_examples=25, deadline=None)
def test_the_order_of_events_makes_no_difference(seed: int) -> None:
    story = [*fortnight(), wrote(run("2026-01-19"), "2026-01-19T07:05:00", rows=4_000)]
    story.append(events.lineage(run("2026-01-10"), "2026-01-10T07:05:00", rows=77))
    shuffled = list(story)
    random.Random(seed).shuffle(shuffled)
    assert bench(*shuffled).tick("2026-01-20T00:00:00") == bench(*story).tick("2026-01-20T00:00:00")


def test_r153_state_stays_bounded_over_a_thousand_runs() -> None:
    made = bench()
    sizes = []
    draw = random.Random(4)
    for d in days("2026-01-05", 1000):
        made.fold(wrote(run(d), f"{d}T07:05:00", rows=draw.randrange(1_000, 20_000)))
        made.tick(f"{d}T08:00:00")
        sizes.append(len(codec.encode(made.cells[ORDERS])))
    assert max(sizes[700:]) <= 1.1 * max(sizes[:700])
    assert max(sizes) < 200_000


def test_r007_a_stream_below_its_hourly_floor_is_critical() -> None:
    made = bench(min_events_per_hour=1000)
    made.fold(events.stream("2026-01-19T10:10:00", count=600))
    made.fold(events.stream("2026-01-19T10:50:00", count=399))
    assert made.tick("2026-01-19T11:01:00") == []
    (signal,) = made.tick("2026-01-19T11:02:00")
    assert (signal.reason, signal.state) == ("EVENTS_BELOW_FLOOR", "CRITICAL")
    assert (signal.metrics["events"], signal.window.type) == (999, "TUMBLING_1HR")
    made.fold(events.stream("2026-01-19T11:10:00", count=1000))
    assert events.reasons(made.tick("2026-01-19T12:02:00")) == ["OK"]
    assert events.reasons(made.tick("2026-01-19T13:02:00")) == ["EVENTS_BELOW_FLOOR"]


def test_r155_a_stream_that_halves_is_a_drop() -> None:
    made = bench()
    for hour in range(10):
        made.fold(events.stream(f"2026-01-19T{hour:02}:10:00", count=10_000))
    assert made.tick("2026-01-19T10:02:00") == []
    made.fold(events.stream("2026-01-19T10:10:00", count=5_000))
    (signal,) = made.tick("2026-01-19T11:02:00")
    assert (signal.reason, signal.metrics["deviation_pct"]) == ("VOLUME_DROP", -50.0)


def test_records_sampled_from_a_stream_are_no_measure_of_it() -> None:
    made = bench()
    for hour in range(10):
        for minute in range(40):
            one = events.stream(f"2026-01-19T{hour:02}:{minute:02}:00")
            made.fold(msgspec.structs.replace(one, kind="GATE"))
    assert made.tick("2026-01-19T14:02:00") == []


def healthy(seed: int, number: int, noise: float, weekend: float, growth: float) -> list[Point]:
    """Return a history with a weekly season, a trend and noise, and nothing wrong in it."""
    draw = random.Random(seed)
    first = date(2024, 1, 1)
    points = []
    for n in range(number):
        day = first + timedelta(days=n)
        level = 100_000 * (1 + growth) ** (n / 7) * (weekend if day.weekday() >= 5 else 1)
        value = level * (1 + draw.gauss(0, noise))
        points.append(Point(day.isoformat(), day.isoformat(), float(math.floor(max(value, 0)))))
    return points


def flags(points: list[Point], rules: Rules) -> list[str]:
    series: tuple[Point, ...] = ()
    found = []
    for point in points:
        series, verdicts = counts.marked(counts.kept((*series, point)), (point.key,), rules)
        found += [key for key, verdict in verdicts.items() if verdict.reason]
    return found


@pytest.mark.parametrize("noise", [0.05, 0.10])
@pytest.mark.parametrize("weekend", [1.0, 0.4, 2.0])
@pytest.mark.parametrize("growth", [0.0, 0.01])
def test_r157_a_healthy_history_is_flagged_on_fewer_than_5_per_cent_of_its_days(
    noise: float, weekend: float, growth: float
) -> None:
    shares, rates = [], []
    for seed in range(4):
        points = healthy(seed, 140, noise, weekend, growth)
        shares.append(len(flags(points, Rules())) / len(points))
        rate = counts.expected_false_positive_rate(points, Rules())
        assert rate is not None
        rates.append(rate)
    assert max(shares) < 0.05, shares
    assert max(rates) < 0.05, rates


@given(
    seed=st.integers(0, 10**6),
    weekend=st.sampled_from([1.0, 0.5]),
    noise=st.sampled_from([0.05, 0.08]),
    place=st.integers(35, 99),
)
@settings(max_examples=25, deadline=None)
def test_r153_a_planted_drop_of_half_is_always_flagged(
    seed: int, weekend: float, noise: float, place: int
) -> None:
    points = healthy(seed, 100, noise, weekend, 0.0)
    struck = points[place]
    expected = 100_000 * (weekend if date.fromisoformat(struck.date).weekday() >= 5 else 1)
    points[place] = Point(struck.key, struck.date, float(int(expected / 2)))
    assert struck.key in flags(points, Rules())


def test_sigma_is_the_printed_rule_and_flags_more_than_a_tenth_of_healthy_days() -> None:
    points = healthy(1, 200, 0.05, 1.0, 0.0)
    share = len(flags(points, Rules(method="sigma"))) / len(points)
    rate = counts.expected_false_positive_rate(points, Rules(method="sigma"))
    assert 0.08 < share < 0.25
    assert rate is not None
    assert rate > 0.05


def test_r156_a_new_count_is_due_to_be_judged_at_once() -> None:
    made = bench(wrote(run("2026-01-19"), "2026-01-19T07:05:00", rows=10))
    due = made.engine.next_deadline(made.cells[ORDERS])
    assert due is not None
    assert due <= events.at("2026-01-19T07:05:00")
    made.tick("2026-01-19T07:05:01")
    assert made.engine.next_deadline(made.cells[ORDERS]) is None
