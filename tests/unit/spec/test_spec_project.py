from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from sfctl.errors import SpecError, UsageError
from sfctl.spec.project import find_root, load

PROJECT = """\
name: flights
targets:
  default: dev
  dev: {environment: dev, lake: ./lake, vars: {team: core}}
  prod:
    environment: prod
    lake: "s3://lake"
    bus: {type: kafka, bootstrap_servers: "{{ env_var('SF_TEST_KAFKA') }}"}
    state: {type: dynamodb}
    graph: {type: embedded}
    minimums: org/minimum.yaml
    pii_key: {file: keys/pii}
    trusted_keys: [abc]
"""
DATASET = "urn: \"ds://curated/orders\"\nowner_team: \"{{ var('team', 'x') }}\"\ntier: TIER_1\n"


def repo(root: Path, files: dict[str, str]) -> Path:
    for name, text in {"sfctl.yml": PROJECT, **files}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return repo(
        tmp_path,
        {
            "datasets/orders/dataset.yaml": DATASET,
            "datasets/orders/policy_bundle.yaml": "dq: {rules: [a > 0]}\n",
            "datasets/orders/baseline.json": '{"rows": 5}',
            "datasets/orders/freshness_policy.yaml": "dataset: ds://curated/orders\n"
            "freshness_policy: {max_delay_seconds: 5}\n",
            "jobs/daily.yaml": "owner: a\nentrypoint: a.py\noutputs: [orders]\n",
            "policies/minimum.yaml": "tiers: {TIER_1: {min_rules: 1}}\n",
            "expectations/bi.yaml": "owner_team: bi\nexpects: [{dataset: orders, fields: [a]}]\n",
            "lineage/all.yaml": 'teams: [{urn: "urn:team:a"}]\n',
        },
    )


def codes(root: Path, target: str | None = None) -> list[str]:
    return [problem.code for problem in load(root, target).problems]


def test_the_root_is_found_from_below(root: Path) -> None:
    assert find_root(root / "datasets" / "orders") == root
    assert find_root(root) == root


def test_without_a_root_the_message_says_where_it_looked(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=str(tmp_path)) as caught:
        find_root(tmp_path)
    assert caught.value.code == "SF130"
    assert "sfctl init" in caught.value.hint
    (tmp_path / "sfctl.yaml").touch()
    with pytest.raises(UsageError) as caught:
        find_root(tmp_path)
    assert caught.value.hint == "rename sfctl.yaml to sfctl.yml"


def test_a_whole_repo_loads(root: Path) -> None:
    project = load(root)
    assert project.problems == ()
    assert project.errors == ()
    assert (project.name, project.targets) == ("flights", ("dev", "prod"))
    (dataset,) = project.datasets
    assert dataset.name == "orders"
    assert dataset.dataset.string("owner_team") == "core"
    assert dataset.dataset.path == "datasets/orders/dataset.yaml"
    assert dataset.policy is not None
    assert dataset.baseline == {"rows": 5}
    assert [job.path for job in project.jobs] == ["jobs/daily.yaml"]
    assert project.minimum is not None
    assert len(project.expectations) == len(project.lineage) == 1
    assert [node.path for node in project.freshness_policies] == [
        "datasets/orders/freshness_policy.yaml"
    ]


def test_the_default_target_needs_no_credentials_of_others(root: Path) -> None:
    target = load(root).target
    assert (target.name, target.environment) == ("dev", "dev")
    assert target.lake == str(root / "lake")
    assert target.bus == target.state == target.graph == {"type": "embedded"}
    assert target.settings == {}


def test_the_chosen_target_is_rendered(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repo(root, {"org/minimum.yaml": "tiers: {TIER_2: {min_rules: 2}}\n"})
    monkeypatch.setenv("SF_TEST_KAFKA", "k:9092")
    project = load(root, "prod")
    target = project.target
    assert target.lake == "s3://lake"
    assert target.bus == {"type": "kafka", "bootstrap_servers": "k:9092"}
    assert target.graph == {"type": "embedded"}
    assert target.settings["minimums"] == {"path": str(root / "org" / "minimum.yaml")}
    assert target.settings["pii_key"] == {"file": str(root / "keys" / "pii")}
    assert project.minimum is not None
    assert project.minimum.path == "org/minimum.yaml"


def test_a_missing_credential_of_the_chosen_target_is_an_error(root: Path) -> None:
    with pytest.raises(SpecError) as caught:
        load(root, "prod")
    assert [problem.code for problem in caught.value.problems] == ["SF125"]


def test_offline_a_missing_credential_is_a_warning(root: Path) -> None:
    repo(root, {"org/minimum.yaml": "tiers: {}\n"})
    project = load(root, "prod", offline=True)
    assert [(p.code, p.severity) for p in project.problems] == [("SF125", "warning")]
    assert project.target.bus["bootstrap_servers"] == "{{ env_var('SF_TEST_KAFKA') }}"


def test_an_unknown_target_is_a_usage_error(root: Path) -> None:
    with pytest.raises(UsageError, match="unknown target 'prd'") as caught:
        load(root, "prd")
    assert caught.value.hint == "did you mean `prod`?"


def test_a_broken_project_file_does_not_hide_other_problems(root: Path) -> None:
    repo(root, {"sfctl.yml": "nam: x\n", "jobs/daily.yaml": "ownr: a\n"})
    with pytest.raises(SpecError) as caught:
        load(root)
    assert {problem.path for problem in caught.value.problems} == {"sfctl.yml", "jobs/daily.yaml"}


def test_a_broken_document_is_left_out(root: Path) -> None:
    repo(
        root, {"datasets/orders/policy_bundle.yaml": "dq: 5\n", "datasets/b/dataset.yaml": "a: 1\n"}
    )
    project = load(root)
    assert [each.name for each in project.datasets] == ["orders"]
    assert project.datasets[0].policy is None
    assert project.broken == ("b",)
    assert {problem.path for problem in project.errors} == {
        "datasets/orders/policy_bundle.yaml",
        "datasets/b/dataset.yaml",
    }


def test_a_dataset_that_cannot_be_read_is_not_called_unknown(root: Path) -> None:
    repo(
        root,
        {
            "datasets/orders/dataset.yaml": "a: 1\n",
            "jobs/daily.yaml": "owner: a\nentrypoint: a.py\noutputs: [orders, ds://curated/orders]\n",
        },
    )
    assert "SF133" not in codes(root)


def test_references_may_be_templates(root: Path) -> None:
    job = 'owner: a\nentrypoint: a.py\ninputs: ["{{ var(\'team\') }}"]\noutputs: ["%s"]\n'
    repo(root, {"jobs/daily.yaml": job % "{{ 'orders' }}"})
    (problem,) = load(root).problems
    assert problem.message == "unknown dataset (got what its template gives)"
    repo(
        root,
        {"jobs/daily.yaml": job.replace("{{ var('team') }}", "{{ env_var('NOPE') }}") % "orders"},
    )
    assert [p.severity for p in load(root, offline=True).problems] == ["warning"]


def test_links_in_circles_and_vanished_files_are_problems(root: Path) -> None:
    (root / "datasets" / "loop").symlink_to("loop")
    (root / "datasets" / "gone").mkdir()
    (root / "datasets" / "gone" / "dataset.yaml").symlink_to("nowhere.yaml")
    (root / "jobs" / "self.yaml").symlink_to("self.yaml")
    (root / "lineage" / "folder.yaml").mkdir()
    found = {(problem.path, problem.code) for problem in load(root).problems}
    assert ("datasets/gone/dataset.yaml", "SF102") in found
    assert ("jobs/self.yaml", "SF102") in found
    assert ("lineage/folder.yaml", "SF102") in found


def test_a_file_where_a_folder_belongs_is_a_problem(root: Path) -> None:
    (root / "expectations" / "bi.yaml").unlink()
    (root / "expectations").rmdir()
    (root / "expectations").write_text("x")
    assert codes(root) == ["SF102"]


@pytest.mark.parametrize(
    "text", ["[" * 100_000, "\xff", "{", '{"a": NaN', '"x"', " " * 5_000_000], ids=range(6)
)
def test_a_broken_baseline_is_a_problem(root: Path, text: str) -> None:
    path = root / "datasets" / "orders" / "baseline.json"
    path.write_text(text, encoding="latin-1")
    (problem,) = load(root).problems
    assert problem.path == "datasets/orders/baseline.json"
    assert problem.code in ("SF104", "SF135")


def test_the_same_freshness_twice_is_one_policy(root: Path) -> None:
    text = DATASET + "slo: {freshness: {max_delay_seconds: 5}}\n"
    assert codes(repo(root, {"datasets/orders/dataset.yaml": text})) == []
    text = DATASET + "slo: {freshness: {max_delay_seconds: 6}}\n"
    assert codes(repo(root, {"datasets/orders/dataset.yaml": text})) == ["SF132"]


def test_minimums_are_held_against_their_digest(root: Path) -> None:
    content = "tiers: {}\n"
    digest = hashlib.sha256(content.encode()).hexdigest()
    pinned = PROJECT.replace(
        "vars: {team: core}", f"minimums: {{path: m.yaml, digest: 'sha256:{digest}'}}"
    )
    repo(root, {"sfctl.yml": pinned, "m.yaml": content})
    assert load(root).minimum is not None
    repo(root, {"sfctl.yml": pinned, "m.yaml": content + "# altered\n"})
    project = load(root)
    assert project.minimum is None
    assert [problem.code for problem in project.errors] == ["SF137"]


def test_an_empty_repo_is_a_project(tmp_path: Path) -> None:
    project = load(repo(tmp_path, {}))
    assert (project.datasets, project.problems) == ((), ())
