"""`sfctl pii`: say where personal data lies, and open tokens, on the record."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sfctl import exit_codes
from sfctl.commands import pii_keys, pii_tokens
from sfctl.commands.pii_tokens import MadeFor, Reason, Tokens
from sfctl.errors import UsageError
from sfctl.report import progress, text
from sfctl.report.outcome import Outcome
from sfctl.runtime.pii import scan as scanning
from sfctl.runtime.pii.classifier import Classifier, load
from sfctl.runtime.pii.kinds import KINDS, Kind, kind_for

if TYPE_CHECKING:
    from sfctl.commands.lake import Lake
    from sfctl.model.policy import Detection


def scan(
    path: Annotated[
        str, typer.Argument(help="Parquet, CSV, JSONL or Delta; JSONL with `text` gives spans.")
    ],
    *,
    policy: Annotated[
        Path | None, typer.Option(help="Also look for this bundle's kinds; 1 for undeclared ones.")
    ] = None,
    sample: Annotated[
        int | None, typer.Option(min=1, help="Draw so many rows; else all, at most 10,000,000.")
    ] = None,
    classifier: Annotated[
        str, typer.Option(help="Also ask a function of yours, module:name; see docs/pii.md.")
    ] = "",
) -> Outcome:
    """Say which columns, or places in texts, hold personal data. No value is ever shown."""
    declared = _declared(policy)
    kinds = [*KINDS.values(), *(kind_for(d.kind, d.pattern) for d in declared if d.pattern)]
    kinds = list({kind.name: kind for kind in kinds}.values())
    asked = load(classifier, Path()) if classifier else None
    if scanning.holds_texts(path):
        return _texts(path, kinds, declared, policy is not None, sample, asked)
    return _columns(path, kinds, declared, policy is not None, sample, asked)


def detokenize(
    tokens: Tokens = (),
    *,
    reason: Reason = "",
    kind: MadeFor = "",
    project_dir: Path = Path(),
    target: str | None = None,
    now: datetime | None = None,
) -> Outcome:
    """Show what tokens stand for. Needs the key; who, why and how many go on the record first."""
    pii_tokens.require(reason, "to open tokens")
    asked = pii_tokens.asked(tokens)
    values, recorded = pii_tokens.audited(
        "detokenize", asked, reason, kind, project_dir, target, now, _values
    )
    pairs = [{"token": t, "value": v} for t, v in zip(asked, values, strict=True)]
    payload = {"values": pairs, "count": len(pairs), "evidence_id": recorded}
    return Outcome("pii", payload, "\n".join(values))


def _values(lake: Lake, tokens: Sequence[str], kind: str) -> list[str]:
    return [value for value, _ in pii_tokens.opened(lake, tokens, kind)]


SUBVERBS = {
    "scan": scan, "detokenize": detokenize, "retokenize": pii_keys.retokenize,
    "keys": pii_keys.keys, "rotate": pii_keys.rotate,
}  # fmt: skip


def _declared(policy: Path | None) -> Sequence[Detection]:
    if policy is None:
        return ()
    if not policy.is_file():
        raise UsageError(f"{policy} does not exist", hint="--policy names a policy_bundle.yaml")
    from sfctl.compiler.check import policy_for_check

    return policy_for_check(policy)[0].pii


def _columns(
    path: str,
    kinds: list[Kind],
    declared: Sequence[Detection],
    strict: bool,
    sample: int | None,
    classifier: Classifier | None,
) -> Outcome:
    from sfctl.runtime.core.files import open_path

    source = open_path(path)
    names = list(source.schema)
    counts: dict[str, scanning.Counts] = {}
    seen = 0

    def told() -> Iterator[Any]:
        nonlocal seen
        for chunk in progress.track(source.chunks(names), "looking"):
            seen += chunk.height
            yield chunk

    if sample:
        chunks = scanning.drawn(told(), sample)
    else:
        chunks = scanning.bounded(told(), scanning.MOST_ROWS)
    rows = scanning.count_columns(chunks, kinds, counts, classifier)
    if not rows:
        counts = {name: scanning.Counts() for name in names}
    sampled = seen > rows
    least = {d.kind: d.min_share for d in declared if d.min_share}
    columns = [_column(name, found, least, sampled, declared) for name, found in counts.items()]
    undeclared = [c for c in columns if c["kind"] and not c["declared"]]
    lines = [
        text.status_line(f"{c['name']}: {_share(c)}", c["kind"] or "traces")
        for c in columns
        if c["matches"]
    ]
    found = [c for c in columns if c["kind"]]
    end = f"{text.count(rows, 'row')} of {text.count(len(columns), 'column')}"
    end += " (a part of the rows)" if sampled else ""
    end += f": {text.count(len(found), 'column')} with personal data"
    if strict and undeclared:
        end += f", {len(undeclared)} of them not declared"
    payload = {"source": path, "rows": rows, "columns": columns}
    return Outcome("pii", payload, "\n".join([*lines, end + "."]), _code(strict, undeclared))


def _column(
    name: str,
    counts: scanning.Counts,
    least: dict[str, float],
    sampled: bool,
    declared: Sequence[Detection],
) -> dict[str, Any]:
    kind = counts.verdict(least)
    matches = counts.matches.get(kind, 0) if kind else max(counts.matches.values(), default=0)
    head = name.partition(".")[0]
    entry = next(
        (d for d in declared if d.kind == kind and (not d.columns or {name, head} & {*d.columns})),
        None,
    )
    return {
        "name": name,
        "kind": kind,
        "share": round(matches / counts.values, 6) if counts.values else 0.0,
        "matches": matches,
        "values": counts.values,
        "sampled": sampled,
        "kinds": dict(sorted((k, n) for k, n in counts.matches.items() if n)),
        "declared": entry.action if entry else None,
    }


def _texts(
    path: str,
    kinds: list[Kind],
    declared: Sequence[Detection],
    strict: bool,
    sample: int | None,
    classifier: Classifier | None,
) -> Outcome:
    found: list[scanning.Span] = []
    lines = 0
    every = scanning.spans(path, kinds, sample=sample, classifier=classifier)
    for spans in progress.track(every, "looking"):
        found += spans
        lines += 1
    totals: dict[str, int] = {}
    for span in found:
        totals[span.kind] = totals.get(span.kind, 0) + 1
    known = {d.kind for d in declared}
    undeclared = [kind for kind in totals if kind not in known]
    counted = [text.status_line(text.count(n, "place"), kind) for kind, n in sorted(totals.items())]
    end = f"{text.count(lines, 'text')}: personal data in {text.count(len(found), 'place')}."
    payload = {
        "source": path,
        "texts": lines,
        "sampled": sample is not None or lines == scanning.MOST_ROWS,
        "spans": [{"line": s.line, "start": s.start, "end": s.end, "kind": s.kind} for s in found],
    }
    return Outcome("pii", payload, "\n".join([*counted, end]), _code(strict, undeclared))


def _code(strict: bool, undeclared: Iterable[object]) -> int:
    return exit_codes.FOUND if strict and any(undeclared) else exit_codes.OK


def _share(column: dict[str, Any]) -> str:
    kinds = ", ".join(f"{kind} {count:,}" for kind, count in column["kinds"].items())
    return f"{text.share(column['share'])} of {text.count(column['values'], 'value')} ({kinds})"
