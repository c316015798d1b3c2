"""Our own faults while judging cost a write its verdict, never its rows and never the job.

What the guards return in place of a fault publishes everything and certifies nothing. What they do
not catch ends in the last line of defence in `sfctl/__init__.py`.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import traceback
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from sfctl.model.policy import GATES_OF_STAGE, Custom, Policy
from sfctl.model.verdict import GateResult, Judgement, RuleResult, Totals
from sfctl.runtime.allowance import ROWS, START_S
from sfctl.runtime.core.budget import Budget, budget_for
from sfctl.runtime.core.split import REASONS, RULES, Split
from sfctl.runtime.publishing.engine import Frame, Rows

if TYPE_CHECKING:
    import polars as pl

T = TypeVar("T")
GRACE_S = 1.0
ACTIONS_WAIT = 9
"""How many times longer than a judge actions wait to begin: what is emptied for them is lost."""


class Overdue(Exception):
    """A step that did not come back in time. Its thread ends with the process."""

    code = "OVERDUE"


class Crashed(Exception):
    """A step of ours that panicked or tried to end the process; says its class, never its text."""

    def __init__(self, error: BaseException) -> None:
        self.code = type(error).__name__
        super().__init__(self.code)


def is_fault(error: BaseException) -> bool:
    """Say whether an exception is a fault; a panic of Rust code is one, an order to stop is not."""
    return isinstance(error, Exception) or type(error).__name__ == "PanicException"


class Reins(Protocol):
    """What holds work of ours elsewhere; `slack` is by how many seconds it may be late."""

    slack: float

    def around(self, work: Callable[[], T]) -> Callable[[], T]:
        """Return the work as it can be held; called in the thread that waits for it."""

    def end(self) -> None:
        """End what is still under way elsewhere. Never raises."""


class Loose:
    """Reins of work that runs in this process, and can only be left behind."""

    slack = 0.0

    def around(self, work: Callable[[], T]) -> Callable[[], T]:
        return work

    def end(self) -> None:
        return


def within(seconds: float, work: Callable[[], T], reins: Reins | None = None) -> T:
    """Return what `work` returns; raise Overdue when it takes longer, and let it be.

    Raises Crashed for a panic or an exit: signals come to the main thread, so that none in this
    one is the user's wish to stop.
    """
    reins = reins or Loose()
    done: list[T] = []
    failed: list[BaseException] = []
    held = reins.around(work)

    def attempt() -> None:
        try:
            done.append(held())
        except BaseException as error:  # noqa: BLE001  raised again where it is waited for
            failed.append(error)

    thread = threading.Thread(target=attempt, daemon=True, name="sfctl-gates")
    thread.start()
    try:
        thread.join(seconds + reins.slack)
    finally:
        if thread.is_alive():
            reins.end()
    for error in failed:
        if isinstance(error, Exception | KeyboardInterrupt):
            raise error
        raise Crashed(error) from None
    if not done:
        raise Overdue(f"not done after {seconds:.1f} s")
    return done[0]


def patience(policy: Policy, gates: Iterable[str], rows: int) -> float:
    """Return the seconds after which gates are given up: twice their budget, and a little."""
    budget: Budget = budget_for(policy, gates)
    allowed = (budget.seconds or 0.0) * max(1.0, rows / ROWS)
    if budget.ceiling is not None:
        allowed = min(allowed, budget.ceiling)
    starts = any(isinstance(rule.check, Custom) for rule in policy.rules)
    return 2 * allowed + GRACE_S + (START_S if starts else 0.0)


def guarded_judge(
    judge: Callable[[Frame, Policy, str], Judgement], reins: Callable[[], Reins] = Loose
) -> Callable[[Frame, Policy, str], Judgement]:
    """Return a judge that answers ERROR where the given one raises or does not come back."""

    def judged(frame: Frame, policy: Policy, stage: str) -> Judgement:
        rows = getattr(frame, "height", 0)
        try:
            limit = patience(policy, GATES_OF_STAGE[stage], rows)
            return within(limit, lambda: judge(frame, policy, stage), reins())
        except Exception as error:  # noqa: BLE001
            show(error)
            return undecided(policy, stage, rows, reason_of(error))

    return judged


def guarded_split(
    split: Callable[[Frame, Policy, str, Judgement], Rows],
    faults: list[str],
    undivided: Callable[[Frame], Rows],
    reins: Callable[[], Reins] = Loose,
) -> Callable[[Frame, Policy, str, Judgement], Rows]:
    """Return a split that leaves rows `undivided` where the given one raises or hangs.

    What went wrong is added to `faults`.
    """

    def divided(frame: Frame, policy: Policy, stage: str, judgement: Judgement) -> Rows:
        try:
            limit = patience(policy, GATES_OF_STAGE[stage], frame.height)
            return within(limit, lambda: split(frame, policy, stage, judgement), reins())
        except Exception as error:  # noqa: BLE001  the counts then disagree: nothing certifies
            show(error)
            faults.append(f"SPLIT:{reason_of(error)}")
            return undivided(frame)

    return divided


def undivided(frame: pl.DataFrame) -> Rows:
    """Return all rows of a Polars frame on the good side."""
    import polars as pl

    none = pl.lit([], dtype=pl.List(pl.String))
    return Split(frame, frame.clear().with_columns(none.alias(RULES), none.alias(REASONS)))


def guarded_act(
    act: Callable[[Frame, Sequence[Any]], T], policy: Policy, reins: Callable[[], Reins] = Loose
) -> Callable[[Frame, Sequence[Any]], T]:
    """Return PII actions with an end: where they take too long, Overdue is raised."""

    def acted(frame: Frame, detections: Sequence[Any]) -> T:
        held = reins()
        limit = patience(policy, ("G5_PII",), frame.height) + ACTIONS_WAIT * held.slack
        return within(limit, lambda: act(frame, detections), held)

    return acted


def undecided(policy: Policy, stage: str, rows: int, reason: str) -> Judgement:
    """Return the judgement of rows that nobody could judge: every rule and gate ERROR, by us."""
    rules = tuple(
        RuleResult(
            rule.id, rule.kind, rule.gate, "error", 0, 0, rule.signature, rule.fields,
            rule.severity, reason=reason,
        )
        for rule in policy.rules_for(stage)
    )  # fmt: skip
    declared = len(rules)
    return Judgement(
        dataset_urn=policy.dataset_urn,
        stage=stage,
        rows=rows,
        good=rows,
        bad=0,
        rules=rules,
        gates=tuple(
            GateResult(gate, "ERROR", degraded=reason, details={"reason": reason})
            for gate in GATES_OF_STAGE[stage]
        ),
        totals=Totals(declared=declared, passed=0, failed=0, warned=0, skipped=0, error=declared),
        verdict="ERROR",
        policy_digest=policy.digest,
        degraded=(f"JUDGE:{reason}",),
    )


def say(line: str) -> None:
    """Tell the job's author one thing, on stderr; a stream that is closed is no trouble."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        print(f"sfctl: {line}", file=sys.stderr, flush=True)  # noqa: T201


def show(error: BaseException) -> None:
    """Print the traceback of a fault of ours where SFCTL_DEBUG asks for it."""
    if os.environ.get("SFCTL_DEBUG"):
        traceback.print_exception(error)


def reason_of(error: BaseException) -> str:
    """Return what evidence may say of a fault of ours: its code or its class, never its text."""
    code = getattr(error, "code", "")
    return code if code and isinstance(code, str) else type(error).__name__
