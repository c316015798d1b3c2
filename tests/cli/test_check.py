"""`sfctl check` from the outside: exit codes, both streams, every format, nothing written."""

from __future__ import annotations

import json
import os
import sys
from datetime import datetime
from pathlib import Path
from xml.etree import ElementTree

import polars as pl
import pytest

from tests.cli.conftest import Run

POLICY = """\
schema: {constraints: [{field: id, type: INT64, nullable: false}]}
dq:
  rules:
    - {id: positive, kind: range, field: amount, min: 0}
    - {id: known, kind: accepted_values, field: state, values: [NEW, DONE]}
    - {id: slow, kind: range, field: amount, max: 100, severity: warn}
    - {id: key, kind: unique, fields: [id]}
    - {id: enough, kind: row_count, min: 2}
"""
GOOD = pl.DataFrame({"id": [1, 2, 3], "amount": [1.5, 2.0, None], "state": ["NEW", "DONE", None]})
BAD = pl.DataFrame({"id": [1, 1, 3], "amount": [-1.0, 200.0, 5.0], "state": ["NEW", "LOST", "x y"]})


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "policy.yaml").write_text(POLICY)
    GOOD.write_parquet(tmp_path / "good.parquet")
    BAD.write_parquet(tmp_path / "bad.parquet")
    return tmp_path


def test_what_passes(sfctl: Run, place: Path) -> None:
    before = {path.name for path in place.iterdir()}
    done = sfctl("check", "good.parquet", "--policy", "policy.yaml", "--format", "json")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    found = json.loads(done.stdout)
    assert found["schema"] == "sfctl.check.v1"
    assert (found["rows"], found["good"], found["bad"], found["verdict"]) == (3, 3, 0, "PASS")
    totals = found["totals"]
    assert totals["declared"] == len(found["rules"]) == totals["pass"] == 6
    assert [gate["gate"] for gate in found["gates"]] == ["G3_SCHEMA", "G4_CONTRACT", "G5_PII", "DQ"]
    assert {path.name for path in place.iterdir()} == before


def test_what_fails(sfctl: Run, place: Path) -> None:
    done = sfctl("check", "bad.parquet", "--policy", "policy.yaml", "--format", "json")
    assert done.returncode == 1
    found = json.loads(done.stdout)
    rules = {rule["id"]: rule for rule in found["rules"]}
    assert (found["good"], found["bad"], found["verdict"]) == (0, 3, "FAIL")
    assert (rules["positive"]["status"], rules["positive"]["failed"]) == ("fail", 1)
    assert rules["known"]["signatures"] == {"UNKNOWN_ENUM:state:LOST": 1, "UNKNOWN_ENUM:state:*": 1}
    assert rules["slow"]["status"] == "warn"
    assert (rules["key"]["failed"], rules["key"]["surplus"]) == (2, 1)
    assert rules["positive"]["field"] == "amount"
    assert rules["positive"]["reason"] == "1 of 3 rows (33.33%) fail"
    assert rules["enough"]["measured"] == "3"
    assert "x y" not in done.stdout


def test_text_says_one_line_a_rule_and_details_of_failures(sfctl: Run, place: Path) -> None:
    done = sfctl("check", "bad.parquet", "--policy", "policy.yaml")
    lines = done.stdout.splitlines()
    assert any(line.startswith("positive ..") and line.endswith(" fail") for line in lines)
    assert any(line.startswith("enough ..") and line.endswith(" pass") for line in lines)
    assert "    UNKNOWN_ENUM:state:LOST  1" in lines
    assert lines[-1] == "6 rules: 2 passed, 3 failed, 1 warned; 0 of 3 rows good: FAIL."


def test_the_formats_of_ci(sfctl: Run, place: Path) -> None:
    words = ("check", "bad.parquet", "--policy", "policy.yaml", "--format")
    suite = ElementTree.fromstring(sfctl(*words, "junit").stdout)
    assert len(suite.findall(".//testcase")) == 6
    assert len(suite.findall(".//failure")) == 3
    sarif = json.loads(sfctl(*words, "sarif").stdout)
    places = [
        result["locations"][0]["physicalLocation"]["region"]["startLine"]
        for result in sarif["runs"][0]["results"]
    ]
    assert sorted(places) == [4, 5, 6, 7]
    notes = sfctl(*words, "github").stdout
    assert "::error file=policy.yaml,title=SF510,line=4,col=7::positive" in notes
    assert "::warning file=policy.yaml,title=SF510,line=6,col=7::slow" in notes


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("gone.parquet", "--policy", "policy.yaml"), 3, "SF501"),
        (("good.parquet", "--policy", "gone.yaml"), 2, "gone.yaml"),
        (("good.parquet",), 2, "--policy"),
        (("good.parquet", "--policy", "policy.yaml", "--stage", "lead"), 2, "lead"),
        (("good.parquet", "--policy", "broken.yaml"), 2, "broken.yaml:3:"),
    ],
)
def test_what_cannot_be_done(
    sfctl: Run, place: Path, words: tuple[str, ...], code: int, said: str
) -> None:
    (place / "broken.yaml").write_text("dq:\n  rules:\n    - {kind: rnage, field: a}\n")
    done = sfctl("check", *words)
    assert done.returncode == code
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_text_files_and_a_missing_column(sfctl: Run, place: Path) -> None:
    (place / "rows.csv").write_text("id,state\n1,NEW\nx,DONE\n")
    done = sfctl("check", "rows.csv", "--policy", "policy.yaml", "--format", "json")
    assert done.returncode == 1
    found = json.loads(done.stdout)
    rules = {rule["id"]: rule for rule in found["rules"]}
    assert (rules["positive"]["status"], rules["positive"]["data_error"]) == ("error", True)
    assert found["gates"][0]["signatures"]["TYPE_MISMATCH:id:INT64→STRING"] == 1
    assert found["totals"]["error"] == 2


def test_personal_data_is_reported_without_a_value(sfctl: Run, place: Path) -> None:
    (place / "pii.yaml").write_text(
        "pii: {detection: [{pattern: EMAIL, columns: [mail], action: mask}]}\n"
    )
    pl.DataFrame({"mail": ["ann@example.org", "none"]}).write_parquet(place / "mail.parquet")
    done = sfctl("check", "mail.parquet", "--policy", "pii.yaml", "--format", "json")
    assert done.returncode == 0
    gate = json.loads(done.stdout)["gates"][2]
    assert gate["signatures"] == {"PII_DETECTED:mail:EMAIL": 1}
    assert "ann@" not in done.stdout


def test_nothing_heavy_but_the_engine_is_loaded(place: Path) -> None:
    import subprocess

    script = (
        "import sys; from sfctl.cli import main; code = main(sys.argv[1:]);"
        "print(*sorted(sys.modules), file=sys.stderr); sys.exit(code)"
    )
    words = ["check", "good.parquet", "--policy", "policy.yaml", "--format", "json"]
    done = subprocess.run(
        [sys.executable, "-c", script, *words],
        cwd=place,
        env={name: value for name, value in os.environ.items() if not name.startswith("COV")},
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = set(done.stderr.split())
    heavy = {"pandas", "pyarrow", "jsonschema", "cryptography", "rich", "jinja2", "sqlite3",
             "typer", "pydantic", "numpy", "deltalake", "ruamel.yaml"}  # fmt: skip
    assert loaded & heavy == set()
    assert "polars" in loaded


def test_a_custom_rule_that_exits_is_no_silent_pass(sfctl: Run, place: Path) -> None:
    (place / "leaving.py").write_text("import sys\n\ndef leave(rows):\n    sys.exit(0)\n")
    rule = "dq: {rules: [{id: own, kind: custom, function: 'leaving:leave', fields: [id]}]}\n"
    (place / "leaving.yaml").write_text(rule)
    done = sfctl("check", "good.parquet", "--policy", "leaving.yaml", "--format", "json")
    assert done.returncode == 1, done.stderr
    found = {each["id"]: each for each in json.loads(done.stdout)["rules"]}
    assert (found["own"]["status"], found["own"]["data_error"]) == ("error", True)


def test_numbers_over_the_batch_are_said_with_units_and_limits(sfctl: Run, place: Path) -> None:
    (place / "batch.yaml").write_text("""\
dq:
  rules:
    - {id: fresh, kind: freshness, field: at, max_age: 36h}
    - {id: many, kind: row_count, min: 1000, max: 2000}
    - {id: full, kind: null_rate, field: n, max: 0.1}
    - {id: mean, kind: aggregate, function: avg, field: n, max: 1}
    - {id: low, kind: range, field: n, min: 2, threshold: 2}
""")
    at = [datetime(2020, 1, 1), datetime(2020, 1, 2), datetime(2020, 1, 1)]
    pl.DataFrame({"at": at, "n": [1, None, 4]}).write_parquet(place / "batch.parquet")
    words = ("check", "batch.parquet", "--policy", "batch.yaml", "--now", "2022-11-22T06:00:00Z")
    said = [line.strip() for line in sfctl(*words).stdout.splitlines()]
    assert "2 y 325 d old, at most 36 h" in said
    assert "3 rows, at least 1,000, at most 2,000" in said
    assert "33.33% null, at most 10%" in said
    assert "avg 2.5, at most 1" in said
    assert "1 of 3 rows (33.33%) fail, 2 may" in said
    rules = {r["id"]: r for r in json.loads(sfctl(*words, "--format", "json").stdout)["rules"]}
    assert rules["fresh"]["measured"] == "91173600"
    assert rules["full"]["measured"] == "0.333333333333"


def test_rows_that_fail_within_thresholds_are_named_in_the_summary(sfctl: Run, place: Path) -> None:
    (place / "mild.yaml").write_text(
        "dq: {rules: [{id: low, kind: range, field: amount, min: 0, threshold: 34%}]}\n"
    )
    done = sfctl("check", "bad.parquet", "--policy", "mild.yaml")
    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        done.stdout.splitlines()[0],
        "    1 of 3 rows (33.33%) fail, 34% may",
        "    RANGE_VIOLATION:amount  1",
        "",
        "1 rule: 1 passed; 2 of 3 rows good, 1 fails within thresholds: PASS.",
    ]
