"""A gated Delta write that passes, personal data acted on, beside the bare write of the frame."""

from __future__ import annotations

import shutil
from pathlib import Path

from bench.commands import script, sfctl
from bench.data import path_of
from bench.measure import Line, Sample, Session, compare, run
from bench.places import DATA, POLICY
from bench.results import Bound, Report, Table, ratio_table

ROUNDS = 15
TOKEN_ROUNDS = 5
LAKE = DATA / "lake"

PROJECT = """\
name: lake
targets:
  default: dev
  dev: {environment: dev, lake: ./tables, bus: {type: embedded}, state: {type: embedded}}
"""
DATASET = """\
urn: ds://bench/flights
owner_team: bench
tier: TIER_3
storage: {bronze: bronze/flights, silver: silver/flights, gold: gold/flights}
"""
SCHEMA = """
schema:
  mode: compatible
  constraints:
"""
TYPES = {
    "INT64": "year month day sched_dep_time sched_arr_time flight hour minute",
    "DOUBLE": "dep_time dep_delay arr_time arr_delay air_time distance",
    "STRING": "carrier tailnum origin dest time_hour contact_email phone note",
}
ACTIONS = """
pii:
  detection:
    - {pattern: EMAIL, columns: [contact_email], action: mask}
    - {pattern: PHONE, columns: [phone], action: redact}
"""


def run_case(quick: bool) -> Report:
    """Measure on D1 and D2 without their 2.45 % of failing rows; `quick` on D1 only."""
    project = _project()
    tables, bounds, raw = [], [], {}
    for data in ("D1",) if quick else ("D1", "D2"):
        lines = _lines(data, project, 3 if quick else ROUNDS)
        tables.append(ratio_table(f"{data} without cancelled flights, mode overwrite", lines))
        bare = lines[1]
        bounds += [
            Bound(f"{data}, wall against {bare.name}", bare.wall_ratio[0], 1.6),
            Bound(f"{data}, CPU against {bare.name}", bare.cpu_ratio[0], 1.6),
        ]
        raw[data] = lines
    tables.append(_tokens(2 if quick else TOKEN_ROUNDS))
    return Report(
        "write",
        "A gated Delta write that passes",
        "`sf.write` of a frame in memory to a Delta table: 16 rules judged, e-mail masked and phone"
        " redacted in every row, evidence, ledger and state written; against `write_deltalake` of"
        " the same frame, and against the bare write of what the actions leave (it is smaller)."
        " Tokenizing is apart: it costs by the distinct value.",
        tables,
        bounds,
        raw,
    )


def _lines(data: str, project: Path, rounds: int) -> list[Line]:
    file = str(path_of(data))
    serve = ("write.py", file)
    with (
        Session(script("sfctl", *serve, "gated"), SFCTL_PROJECT_DIR=str(project)) as gated,
        Session(script("sfctl", *serve, "bare", str(LAKE / "bare"))) as bare,
        Session(script("sfctl", *serve, "acted", str(LAKE / "acted"))) as acted,
    ):
        subjects = {
            "sf.write, gated": gated.once,
            "write_deltalake, bare": bare.once,
            "write_deltalake of the acted frame": acted.once,
        }
        return compare(subjects, rounds)


def _tokens(rounds: int) -> Table:
    rows = [["", "values", "distinct", "wall s", "values/s"]]
    with Session(script("sfctl", "tokens.py", str(path_of("D1")))) as session:
        samples: list[Sample] = [session.once() for _ in range(rounds)]
    best = sorted(samples, key=lambda sample: sample.wall)[len(samples) // 2]
    tokens, distinct = best.found["tokens"], best.found["distinct"]
    rate = f"{tokens / best.wall:,.0f}"
    rows.append(
        ["e-mail addresses of D1", f"{tokens:,}", f"{distinct:,}", f"{best.wall:.2f}", rate]
    )
    return Table("Tokenizing (AES-SIV), median", rows)


def _project() -> Path:
    shutil.rmtree(LAKE, ignore_errors=True)
    project = LAKE / "project"
    folder = project / "datasets" / "flights"
    folder.mkdir(parents=True)
    (project / "sfctl.yml").write_text(PROJECT)
    (folder / "dataset.yaml").write_text(DATASET)
    columns = "".join(
        f"    - {{field: {name}, type: {kind}}}\n"
        for kind, names in TYPES.items()
        for name in names.split()
    )
    policy = POLICY.read_text() + SCHEMA + columns + ACTIONS
    (folder / "policy_bundle.yaml").write_text(policy)
    run(sfctl("--project-dir", str(project), "register"), answer=False)
    run(sfctl("--project-dir", str(project), "compile"), answer=False)
    return project
