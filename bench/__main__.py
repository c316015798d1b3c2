"""`python -m bench NAME… [--quick]`: measure, print, keep, and rewrite RESULTS.md."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module

from bench.environments import build_all
from bench.results import Report, keep, publish

NAMES = {
    "agreement": "failing rows per rule on the dirty set, everybody's",
    "differential": "5,000 generated rules: sfctl against what each peer says of them",
    "cold": "check FILE, cold process to verdict, against bare Polars and every peer",
    "cold20": "the same on 20 M rows",
    "memory": "judging a frame in memory, against the Polars peers",
    "memory20": "the same on 20 M rows",
    "wide": "40 rules and 5 kinds of personal data over 5 M rows; what one more rule costs",
    "split": "good and bad rows as two tables, against by hand and peers",
    "write": "gated passing Delta write with PII, against the bare write; tokens a second",
    "peak": "peak memory of check up to 20 M rows",
    "startup": "sfctl --help against python -c pass",
    "validate": "validate of 500 datasets",
    "compile": "compile and validate of 10,000 policies",
    "bootstrap": "500 tables onboarded: register, profile, compile; one of them killed",
    "fuzz": "10,000 damaged files: no traceback, nothing accepted that should not be",
    "size": "installed size of the core",
    "custom": "a custom rule: starting its process, handing rows over",
    "pii": "personal data found, missed and mistaken in labelled cells and sentences",
    "rca": "root cause analysis on labelled incidents: right, wrong, quick",
    "profile": "profile of a file, against DuckDB's SUMMARIZE, cold and warm",
    "profile-alarms": "suggested rules on held-out days: false alarms, and faults noticed",
    "expressions": "random expressions through compiler, engine and a plain interpreter",
    "spark": "gated writes of Spark frames to Delta, against Delta's own writer",
    "spark-job": "the same at the end of a job that reads, joins, aggregates",
    "spark-observe": "a Spark job under sfctl run, against bare spark-submit",
    "engine": "a backlog through every stage: events a second, state a dataset",
}

BESIDE_PEERS = {
    "agreement",
    "differential",
    "wide",
    "cold",
    "cold20",
    "memory",
    "memory20",
    "split",
}


def main() -> int:
    """Run the named benchmarks; exit 1 when a bound was missed, 2 on a wrong name."""
    options = _options()
    if options.names == ["setup"]:
        build_all()
        return 0
    names = options.names or list(NAMES)
    if not BESIDE_PEERS.isdisjoint(names):
        build_all()
    missed = False
    for name in names:
        report: Report = import_module(f"bench.cases.{name.replace('-', '_')}").run_case(
            options.quick
        )
        print(report.markdown(), end="\n\n", flush=True)
        print(f"kept in {keep(report, options.quick)}", file=sys.stderr)
        if not options.quick:
            publish(report)
        missed = missed or not all(bound.met for bound in report.bounds)
    return 1 if missed and not options.quick else 0


def _options() -> argparse.Namespace:
    listing = "\n".join(f"  {name:14} {about}" for name, about in NAMES.items())
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description=f"benchmarks:\n{listing}\n  setup          make the peers' environments, once",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="which; all when none is named")
    parser.add_argument("--quick", action="store_true", help="less data, fewer rounds, none kept")
    options = parser.parse_args()
    wrong = [name for name in options.names if name not in {*NAMES, "setup"}]
    if wrong:
        parser.error(f"no benchmark {', '.join(wrong)}; there are: {', '.join(NAMES)}")
    return options


if __name__ == "__main__":
    raise SystemExit(main())
