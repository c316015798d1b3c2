"""One outcome in, five formats out; each is read back by what reads such files."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from sfctl.errors import Problem, SpecError, UsageError
from sfctl.report import errors, github, render
from sfctl.report.outcome import Finding, Outcome

FOUND = Outcome(
    "validate",
    {"answer": 42, "ratio": float("nan"), "nested": [{"far": float("inf")}]},
    "line one\n\n1 dataset: 2 errors, 1 warning.",
    2,
    findings=(
        Finding("SF110", "unknown key `x`, 100% wrong", "error", "a b.yaml", 3, 4, "orders", "k"),
        Finding("", "3 rows | fail", "error", suite="orders", name="unique:id"),
        Finding("SF252", "gap\nhere", "warning", "e.yaml", suite="orders", name="gap"),
        Finding("", "fine", "note", suite="planes", name="rule", passed=True),
        Finding("", "no rows", "note", suite="planes", name="other", skipped=True),
    ),
)


def test_json_names_its_schema_first_and_is_json() -> None:
    text = render(FOUND, "json")
    assert text.startswith('{\n  "schema": "sfctl.validate.v1"')
    assert json.loads(text) == {
        "schema": "sfctl.validate.v1",
        "answer": 42,
        "ratio": None,
        "nested": [{"far": None}],
    }


def test_junit_counts_what_failed_and_what_was_skipped() -> None:
    root = ElementTree.fromstring(render(FOUND, "junit"))
    suites = {suite.get("name"): suite for suite in root}
    assert (suites["orders"].get("tests"), suites["orders"].get("failures")) == ("3", "2")
    assert (suites["planes"].get("tests"), suites["planes"].get("skipped")) == ("2", "1")
    failure = suites["orders"].find("testcase[@name='k']/failure")
    assert failure is not None
    assert failure.get("message") == "a b.yaml:3:4 SF110 unknown key `x`, 100% wrong"
    warned = suites["orders"].find("testcase[@name='gap']/system-out")
    assert warned is not None


def test_junit_survives_what_xml_cannot_hold() -> None:
    outcome = Outcome("check", {}, "", findings=(Finding("", "a\x00b\x1bc<&", "error", name="r"),))
    root = ElementTree.fromstring(render(outcome, "junit"))
    failure = root.find(".//failure")
    assert failure is not None
    assert failure.get("message") == "abc<&"


def test_sarif_places_what_did_not_pass() -> None:
    (run,) = json.loads(render(FOUND, "sarif"))["runs"]
    assert [r["level"] for r in run["results"]] == ["error", "error", "warning"]
    place = run["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "a%20b.yaml"
    assert place["region"] == {"startLine": 3, "startColumn": 4}
    rules = run["tool"]["driver"]["rules"]
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
    assert "shortDescription" in next(rule for rule in rules if rule["id"] == "SF110")


def test_github_escapes_what_would_break_the_command() -> None:
    lines = render(FOUND, "github").splitlines()
    assert lines[0] == (
        "::error file=a b.yaml,title=SF110,line=3,col=4::unknown key `x`, 100%25 wrong"
    )
    assert lines[1] == "::error title=unique%3Aid::3 rows | fail"
    assert lines[2].endswith("::gap%0Ahere")
    assert lines[-1] == "1 dataset: 2 errors, 1 warning."


def test_the_step_summary_is_appended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "summary.md"
    path.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(path))
    render(FOUND, "github")
    text = path.read_text()
    assert text.startswith("before\n### sfctl validate\n")
    assert "| a b.yaml:3 | SF110 unknown key `x`, 100% wrong | error |" in text
    assert "| orders | unique:id 3 rows \\| fail | error |" in text
    assert text.rstrip().endswith("1 dataset: 2 errors, 1 warning.")


def test_without_a_summary_file_nothing_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    assert github.append_summary(FOUND) is None


def test_text_is_the_verbs_own() -> None:
    assert render(FOUND, "text") == FOUND.text
    assert render(Outcome("x", {}, "rule .... ok"), "text", color=True).endswith("\x1b[0m")


def test_an_error_has_two_fields_what_is_wrong_and_what_to_do() -> None:
    error = UsageError("no such thing", hint="use another")
    assert errors.as_text(error) == "SF001 no such thing\n    hint: use another"
    payload = errors.as_payload(error, "run")
    assert payload["error"] == {"code": "SF001", "message": "no such thing", "hint": "use another"}
    assert errors.as_text(SpecError([])) == "0 problems found"
    wrong = Problem("a.yaml", 2, 1, "SF111", "a rule needs `field`")
    hint = Problem("a.yaml", 3, 1, "SF224", "whatever fails here fails there", severity="warning")
    assert errors.as_text(SpecError([hint, wrong])).splitlines() == [
        "a.yaml:2:1 SF111 a rule needs `field`",
        "a.yaml:3:1 SF224 warning: whatever fails here fails there",
        "1 problem and 1 warning found",
    ]
