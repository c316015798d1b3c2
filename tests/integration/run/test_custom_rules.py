"""A custom rule in the life of a dataset: written, certified, held, replayed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from sfctl.commands.compile import compile as compile_verb
from tests.shop_rig import PROJECT, Shop

POLICY = """
version: 1
schema: {constraints: [{field: id, type: INT64}, {field: note, type: STRING}]}
dq:
  rules:
    - {kind: custom, id: short, function: "rules.words:short", field: note}
enforcement: {level: G2, max_quarantine_share: "90%"}
"""
DATASET = """
urn: ds://shop/notes
owner_team: shop
tier: TIER_2
storage: {gold: gold/notes}
primary_key: [id]
"""
RULE = """
from rules.limits import MOST

def short(batch):
    print(batch.to_pydict())
    return [note is None or len(note) <= MOST for note in batch["note"].to_pylist()]
"""
WRITE = """
import pandas as pd, sfctl as sf
frame = pd.DataFrame({"id": range(len(ROWS)), "note": ROWS})
result = sf.write(frame, "ds://shop/notes", stage="gold", mode="overwrite")
print(result.rows_good, result.rows_bad, result.certification, result.degraded)
"""


def sfctl(shop: Shop, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sfctl", *words, "--format", "json"],
        cwd=shop.root, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def notes(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    root = tmp_path_factory.mktemp("notes")
    files = {
        "sfctl.yml": PROJECT,
        "datasets/notes/dataset.yaml": DATASET,
        "datasets/notes/policy_bundle.yaml": POLICY,
        "rules/words.py": RULE,
        "rules/limits.py": "MOST = 5\n",
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    from sfctl.runtime import seal
    from sfctl.runtime.pii import keys

    (root / ".sfctl").mkdir()
    keys.create(root / ".sfctl")
    seal.create_keys(root / ".sfctl")
    compile_verb(project_dir=root, target=None, now=None)
    return Shop(root)


def written(shop: Shop, *texts: str) -> list[str]:
    done = shop.start(WRITE.replace("ROWS", repr(list(texts))))
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 1, "what a rule prints is no part of the job's output"
    return done.stdout.split(maxsplit=3)


def test_rows_are_diverted_a_changed_helper_holds_and_replay_uses_todays_rule(
    notes: Shop,
) -> None:
    assert written(notes, "a", "bb", "ccccccc")[:2] == ["2", "1"]
    assert notes.table("notes")["note"].to_list() == ["a", "bb"]
    assert written(notes, "a", "bb")[2] == "CERTIFIED"
    certified = notes.certified("notes")
    (notes.root / "rules/limits.py").write_text("MOST = 9\n")
    good, bad, status, _ = written(notes, "a", "ccccccccc")
    assert (good, bad) == ("2", "0"), "what cannot be judged blocks nothing"
    assert status != "CERTIFIED"
    assert notes.certified("notes") == certified
    again = sfctl(notes, "certify", "notes", "--revalidate")
    assert "differs from the digest that was compiled" in again.stdout
    assert notes.certified("notes") == certified

    compiled = sfctl(notes, "compile")
    assert compiled.returncode == 0, compiled.stderr
    again = sfctl(notes, "certify", "notes", "--revalidate")
    assert again.returncode == 0, again.stdout + again.stderr
    assert notes.certified("notes") == 2
    replayed = sfctl(notes, "quarantine", "replay", "notes")
    assert replayed.returncode == 0, replayed.stdout + replayed.stderr
    assert "ccccccc" in notes.table("notes")["note"].to_list()


def test_check_finds_the_function_from_the_projects_folder(notes: Shop, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("id,note\n1,a\n2,bbbbbbbbbbbbbbb\n")
    policy = notes.root / "datasets/notes/policy_bundle.yaml"
    done = sfctl(notes, "check", str(tmp_path / "rows.csv"), "--policy", str(policy))
    assert done.returncode == 1, done.stderr
    (found,) = [rule for rule in json.loads(done.stdout)["rules"] if rule["id"] == "short"]
    assert (found["status"], found["failed"]) == ("fail", 1)
