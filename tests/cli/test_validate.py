"""validate: every problem at once, in every format, offline, and what breaks consumers."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from sfctl.cli import main

BUNDLE = "datasets/orders/policy_bundle.yaml"


@pytest.fixture
def home(repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "shop"
    shutil.copytree(repo, root)
    monkeypatch.chdir(root)
    return root


def _edit(root: Path, file: str, before: str, after: str) -> None:
    path = root / file
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))


def _json(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


def test_a_valid_repo(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate"]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[0].startswith("orders: 4 rules, level G2 ...")
    assert out.splitlines()[0].endswith(" ok")
    assert out.splitlines()[-1] == "1 dataset: 0 errors, 0 warnings."
    assert err == ""


def test_every_problem_at_once_with_place_code_and_hint(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _edit(home, BUNDLE, "kind: unique, field: id", "kind: unique, feild: id")
    _edit(home, "jobs/daily.yaml", "owner: shop", "ownr: shop")
    assert main(["validate", "--format", "json"]) == 2
    problems = _json(capsys)["problems"]
    assert {problem["path"] for problem in problems} == {BUNDLE, "jobs/daily.yaml"}
    typo = next(problem for problem in problems if "feild" in problem["message"])
    assert (typo["line"], typo["code"]) == (6, "SF110")
    assert "field" in typo["hint"]
    assert main(["validate"]) == 2
    out, err = capsys.readouterr()
    assert f"{BUNDLE}:6:" in out
    assert "    hint: " in out
    assert err == ""


def test_a_broken_project_file_is_a_problem_among_the_others(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "sfctl.yml").write_text("name: [\n")
    _edit(home, "jobs/daily.yaml", "owner: shop", "ownr: shop")
    assert main(["validate", "--format", "json"]) == 2
    paths = {problem["path"] for problem in _json(capsys)["problems"]}
    assert paths == {"sfctl.yml", "jobs/daily.yaml"}


def test_a_selection_hears_of_its_own_problems(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(home / "datasets" / "orders", home / "datasets" / "more")
    _edit(home, "datasets/more/dataset.yaml", "curated/orders", "curated/more")
    _edit(home, "datasets/more/policy_bundle.yaml", "unique", "uniqe")
    assert main(["validate", "orders"]) == 0
    assert main(["validate"]) == 2
    assert main(["validate", "nothing"]) == 2
    assert "SF140" in capsys.readouterr().err


def test_what_nothing_guards_is_a_warning(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / BUNDLE).unlink()
    _edit(home, "jobs/daily.yaml", "outputs: [{dataset: orders, stage: gold}]\n", "")
    assert main(["validate"]) == 0
    out = capsys.readouterr().out
    assert "SF011 warning: dataset `orders` has no policy" in out
    assert "SF012 warning: the job names no dataset" in out
    assert main(["validate", "--strict"]) == 2


def test_what_is_said_twice_is_a_hint_even_when_strict(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _edit(
        home,
        BUNDLE,
        "{kind: unique, field: id}",
        "{kind: unique, field: id}, {kind: not_null, field: id}",
    )
    assert main(["validate", "--strict"]) == 0
    assert "SF224 warning" in capsys.readouterr().out


def test_the_formats_of_ci(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _edit(home, BUNDLE, "unique", "uniqe")
    assert main(["validate", "--format", "junit"]) == 2
    suite = ElementTree.fromstring(capsys.readouterr().out).find("testsuite")
    assert suite is not None
    assert (suite.get("name"), suite.get("failures")) == ("orders", "1")
    assert main(["validate", "--format", "sarif"]) == 2
    (result,) = _json(capsys)["runs"][0]["results"]
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == BUNDLE
    assert place["region"]["startLine"] == 6
    assert main(["validate", "--format", "github"]) == 2
    assert capsys.readouterr().out.startswith(f"::error file={BUNDLE},title=")


def _git(root: Path, *words: str) -> None:
    author = ["-c", "user.name=t", "-c", "user.email=t@example.com"]
    subprocess.run(["git", *author, *words], cwd=root, check=True, capture_output=True)


@pytest.fixture
def versioned(home: Path) -> Path:
    _git(home, "init", "-q")
    _git(home, "add", ".")
    _git(home, "commit", "-qm", "as it was")
    return home


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("    - {field: total, type: DOUBLE}\n", "", "column total is no longer declared"),
        ("type: DOUBLE", "type: STRING", "column total changes from DOUBLE to STRING"),
        (", nullable: false", "", "column id is no longer required"),
    ],
)
def test_breaking_changes_since_a_ref(
    before: str, after: str, said: str, versioned: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _edit(versioned, BUNDLE, before, after)
    if "total" in said:
        _edit(versioned, BUNDLE, ', invariants: ["total > 0"]', "")
    else:
        _edit(versioned, BUNDLE, "required_fields: [id], ", "")
    assert main(["validate", "--against", "HEAD", "--format", "json"]) == 1
    out = _json(capsys)
    assert out["against"] == "HEAD"
    assert said in [change["message"] for change in out["breaking"]]
    assert main(["validate", "--against", "HEAD"]) == 1
    assert f"SF013 {said}" in capsys.readouterr().out


def test_a_change_that_breaks_nobody(versioned: Path) -> None:
    _edit(versioned, BUNDLE, "  constraints:\n", "  constraints:\n    - {field: x, type: DATE}\n")
    _edit(versioned, BUNDLE, "type: DOUBLE", "type: DOUBLE, nullable: false")
    assert main(["validate", "--against", "HEAD"]) == 0


def test_a_dataset_that_is_gone_breaks_its_readers(
    versioned: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(versioned / "datasets" / "orders")
    (versioned / "jobs" / "daily.yaml").unlink()
    assert main(["validate", "--against", "HEAD"]) == 1
    assert "datasets/orders SF013 the dataset is gone" in capsys.readouterr().out


def test_a_ref_that_git_does_not_know(versioned: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", "--against", "no-such-ref"]) == 2
    assert "SF014 git cannot give `no-such-ref`" in capsys.readouterr().err


def test_what_changed_since_a_ref_can_be_selected(
    versioned: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """CI has no earlier compile to compare with, but it has the branch it merges into."""
    shutil.copytree(versioned / "datasets/orders", versioned / "datasets/more")
    _edit(versioned, "datasets/more/dataset.yaml", "curated/orders", "curated/more")
    words = ["validate", "state:modified+", "--against", "HEAD", "--format", "json"]
    assert main(words) == 0
    assert [each["name"] for each in _json(capsys)["datasets"]] == ["more"]
    _edit(versioned, "datasets/orders/dataset.yaml", "TIER_2", "TIER_1")
    assert main([*words, "--exclude", "state:new"]) == 0
    assert [each["name"] for each in _json(capsys)["datasets"]] == ["orders"]
    assert main(["validate", "state:modified"]) == 2
    assert "SF142" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("form", "said"),
    [("junit", "<failure"), ("sarif", '"SF140"'), ("github", "::error title=SF140")],
)
def test_ci_is_told_of_what_stops_the_verb(
    form: str, said: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["validate", "nothing", "--format", form]) == 2
    assert said in capsys.readouterr().out
