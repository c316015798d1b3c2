"""docs/conformance.md says what the cases say."""

from __future__ import annotations

from tests.conformance.runtime.carriers import gaps
from tests.conformance.runtime.page import PAGE, cases_lost, page


def test_the_page_is_what_the_cases_give() -> None:
    written = PAGE.read_text(encoding="utf-8")
    assert written == page(), "run `python -m tests.conformance.runtime.page`"


def test_no_gap_is_named_that_keeps_nothing_from_being_judged() -> None:
    assert [gap for gap in gaps() if not cases_lost(gap)] == []
