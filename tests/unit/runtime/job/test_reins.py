"""Work of ours that runs elsewhere is ended when it is given up, and only then."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from sfctl.runtime.job.failopen import Overdue, within
from sfctl.runtime.spark import blame


class Noted:
    slack = 0.0

    def __init__(self) -> None:
        self.ended = 0

    def around(self, work: Callable[[], Any]) -> Callable[[], Any]:
        return lambda: ("held", work())

    def end(self) -> None:
        self.ended += 1


def test_work_that_comes_back_is_not_ended() -> None:
    reins = Noted()
    assert within(5, lambda: 1, reins) == ("held", 1)  # type: ignore[comparison-overlap]
    with pytest.raises(KeyError):
        within(5, lambda: dict[str, int]()["x"], reins)
    assert reins.ended == 0


def test_work_that_is_given_up_is_ended_once() -> None:
    reins = Noted()
    with pytest.raises(Overdue):
        within(0.05, lambda: time.sleep(1), reins)
    assert reins.ended == 1


def test_slack_is_time_to_begin() -> None:
    reins = Noted()
    reins.slack = 5.0
    within(0.0, lambda: time.sleep(0.1), reins)
    assert reins.ended == 0


class AnalysisException(Exception):
    """As Spark calls its own."""


def raised(text: str, *, running: bool, kind: type[Exception] = RuntimeError) -> Exception:
    try:
        if running:
            with blame.running():
                raise kind(text)
        raise kind(text)
    except kind as error:
        return error


MEASURES = {"bad": "count_if((`a` / `b`) > 1)"}
CONTEXT = "[DIVIDE_BY_ZERO] no.\n== SQL (line 1, position 11) ==\n{}\n^^^^^\n"


@pytest.mark.parametrize(
    ("error", "ours", "jobs"),
    [
        (raised(CONTEXT.format("`a` / `b`"), running=True), True, True),
        (raised(CONTEXT.format("x / y"), running=True), False, True),
        (raised("the user's own words", running=True), False, True),
        (raised("no such column", running=False, kind=AnalysisException), True, False),
        (raised("a bug of ours", running=False), False, False),
    ],
)
def test_whose_fault_it_is_that_rows_were_not_taken(
    error: Exception, ours: bool, jobs: bool
) -> None:
    assert (blame.ours(error, MEASURES), blame.of_the_job(error)) == (ours, jobs)
    assert not blame.ours(error, {})
