from __future__ import annotations

from dataclasses import replace

import pytest

from sfctl.errors import Problem, SpecError, UsageError
from sfctl.spec.project import Project, load
from sfctl.spec.select import History, select

HISTORY = History(
    current={"raw": "1", "clean": "2", "gold": "3", "ref": "4"},
    previous={"raw": "1", "clean": "old", "gold": "3", "dropped": "9"},
    results={"raw": "pass", "clean": "fail", "gold": "warn"},
)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    root = tmp_path_factory.mktemp("repo")
    (root / "jobs").mkdir()
    (root / "sfctl.yml").write_text(
        "name: a\ntargets: {default: dev, dev: {environment: dev, lake: ./lake}}\n"
    )
    tags = {"raw": "[landing]", "clean": "[daily, pii]", "gold": "[daily]", "ref": "[static]"}
    for index, (name, own) in enumerate(tags.items()):
        folder = root / "datasets" / name
        folder.mkdir(parents=True)
        (folder / "dataset.yaml").write_text(
            f"urn: ds://shop/{name}\nowner_team: team_{index % 2}\n"
            f"tier: TIER_{index % 3 + 1}\ntags: {own}\n"
        )
    jobs = {
        "a": "inputs: [raw, ref]\noutputs: [ds://shop/clean]",
        "b": "inputs: [{dataset: 'urn:dp:shop:clean', stage: silver}]\noutputs: [gold]",
        "c": "inputs: [gold]\noutputs: [gold]",
    }
    for name, ends in jobs.items():
        (root / "jobs" / f"{name}.yaml").write_text(f"owner: x\nentrypoint: x.py\n{ends}\n")
    loaded = load(root)
    assert loaded.problems == ()
    return loaded


@pytest.mark.parametrize(
    ("selectors", "names"),
    [
        ([], "clean gold raw ref"),
        (["raw"], "raw"),
        (["raw gold"], "gold raw"),
        (["raw", "gold"], "gold raw"),
        (["ds://shop/raw"], "raw"),
        (["urn:dp:shop:raw#gold"], "raw"),
        (["name:raw"], "raw"),
        (["r*"], "raw ref"),
        (["tag:daily"], "clean gold"),
        (["tag:d*"], "clean gold"),
        (["tag:daily,tag:pii"], "clean"),
        (["tag:daily tag:static"], "clean gold ref"),
        (["tier:1"], "raw ref"),
        (["tier:TIER_2"], "clean"),
        (["owner:team_0"], "gold raw"),
        (["path:datasets/raw"], "raw"),
        (["path:./datasets/"], "clean gold raw ref"),
        (["path:datasets/raw/dataset.yaml"], "raw"),
        (["path:datasets/r*"], "raw ref"),
        (["+gold"], "clean gold raw ref"),
        (["raw+"], "clean gold raw"),
        (["+clean+"], "clean gold raw ref"),
        (["+clean,clean+"], "clean"),
        (["gold+"], "gold"),
        (["state:new"], "ref"),
        (["state:modified"], "clean ref"),
        (["state:modified+"], "clean gold ref"),
        (["state:unmodified"], "gold raw"),
        (["result:fail"], "clean"),
        (["result:fail+ result:pass"], "clean gold raw"),
    ],
)
def test_selectors_choose(project: Project, selectors: list[str], names: str) -> None:
    assert " ".join(each.name for each in select(project, selectors, (), HISTORY)) == names


def test_exclude_takes_away(project: Project) -> None:
    assert [each.name for each in select(project, (), ["tag:daily"])] == ["raw", "ref"]
    assert [each.name for each in select(project, ["+gold"], ["clean+"])] == ["raw", "ref"]


@pytest.mark.parametrize(
    ("selector", "code", "hint"),
    [
        ("rww", "SF140", "did you mean `raw`?"),
        ("x*", "SF140", "known here: "),
        ("tag:dayly", "SF140", "did you mean `daily`?"),
        ("tag:zzz", "SF140", "known here: daily, landing, pii, static"),
        ("tier:9", "SF140", "known here: TIER_1"),
        ("owner:team", "SF140", "team_"),
        ("path:jobs", "SF140", "datasets/"),
        ("tga:daily", "SF140", "did you mean `tag`?"),
        ("tag:", "SF140", ""),
        ("state:changed", "SF140", "known here: modified, new, unmodified"),
        ("result:failed", "SF140", "did you mean `fail`?"),
        ("result:error", "SF141", "loosen"),
        ("tag:pii,tag:static", "SF141", "loosen"),
    ],
)
def test_a_selector_that_names_nothing_says_so(
    project: Project, selector: str, code: str, hint: str
) -> None:
    with pytest.raises(UsageError) as caught:
        select(project, [selector], (), HISTORY)
    assert caught.value.code == code
    assert hint in caught.value.hint


def test_a_dataset_with_errors_gives_them_when_named(project: Project) -> None:
    problem = Problem("datasets/sick/dataset.yaml", 1, 1, "SF110", "unknown key")
    broken = replace(project, broken=("sick",), problems=(problem,))
    with pytest.raises(SpecError) as caught:
        select(broken, ["sick"])
    assert caught.value.problems == (problem,)
    assert [each.name for each in select(broken, ["raw"])] == ["raw"]
    with pytest.raises(UsageError) as near:
        select(broken, ["sik"])
    assert near.value.hint == "did you mean `sick`?"


@pytest.mark.parametrize("selector", ["state:modified", "result:fail"])
def test_without_a_history_there_is_nothing_to_compare(project: Project, selector: str) -> None:
    with pytest.raises(UsageError) as caught:
        select(project, [selector])
    assert caught.value.code == "SF142"


def test_excluding_everything_says_so(project: Project) -> None:
    with pytest.raises(UsageError, match="nothing selected by `raw --exclude"):
        select(project, ["raw"], ["r*"])
