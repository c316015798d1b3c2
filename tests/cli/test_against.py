"""validate --against: what breaks whom, whatever git is like here; and what nothing guards."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sfctl.cli import main

DATASET = "{urn: ds://shop/orders, owner_team: sales, tier: TIER_2}\n"
BUNDLE = """\
schema:
  constraints:
    - {field: id, type: INT64, nullable: false}
    - {field: total, type: INT64, nullable: true}
    - {field: state, type: STRING}
contract_lite: {required_fields: [id]}
dq: {rules: [{kind: accepted_values, field: state, values: [NEW, PAID, SENT]}]}
"""
EXPECTS = """\
consumer: report
owner_team: finance
expects: [{dataset: orders, fields: [{field: total, nullable: true}]}]
"""
Look = Callable[..., Any]


def git(root: Path, *words: str) -> None:
    author = ["-c", "user.name=t", "-c", "user.email=t@example.com"]
    allowed = ["-c", "protocol.file.allow=always", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *author, *allowed, *words], cwd=root, check=True, capture_output=True)


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data repo below a bigger repository, committed once."""
    root = tmp_path / "repo" / "data"
    (root / "datasets" / "orders").mkdir(parents=True)
    (root / "expectations").mkdir()
    (root / "sfctl.yml").write_text(
        "name: shop\ntargets:\n  default: dev\n  dev: {environment: dev, lake: ./lake}\n"
    )
    (root / "datasets/orders/dataset.yaml").write_text(DATASET)
    (root / "datasets/orders/policy_bundle.yaml").write_text(BUNDLE)
    (root / "expectations/report.yaml").write_text(EXPECTS)
    git(root.parent, "init", "-q")
    git(root.parent, "add", ".")
    git(root.parent, "commit", "-qm", "as it was")
    monkeypatch.chdir(root)
    return root


@pytest.fixture
def look(capsys: pytest.CaptureFixture[str]) -> Look:
    def call(*words: str, code: int = 0) -> Any:
        assert main(["validate", *words, "--format", "json"]) == code, capsys.readouterr()
        return json.loads(capsys.readouterr().out)

    return call


def edit(root: Path, before: str, after: str, file: str = "policy_bundle.yaml") -> None:
    path = root / "datasets" / "orders" / file
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))


@pytest.mark.parametrize(
    ("before", "after", "said", "breaks"),
    [
        ("    - {field: total, type: INT64, nullable: true}\n", "", "column total is no longer",
         "consumers"),
        ("total, type: INT64", "total, type: INT32", "column total narrows from INT64 to INT32",
         "consumers"),
        ("total, type: INT64", "total, type: DATE", "column total changes from INT64 to DATE",
         "consumers"),
        ("nullable: true", "nullable: false", "column total may no longer be null", "producers"),
        ("[NEW, PAID, SENT]", "[NEW, PAID]", "column state may no longer hold SENT", "producers"),
    ],
)  # fmt: skip
def test_each_kind_of_break(
    before: str, after: str, said: str, breaks: str, shop: Path, look: Look
) -> None:
    edit(shop, before, after)
    (change,) = look("--against", "HEAD", code=1)["breaking"]
    assert change["message"].startswith(said)
    assert (change["breaks"], change["owner"]) == (breaks, "sales")
    relying = [{"consumer": "report", "owner": "finance"}]
    assert change["expected_by"] == (relying if change["field"] == "total" else [])


def test_what_widens_breaks_nobody_and_a_moved_stage_does(shop: Path, look: Look) -> None:
    edit(shop, "[NEW, PAID, SENT]", "[NEW, PAID, SENT, BACK]")
    edit(shop, "state, type: STRING}", "state, type: STRING}\n    - {field: note, type: STRING}")
    assert look("--against", "HEAD")["breaking"] == []
    edit(shop, "TIER_2", "TIER_2, storage: {gold: marts/orders}", "dataset.yaml")
    said = [change["message"] for change in look("--against", "HEAD", code=1)["breaking"]]
    assert sorted(said) == [
        "stage bronze is no longer stored",
        "stage gold moves from gold/shop__orders (delta) to marts/orders (delta)",
        "stage silver is no longer stored",
    ]


def test_a_folder_may_be_renamed_but_a_name_may_not(shop: Path, look: Look) -> None:
    shutil.move(shop / "datasets/orders", shop / "datasets/sales")
    (shop / "expectations/report.yaml").write_text(EXPECTS.replace("orders", "ds://shop/orders"))
    assert look("--against", "HEAD")["breaking"] == []
    path = shop / "datasets/sales/dataset.yaml"
    path.write_text(DATASET.replace("shop/orders", "shop/sales"))
    (change,) = look("--against", "HEAD", code=1)["breaking"]
    assert (change["message"], change["expected_by"][0]["consumer"]) == (
        "the dataset is gone", "report",
    )  # fmt: skip


def test_every_kind_of_clone(shop: Path, look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    edit(shop, "total, type: INT64", "total, type: DATE")
    home = shop.parents[1]
    git(shop.parent, "commit", "-qam", "as it is")
    for words in (["--detach", "HEAD~0"], ["-b", "side", "HEAD"]):
        git(shop.parent, "checkout", "-q", *words)
        assert len(look("--against", "HEAD~1", code=1)["breaking"]) == 1
    monkeypatch.setenv("GIT_DIR", str(home / "elsewhere"))  # as in a hook
    monkeypatch.setenv("GIT_INDEX_FILE", str(home / "index"))
    assert len(look("--against", "HEAD~1", code=1)["breaking"]) == 1
    monkeypatch.delenv("GIT_DIR")
    monkeypatch.delenv("GIT_INDEX_FILE")
    git(shop.parent, "worktree", "add", "-q", str(home / "tree"), "HEAD~1")
    monkeypatch.chdir(home / "tree" / "data")
    assert len(look("--against", "side", code=1)["breaking"]) == 1
    git(home, "clone", "-q", "--depth=1", f"file://{shop.parent}", "shallow")
    monkeypatch.chdir(home / "shallow" / "data")
    assert "git fetch" in look("--against", "HEAD~1", code=2)["error"]["hint"]
    assert look("--against", "HEAD")["breaking"] == []
    git(home, "init", "-q", "outer")
    git(home / "outer", "submodule", "add", "-q", f"file://{shop.parent}", "inner")
    monkeypatch.chdir(home / "outer" / "inner" / "data")
    assert len(look("--against", "HEAD~1", code=1)["breaking"]) == 1
    (home / "bare").mkdir()
    shutil.copytree(shop, home / "bare" / "data")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(home))
    monkeypatch.chdir(home / "bare" / "data")
    assert look("--against", "HEAD", code=2)["error"]["code"] == "SF014"


def test_a_repo_cannot_hide_or_run_anything(shop: Path, look: Look) -> None:
    (shop.parent / ".gitattributes").write_text(
        "data/datasets export-ignore\n*.yaml filter=evil ident\n"
    )
    git(shop.parent, "add", ".")
    git(shop.parent, "commit", "-qm", "hides")
    git(shop.parent, "config", "filter.evil.smudge", f"touch {shop}/ran; cat")
    edit(shop, "total, type: INT64", "total, type: DATE")
    assert len(look("--against", "HEAD", code=1)["breaking"]) == 1
    assert not (shop / "ran").exists()
    out = shop / "written"
    for ref in (f"--output={out}", "-h", "--", "HEAD; touch ran", ""):
        if ref:
            assert look(f"--against={ref}", code=2)["error"]["code"] == "SF014"
    assert not out.exists()


def test_what_cannot_be_compared_is_told(shop: Path, look: Look) -> None:
    edit(shop, "kind: accepted_values", "kind: acepted")
    git(shop.parent, "commit", "-qam", "broken")
    edit(shop, "kind: acepted", "kind: accepted_values")
    found = look("--against", "HEAD")
    assert [problem["code"] for problem in found["problems"]] == ["SF354"]
    (shop / "sfctl.yml").write_text("name: [\n")
    git(shop.parent, "commit", "-qam", "more broken")
    git(shop.parent, "checkout", "-q", "HEAD~1", "--", "data/sfctl.yml")
    error = look("--against", "HEAD", code=2)["error"]
    assert (error["code"], "cannot be read at `HEAD`" in error["message"]) == ("SF014", True)


def test_gaps_name_both_owners(shop: Path, look: Look) -> None:
    (shop / "expectations/report.yaml").write_text(EXPECTS.replace("field: total", "field: tax"))
    (gap,) = look()["problems"]
    assert (gap["code"], gap["severity"], gap["path"]) == (
        "SF252", "warning", "expectations/report.yaml",
    )  # fmt: skip
    assert gap["hint"].startswith("producer: sales; consumer: report, owned by finance")


def test_jobs_without_a_contract_and_tables_without_an_owner(shop: Path, look: Look) -> None:
    (shop / "jobs").mkdir()
    (shop / "jobs/daily.yaml").write_text(
        "{owner: sales, runtime: python, entrypoint: jobs/daily.py, outputs: [orders]}\n"
    )
    (shop / "jobs/daily.py").write_text("")
    assert look()["warnings"] == 0
    edit(shop, "contract_lite: {required_fields: [id]}\n", "")
    for path in ("gold/shop.orders", "silver/stray", "_quarantine/shop.orders"):
        pl.DataFrame({"id": [1]}).write_delta(str(shop / "lake" / path))
    told = {problem["code"]: problem["message"] for problem in look()["problems"]}
    assert told == {
        "SF351": "the job writes `orders`, which has no contract",
        "SF352": "the lake holds the table `silver/stray`, which no dataset claims",
    }


def test_modes_that_conflict_within_a_job_name_both_places(shop: Path, look: Look) -> None:
    shutil.copytree(shop / "datasets/orders", shop / "datasets/items")
    (shop / "datasets/items/dataset.yaml").write_text(DATASET.replace("orders", "items"))
    edit(shop, "schema:\n", "schema:\n  mode: strict\n")
    path = shop / "datasets/items/policy_bundle.yaml"
    path.write_text(BUNDLE.replace("schema:\n", "schema:\n  mode: compatible\n"))
    (shop / "jobs").mkdir()
    (shop / "jobs/daily.py").write_text("")
    (shop / "jobs/daily.yaml").write_text(
        "{owner: sales, runtime: python, entrypoint: jobs/daily.py, inputs: [items],"
        " outputs: [orders]}\n"
    )
    (problem,) = look(code=2)["problems"]
    assert problem["code"] == "SF251"
    places = {f"{problem['path']}:{problem['line']}", *problem["message"].split()[-1:]}
    files = {"datasets/items/policy_bundle.yaml:2", "datasets/orders/policy_bundle.yaml:2"}
    assert {place.removesuffix(":9") for place in places} == files
