"""What is done to personal data before anything is written, and the count of what was found.

An action touches the span that matched: a cell that is an address as a whole becomes a token, a
masked address or null; an address inside a sentence is replaced where it stands.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sfctl.model.policy import Detection
from sfctl.model.verdict import PiiFinding
from sfctl.runtime.pii import leaves
from sfctl.runtime.pii.keys import KeyRing
from sfctl.runtime.pii.kinds import KINDS, Kind, kind_for
from sfctl.runtime.pii.leaves import holds_text, texts
from sfctl.runtime.pii.scan import Counts, count_columns

if TYPE_CHECKING:
    import polars as pl

ADVISORY_ROWS = 1_000
"""Rows, spread evenly, in which kinds that nobody declared are looked for."""
REPEATING_HEAD = 1_000
SHORT = 10
"""Bytes up to which a text is short: no kind fits in."""


@dataclass(frozen=True, slots=True)
class Tally:
    """What was met in one text: filled values, and how many of them each covering entry acted on.

    `entries` are positions among the detections; which there are follows from the types alone.
    """

    path: str
    evaluated: int
    entries: tuple[int, ...]
    matches: tuple[int, ...]


def apply(
    frame: pl.DataFrame, detections: Sequence[Detection], keys: Callable[[], KeyRing]
) -> tuple[pl.DataFrame, tuple[PiiFinding, ...]]:
    """Return the frame as it may be written, and one finding per column and kind that occurs.

    Rows and their order stay as they are. `keys` is called only where something is tokenized;
    what it raises passes through. Columns an entry names but the frame lacks are left to G3.
    Findings of an entry with action `none` are counted, nothing else.
    """
    frame, tallies = acted(frame, detections, keys)
    return frame, findings(tallies, detections)


def acted(
    frame: pl.DataFrame, detections: Sequence[Detection], keys: Callable[[], KeyRing]
) -> tuple[pl.DataFrame, tuple[Tally, ...]]:
    """Do what `apply` does to some of a batch's rows; tallies of all of them add up, in order."""
    columns = [series for series in frame if holds_text(series.dtype)]
    with ThreadPoolExecutor(max_workers=max(1, min(len(columns), 4))) as pool:
        done = list(pool.map(lambda series: _act(series, detections, keys), columns))
    changed = [series for series, _ in done if series is not None]
    if changed:
        frame = frame.with_columns(changed)
    return frame, tuple(tally for _, tallies in done for tally in tallies)


def findings(tallies: Sequence[Tally], detections: Sequence[Detection]) -> tuple[PiiFinding, ...]:
    """Return one finding per text and entry that acted on something, in the entries' order."""
    order: dict[tuple[str, str], int] = {
        (d.kind, d.action): index for index, d in enumerate(detections)
    }
    found = [
        PiiFinding(
            tally.path, detections[entry].kind, detections[entry].action, matches, tally.evaluated
        )
        for tally in tallies
        for entry, matches in zip(tally.entries, tally.matches, strict=True)
        if matches
    ]
    return tuple(sorted(found, key=lambda f: (order[f.kind, f.action], f.column)))


def _act(
    column: pl.Series, detections: Sequence[Detection], keys: Callable[[], KeyRing]
) -> tuple[pl.Series | None, list[Tally]]:
    tallies: list[Tally] = []

    def change(path: str, series: pl.Series) -> pl.Series | None:
        evaluated = series.len() - series.null_count()
        counts: dict[int, int] = {}
        changed = False
        for entry, detection in enumerate(detections):
            if not covers(detection, path):
                continue
            kind = kind_for(detection.kind, detection.pattern)
            counts[entry] = 0
            if detection.action == "none":
                counts[entry] = int(_matches(series, kind).sum() or 0)
            elif detection.columns or _occurs(series, kind):
                after = _acted(series, detection, kind, keys)
                counts[entry] = int(after.ne_missing(series).sum())
                series, changed = after, True
        tallies.append(Tally(path, evaluated, tuple(counts), tuple(counts.values())))
        return series if changed else None

    return leaves.changed(column.name, column, change), tallies


def find(frame: pl.DataFrame, detections: Sequence[Detection]) -> tuple[PiiFinding, ...]:
    """Count what `apply` would act on, without acting; needs no key."""
    places = [
        (path, series, [d for d in detections if covers(d, path)]) for path, series in texts(frame)
    ]
    places = [place for place in places if place[2]]
    with ThreadPoolExecutor(max_workers=max(1, min(len(places), 4))) as pool:
        counted = list(pool.map(lambda place: _counted(place[1], place[2]), places))
    return tuple(
        PiiFinding(
            path, detection.kind, detection.action, count, series.len() - series.null_count()
        )
        for detection in detections
        for (path, series, _), found in zip(places, counted, strict=True)
        if (count := found.get(detection, 0))
    )


def _counted(series: pl.Series, detections: Sequence[Detection]) -> dict[Detection, int]:
    """Count the values of one column that hold something, by entry."""
    text = series.alias("")
    counts = text.value_counts(name="rows") if _repeats(text) else None
    if counts is not None:
        text = counts[""]
    found = {}
    for detection in detections:
        hits = _matches(text, kind_for(detection.kind, detection.pattern)).fill_null(value=False)
        found[detection] = int((hits if counts is None else counts["rows"].filter(hits)).sum())
    return found


def _repeats(text: pl.Series) -> bool:
    """Tell by the first values whether it pays to look at each distinct value once.

    Of short texts it does not: patterns pass them over quicker than they can be told apart.
    """
    head = text.head(REPEATING_HEAD).drop_nulls()
    if head.len() < REPEATING_HEAD // 2 or 2 * head.n_unique() > head.len():
        return False
    return int(head.str.len_bytes().sum()) > SHORT * head.len()


def advise(frame: pl.DataFrame, detections: Sequence[Detection]) -> tuple[PiiFinding, ...]:
    """Look for kinds nobody declared in a sample of the rows; advisory only.

    A text is said to be of a kind as `pii scan` says it of a column: not for a match or two.
    """
    sample = frame.gather_every(max(1, frame.height // ADVISORY_ROWS))
    findings = []
    for path, series in texts(sample):
        known = {d.kind for d in detections if covers(d, path)}
        counts: dict[str, Counts] = {}
        kinds = [kind for kind in KINDS.values() if kind.name not in known]
        count_columns([series.alias(path).to_frame()], kinds, counts)
        kind = counts[path].verdict({})
        if kind is not None:
            filled, matches = counts[path].values, counts[path].matches[kind]
            findings.append(PiiFinding(path, kind, "none", matches, filled, advised=True))
    return tuple(findings)


def covers(detection: Detection, path: str) -> bool:
    """Tell whether an entry looks at a text: at all of them where it names no columns."""
    return not detection.columns or any(
        path == name or path.startswith(name + ".") for name in detection.columns
    )


def _occurs(series: pl.Series, kind: Kind) -> bool:
    return bool(series.str.contains(kind.probe).any())


def _matches(series: pl.Series, kind: Kind) -> pl.Series:
    hits = series.str.contains(kind.probe)
    if kind.valid is None or not hits.any():
        return hits
    sure = series.str.contains(rf"\A(?:{kind.sure})\z") if kind.sure else None
    open_ = hits if sure is None else hits & ~sure
    if kind.needs:
        open_ = open_ & series.str.contains(kind.needs)
    real = [text for text in series.filter(open_).unique() if _valid_match(kind, text)]
    found = series.is_in(real)
    return found if sure is None else found | sure


def _valid_match(kind: Kind, text: str) -> bool:
    return next(kind.matches(text), None) is not None


def _acted(
    series: pl.Series, detection: Detection, kind: Kind, keys: Callable[[], KeyRing]
) -> pl.Series:
    if detection.action == "none":
        return series
    if detection.action == "tokenize" or kind.valid is not None:
        return _by_value(series, detection, kind, keys)
    if detection.action == "mask":
        return _masked(series, kind)
    mark = detection.placeholder if detection.placeholder is not None else f"[{kind.name}]"
    replaced = series.str.replace_all(kind.rust, mark.replace("$", "$$"))
    if detection.placeholder is not None:
        return replaced
    return _emptied(replaced, series, mark)


def _masked(series: pl.Series, kind: Kind) -> pl.Series:
    if kind.keeps == "groups":
        return series.str.replace_all(kind.rust, kind.mask)
    whole = series.str.contains(rf"\A(?:{kind.probe})\z")
    if kind.keeps == "domain":
        kept = series.str.splitn("@", 2).struct.field("field_1")
    else:
        kept = series.str.tail(12).str.replace_all("[^0-9]", "").str.tail(4)
    masked = (kind.stars + kept).zip_with(whole, series)
    parts = (~whole).arg_true()
    if parts.len():
        masked = masked.scatter(parts, series.gather(parts).str.replace_all(kind.rust, kind.mask))
    return masked.alias(series.name)


def _emptied(replaced: pl.Series, original: pl.Series, mark: str) -> pl.Series:
    whole = (replaced == mark) & (original != mark)
    return replaced.set(whole, None) if whole.any() else replaced


def _by_value(
    series: pl.Series, detection: Detection, kind: Kind, keys: Callable[[], KeyRing]
) -> pl.Series:
    acted: list[str | None]
    hits = series.str.contains(kind.probe)
    values = series.filter(hits).unique()
    if values.is_empty():
        return series
    if detection.pattern:
        acted = _tokenized(values, detection, kind, keys)
        return _exchanged(series, values, acted)
    replace = _replacement(detection, kind, keys)
    emptied = detection.action == "redact" and detection.placeholder is None
    acted = []
    for text in values:
        new = kind.replaced(text, replace)
        acted.append(None if emptied and new == f"[{kind.name}]" != text else new)
    return _exchanged(series, values, acted)


def _exchanged(series: pl.Series, values: pl.Series, acted: Sequence[str | None]) -> pl.Series:
    import polars as pl

    return series.replace_strict(
        values, pl.Series(acted, dtype=pl.String), default=series, return_dtype=pl.String
    ).alias(series.name)


def _tokenized(
    values: pl.Series, detection: Detection, kind: Kind, keys: Callable[[], KeyRing]
) -> list[str | None]:
    """Return texts with tokens for what a pattern of the policy's own matches.

    It never meets Python's matcher, which `(a+)+b` and one row would have at it for ever.
    """
    from sfctl.runtime.pii.tokens import Tokenizer

    tokenizer, mark = Tokenizer(keys()), f"<{secrets.token_hex(16)}>"
    acted: list[str | None] = []
    for text in values.str.replace_all(kind.rust, f"{mark}${{0}}{mark}"):
        pieces = text.split(mark)
        pieces[1::2] = [tokenizer.token(piece, detection.kind) for piece in pieces[1::2]]
        acted.append("".join(pieces))
    return acted


def _replacement(
    detection: Detection, kind: Kind, keys: Callable[[], KeyRing]
) -> Callable[[re.Match[str]], str]:
    from sfctl.runtime.pii.tokens import Tokenizer

    tokenizer = Tokenizer(keys()) if detection.action == "tokenize" else None
    mark = detection.placeholder if detection.placeholder is not None else f"[{kind.name}]"

    def replace(match: re.Match[str]) -> str:
        if tokenizer is not None:
            return tokenizer.token(match.group(), detection.kind)
        return kind.masked(match) if detection.action == "mask" else mark

    return replace
