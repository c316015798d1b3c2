"""How good the answers are: against cases whose cause is known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from sfctl.errors import SfctlError, SourceError, UsageError
from sfctl.evidence.port import Bus
from sfctl.graph.port import Graph
from sfctl.model.explanation import Level
from sfctl.rca.explain import explain
from sfctl.state.port import StateStore

TOP = 3


class Truth(msgspec.Struct, frozen=True):
    """A case and its known cause. Without `cause_ref` the kind alone is compared."""

    subject: str
    cause_kind: str
    cause_ref: str = ""


class Verdict(msgspec.Struct, frozen=True):
    """What was answered on one case; `place` counts the right cause from 1, 0 for not found."""

    subject: str
    expected: str
    answered: str
    place: int
    confidence: float
    milliseconds: float
    error: str = ""
    level: Level = "LOW"

    @property
    def is_wrong(self) -> bool:
        """Whether another cause was blamed with more than LOW confidence."""
        return self.place != 1 and self.answered not in ("", "UNKNOWN") and self.level != "LOW"


class Evaluation(msgspec.Struct, frozen=True):
    """Shares from 0 to 1 over all cases; `identified` is answered with anything but UNKNOWN."""

    cases: int
    top_1: float
    top_3: float
    identified: float
    wrong: float
    """Answered with HIGH or MEDIUM confidence, and not the cause."""
    wrong_high: float
    """Of these, with HIGH confidence."""
    mean_ms: float
    verdicts: tuple[Verdict, ...]


def evaluate(truths: Sequence[Truth], graph: Graph, state: StateStore, bus: Bus) -> Evaluation:
    """Explain each case and compare. A subject that cannot be explained counts as not found."""
    return counted([judged(truth, graph, state, bus) for truth in truths])


_HINT = 'a line is {"subject": …, "cause_kind": …, "cause_ref": …}'


def counted(verdicts: Sequence[Verdict]) -> Evaluation:
    """Return the shares over some verdicts."""
    count = len(verdicts)

    def share(number: int) -> float:
        return round(number / count, 4) if count else 0.0

    spent = sum(verdict.milliseconds for verdict in verdicts)
    return Evaluation(
        cases=count,
        top_1=share(sum(v.place == 1 for v in verdicts)),
        top_3=share(sum(0 < v.place <= TOP for v in verdicts)),
        identified=share(sum(bool(v.answered) and v.answered != "UNKNOWN" for v in verdicts)),
        wrong=share(sum(v.is_wrong for v in verdicts)),
        wrong_high=share(sum(v.is_wrong and v.level == "HIGH" for v in verdicts)),
        mean_ms=round(spent / count, 3) if count else 0.0,
        verdicts=tuple(verdicts),
    )  # fmt: skip


def read(path: Path) -> list[Truth]:
    """Read ground truth, one JSON object a line.

    Raises SourceError for a file that cannot be read, UsageError SF864 for a line that is none
    and for a file without any.
    """
    found = list(_lines(path))
    if not found:
        raise UsageError(f"{path} holds no ground truth", hint=_HINT, code="SF864")
    return found


def _lines(path: Path) -> Iterator[Truth]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise SourceError(f"cannot read {path}: {reason}", hint="name a JSON Lines file") from None
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            yield msgspec.json.decode(line, type=Truth)
        except (msgspec.DecodeError, msgspec.ValidationError) as error:
            raise UsageError(
                f"{path}:{number} is no ground truth: {error}",
                hint=_HINT,
                code="SF864",
            ) from None


def judged(truth: Truth, graph: Graph, state: StateStore, bus: Bus) -> Verdict:
    """Explain one case and compare."""
    expected = f"{truth.cause_kind} {truth.cause_ref}".strip()
    try:
        answer = explain(truth.subject, graph, state, bus)
    except SfctlError as error:
        return Verdict(truth.subject, expected, "", 0, 0.0, 0.0, f"{error.code} {error}")
    cause = answer.root_cause
    listed = [h for h in answer.hypotheses if not h.ruled_out]
    ranked = [cause, *(h for h in listed if h != cause)]
    hits = [number for number, h in enumerate(ranked, 1) if _same(truth, h.kind, h.ref)]
    place = hits[0] if hits else 0
    return Verdict(
        truth.subject, expected, f"{cause.kind} {cause.ref}".strip(), place,
        cause.confidence, answer.timings.total_ms, level=cause.level,
    )  # fmt: skip


def _same(truth: Truth, kind: str, ref: str) -> bool:
    return kind == truth.cause_kind and truth.cause_ref in ("", ref)
