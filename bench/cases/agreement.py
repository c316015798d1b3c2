"""Do all of them count the same failing rows on the dirty set, and split it alike?"""

from __future__ import annotations

from pathlib import Path

from bench.commands import PEERS, POLARS_PEERS, bare, check, peer
from bench.data import SPLIT, TRUTH, path_of
from bench.measure import Failed, Session, run
from bench.results import Report, Table

FINDS_COUNTS = {"great_expectations": "counts"}


def run_case(quick: bool) -> Report:
    """Compare everybody's counts on DX with the truth; differences are printed, never hidden."""
    del quick
    file = path_of("DX")
    rows = [["", "differs from the truth in", "no count", "split good / bad"]]
    rows.append(["truth", _truth(), "–", f"{SPLIT[0]:,} / {SPLIT[1]:,}"])
    raw: dict[str, object] = {}
    for name in ("sfctl", "bare polars", *PEERS):
        try:
            found, split = _found(name, file)
        except Failed as failure:
            rows.append([name, f"could not run: {failure}", "–", "–"])
            continue
        raw[name] = found
        rows.append([name, _differences(found), _missing(found), split])
    return Report(
        "agreement",
        "Agreement on the dirty set",
        "Failing rows per rule on DX (650 planted defects, 40 appended duplicates). A peer that"
        " says only pass or fail for a rule is compared on that.",
        [Table("Failing rows", rows)],
        raw=raw,
    )


def _found(name: str, file: Path) -> tuple[dict[str, int], str]:
    if name == "sfctl":
        answer = run(check(file), accept=(0, 1)).found
        counts = {rule["id"]: rule["failed"] for rule in answer["rules"]}
        return counts, f"{answer['good']:,} / {answer['bad']:,}"
    if name == "bare polars":
        return run(bare(file, "hash")).found, "–"
    sample = run(peer(name, FINDS_COUNTS.get(name, "cold"), str(file)))
    return sample.found, _split(name, file)


def _split(name: str, file: Path) -> str:
    if name not in POLARS_PEERS or name == "cuallee":
        return "none"
    with Session(peer(name, "serve", str(file), "split", "all")) as session:
        found = session.once().found
    return f"{found['good']:,} / {found['bad']:,}"


def _truth() -> str:
    return ", ".join(f"{rule} {count}" for rule, count in TRUTH.items())


def _differences(found: dict[str, int]) -> str:
    other = [
        f"{rule} {found[rule]} (truth {TRUTH.get(rule, 0)})"
        for rule in found
        if found[rule] != TRUTH.get(rule, 0)
    ]
    return ", ".join(other) or "nothing"


def _missing(found: dict[str, int]) -> str:
    return ", ".join(rule for rule in TRUTH if TRUTH[rule] and rule not in found) or "–"
