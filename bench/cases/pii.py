"""Personal data in labelled cells and sentences: what is found, missed, taken for another."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from bench.environments import build, child_environment, python_of
from bench.places import DATA, SUBJECTS
from bench.results import Bound, Report, Table
from sfctl.runtime.pii.kinds import KINDS
from sfctl.runtime.pii.scan import Counts, count_columns, spans_in

ENVIRONMENT = "pii_labels"
OUT_OF_REACH = ("e-mail, obfuscated", "phone, national elsewhere")
"""Families that docs/pii.md says are not looked for: in the tables, not in the bounds."""
COLUMN = 500
_ABOUT = """\
Values are made by other packages (Faker in 16 locales, the example numbers of `phonenumbers` with
their last four digits changed and checked by it, check digits by `python-stdnum`), hard negatives
by a list of rules in `bench/subjects/pii_labels.py`, with a fixed seed; the sentences are Faker's,
the punctuation around a value ours. It is generated data, not a sample of anybody's: shapes are
real, frequencies are not, and nobody mistyped anything. The detectors were improved on one half
(*dev*), the figures are of the other (*held*). *Found* is a place that covers the whole value,
*exact* one that covers nothing else. Precision of a kind counts every place of that kind in the
whole half, so it hangs on this mix; the share of each hard negative that raises an alarm does not.
A cell is asked about each kind alone, as an entry of a policy does; a sentence about all, as
`pii scan` does."""


@dataclass(frozen=True)
class Judged:
    """One labelled text and what was found in it, as (kind, start, end)."""

    label: Mapping[str, Any]
    found: Sequence[tuple[str, int, int]]

    @property
    def family(self) -> str:
        return str(self.label["family"])

    @property
    def covered(self) -> bool:
        """Whether a place of the right kind covers the value."""
        kind, start, end = self.label["kind"], self.label.get("start"), self.label.get("end")
        return any(k == kind and a <= start and b >= end for k, a, b in self.found)

    @property
    def exact(self) -> bool:
        return (self.label["kind"], self.label.get("start"), self.label.get("end")) in self.found

    def right(self, place: tuple[str, int, int]) -> bool:
        """Whether a place lies on the labelled value and is of its kind."""
        kind, start, end = place
        if kind != self.label["kind"]:
            return False
        return bool(start < self.label["end"] and end > self.label["start"])


def run_case(quick: bool) -> Report:
    """Judge every labelled text; the figures are those of the held-out half."""
    del quick
    everything = [judged(label) for label in labels()]
    held = [each for each in everything if each.label["half"] == "held"]
    dev = [each for each in everything if each.label["half"] == "dev"]
    kinds = list(KINDS)
    totals = [
        ["", "values", "found", "exact", "precision, cells", "precision, sentences", "found in dev"]
    ]
    recalls, precisions = {}, {}
    for kind in kinds:
        own = within_reach(held, kind)
        recalls[kind] = share(e.covered for e in own)
        precisions[kind] = precision(held, kind)
        totals.append(
            [
                kind, f"{len(own):,}", percent(recalls[kind]), percent(share(e.exact for e in own)),
                percent(precision([e for e in held if e.label["where"] == "cell"], kind)),
                percent(precision([e for e in held if e.label["where"] == "text"], kind)),
                percent(share(e.covered for e in within_reach(dev, kind))),
            ]
        )  # fmt: skip
    families = [["", "kind", "cells found", "sentences found", "exact"]]
    for family, some in by_family(e for e in held if e.label["kind"]).items():
        cells = [e for e in some if e.label["where"] == "cell"]
        texts = [e for e in some if e.label["where"] == "text"]
        families.append(
            [
                family, str(some[0].label["kind"]), percent(share(e.covered for e in cells)),
                percent(share(e.covered for e in texts)), percent(share(e.exact for e in some)),
            ]
        )  # fmt: skip
    negatives = [["", "texts", "with an alarm", *kinds]]
    for family, some in by_family(e for e in held if not e.label["kind"]).items():
        row = [share(any(k == kind for k, _, _ in e.found) for e in some) for kind in kinds]
        alarm = share(bool(e.found) for e in some)
        negatives.append(
            [family, str(len(some)), percent(alarm), *(percent(x) if x else "" for x in row)]
        )
    worst = min(recalls.values())
    quiet = share(bool(e.found) for e in held if not e.label["kind"])
    bounds = [
        Bound("share missed of the kind found least (families within reach)", 1 - worst, 0.02, ""),
        Bound("share wrong of the kind that is wrong most", 1 - min(precisions.values()), 0.10, ""),
        Bound("hard negatives with an alarm", quiet, 0.02, ""),
        Bound("columns told wrongly (signed numbers)", float(len(wrong := columns(held))), 1.0, ""),
    ]
    tables = [
        Table("By kind, held half", totals),
        Table("What is personal, by how it is written", families),
        Table("What is not: share that raises an alarm", negatives),
    ]
    if wrong:
        tables.append(Table("Columns told wrongly", [["column", "is", "told"], *wrong]))
    return Report("pii", "Personal data found and not found", _ABOUT, tables, bounds)


def labels() -> Iterable[dict[str, Any]]:
    """Yield the labelled texts, made once."""
    place = DATA / "pii" / "labels.jsonl"
    if not place.exists():
        build(ENVIRONMENT)
        place.parent.mkdir(parents=True, exist_ok=True)
        words = [str(python_of(ENVIRONMENT)), str(SUBJECTS / "pii_labels.py")]
        made = subprocess.run(words, env=child_environment(), capture_output=True, check=True)
        place.write_bytes(made.stdout)
    with Path(place).open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def judged(label: dict[str, Any]) -> Judged:
    """Return what is found in one text."""
    text = label["text"]
    if label["where"] == "text":
        return Judged(
            label, [(s.kind, s.start, s.end) for s in spans_in(text, list(KINDS.values()))]
        )
    found = [(k.name, *match.span()) for k in KINDS.values() for match in k.matches(text)]
    return Judged(label, found)


def within_reach(some: Iterable[Judged], kind: str) -> list[Judged]:
    return [e for e in some if e.label["kind"] == kind and e.family not in OUT_OF_REACH]


def precision(some: Iterable[Judged], kind: str) -> float:
    places = [(e, place) for e in some for place in e.found if place[0] == kind]
    return share(e.right(place) for e, place in places)


def columns(held: Iterable[Judged]) -> list[list[str]]:
    """Return the columns of one family each whose verdict is wrong."""
    wrong = []
    for family, some in by_family(e for e in held if e.label["where"] == "cell").items():
        values = [str(e.label["text"]) for e in some][:COLUMN]
        counts: dict[str, Counts] = {}
        count_columns([pl.DataFrame({family: values})], list(KINDS.values()), counts)
        told, real = counts[family].verdict({}), some[0].label["kind"]
        if told != real and family not in OUT_OF_REACH:
            wrong.append([family, str(real), str(told)])
    return wrong


def by_family(some: Iterable[Judged]) -> dict[str, list[Judged]]:
    found: dict[str, list[Judged]] = {}
    for each in some:
        found.setdefault(each.family, []).append(each)
    return found


def share(truths: Iterable[bool]) -> float:
    listed = list(truths)
    return sum(listed) / len(listed) if listed else 1.0


def percent(value: float) -> str:
    return f"{value:.1%}"
