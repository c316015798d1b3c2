from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from sfctl.spec.policy_file import load_policy_file

POLICY = "dq: {rules: [a > 0]}\n"


def test_a_policy_needs_no_project(tmp_path: Path) -> None:
    path = tmp_path / "My Rules.yaml"
    path.write_text(POLICY)
    files, problems = load_policy_file(path)
    assert problems == ()
    assert files is not None
    assert files.policy is not None
    assert files.name == "my_rules"
    assert files.dataset.string("urn") == "ds://file/my_rules"
    assert files.dataset.string("tier") == "TIER_3"
    assert files.baseline is None


def test_what_stands_beside_it_is_read_too(tmp_path: Path) -> None:
    (tmp_path / "policy_bundle.yaml").write_text(POLICY)
    (tmp_path / "dataset.yaml").write_text("urn: ds://a/b\nowner_team: x\ntier: TIER_1\n")
    (tmp_path / "baseline.json").write_text('{"rows": 1}')
    files, problems = load_policy_file(tmp_path / "policy_bundle.yaml")
    assert problems == ()
    assert files is not None
    assert (files.dataset.string("urn"), files.baseline) == ("ds://a/b", {"rows": 1})


def test_problems_of_every_file_are_reported(tmp_path: Path) -> None:
    (tmp_path / "policy_bundle.yaml").write_text("dqq: 1\n")
    (tmp_path / "dataset.yaml").write_text("urn: ds://a/b\n")
    (tmp_path / "baseline.json").write_text("[")
    files, problems = load_policy_file(tmp_path / "policy_bundle.yaml")
    assert files is None
    assert {Path(problem.path).name for problem in problems} == {
        "policy_bundle.yaml",
        "dataset.yaml",
        "baseline.json",
    }


def test_inside_a_project_templates_see_its_default_target(tmp_path: Path) -> None:
    folder = tmp_path / "datasets" / "orders"
    folder.mkdir(parents=True)
    path = folder / "policy_bundle.yaml"
    path.write_text("enforcement: {level: \"{{ var('level') }}\"}\n")
    assert [problem.code for problem in load_policy_file(path)[1]] == ["SF122"]
    project = tmp_path / "sfctl.yml"
    project.write_text("nme: x\n")
    assert [problem.code for problem in load_policy_file(path)[1]] == ["SF122"]
    project.write_text(
        "name: a\ntargets: {default: dev, dev: {environment: dev, lake: x, vars: {level: G1}}}\n"
    )
    files, problems = load_policy_file(path)
    assert problems == ()
    assert files is not None
    assert files.policy is not None
    assert files.policy["enforcement"].string("level") == "G1"


def test_a_missing_file_is_a_problem(tmp_path: Path) -> None:
    files, problems = load_policy_file(tmp_path / "none.yaml")
    assert files is None
    assert [problem.code for problem in problems] == ["SF102"]


def test_reading_a_policy_loads_nothing_heavy(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(POLICY)
    code = (
        "import sys; from pathlib import Path; from sfctl.spec.policy_file import load_policy_file;"
        f"assert load_policy_file(Path({str(path)!r}))[0];"
        "heavy = {'jinja2', 'jsonschema', 'polars', 'msgspec', 'rich', 'ruamel'};"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
