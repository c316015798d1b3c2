"""The verbs `certify` and `quarantine` on a compiled project, as a user types them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from msgspec.structs import replace as changed

from sfctl.arguments import call
from sfctl.commands.certify import certify as certify_verb
from sfctl.commands.compile import compile
from sfctl.commands.lake import open_lake
from sfctl.errors import SfctlError, UsageError
from sfctl.report.outcome import Outcome
from sfctl.runtime import seal
from sfctl.runtime.pii import keys
from sfctl.runtime.publishing.publish import publish
from sfctl.settings import settings_from

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
DATASET = """\
urn: ds://curated/orders
owner_team: sales
tier: TIER_1
primary_key: id
storage: {gold: gold/orders}
"""
POLICY = """\
schema: {constraints: [{field: id, type: INT64}, {field: amount, type: DOUBLE},
                       {field: note, type: STRING}]}
dq: {rules: [{kind: range, field: amount, min: 0}]}
enforcement: {level: G2, max_quarantine_share: "50%"}
"""


class Repo:
    """A small data repo, and the verbs in it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        folder = root / "datasets" / "orders"
        folder.mkdir(parents=True)
        (root / "sfctl.yml").write_text(
            "name: shop\ntargets: {default: dev, dev: {environment: dev, lake: ./lake}}\n"
        )
        (folder / "dataset.yaml").write_text(DATASET)
        self.say(POLICY)
        store = root / ".sfctl"
        store.mkdir(mode=0o700)
        keys.create(store)
        seal.create_keys(store)
        self.compile()

    def say(self, policy: str) -> None:
        (self.root / "datasets" / "orders" / "policy_bundle.yaml").write_text(policy)

    def compile(self) -> None:
        compile(project_dir=self.root, target=None, now=NOW)

    def write(self, *amounts: float, day: int) -> None:
        """Publish one day's batch to gold, as a job would."""
        frame = pl.DataFrame(
            {
                "id": [day * 10 + i for i in range(len(amounts))],
                "amount": [float(amount) for amount in amounts],
                "note": ["x@example.org"] * len(amounts),
            }
        )
        with open_lake("job", self.root, None, NOW) as lake:
            request = lake.request(lake.chosen(())[0], "gold")
            date = f"2026-11-{day:02d}"
            run = changed(lake.run, run_id=f"run-{date}", job="load", logical_date=date)
            import dataclasses

            publish(dataclasses.replace(request, frame=frame, run=run), lake.ports(request))

    def __call__(self, *words: str, now: datetime = NOW) -> Outcome:
        """Type a command line."""
        given = {"--project-dir": str(self.root), "--now": now.isoformat()}
        outcome = call(words[0], list(words[1:]), settings_from(given, words[0]))
        assert outcome is not None
        return outcome


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    return Repo(tmp_path)


def test_a_table_that_does_not_pass_is_refused_with_what_broke(repo: Repo) -> None:
    repo.write(5, 50, day=20)
    repo.say(POLICY.replace("min: 0", "min: 9").replace("dq:", "version: 2\ndq:"))
    repo.compile()
    outcome = repo("certify", "orders", "--revalidate")
    assert outcome.exit_code == 1
    assert "    SF322 GATE_FAIL:DQ\n    DQ FAIL: RANGE_VIOLATION:amount" in outcome.text


def test_certify_verifies_every_dataset(repo: Repo) -> None:
    never = repo("certify")
    assert (never.exit_code, never.payload["datasets"][0]["certified_version"]) == (1, None)
    assert never.text.splitlines()[1] == "    there is no table yet"
    repo.write(1, 2, day=1)
    good = repo("certify", "orders")
    assert good.exit_code == 0
    assert good.text.splitlines() == [
        "urn:dp:curated:orders  v0  CERTIFIED",
        "1 of 1 in order",
    ]
    repo.write(1, -1, day=2)
    held = repo("certify")
    [dataset] = held.payload["datasets"]
    assert (held.exit_code, dataset["certification_status"]) == (1, "HELD_AT_PREVIOUS")
    assert list(dataset["reasons"]) == ["GATE_FAIL:DQ"]
    stale = repo("certify", now=NOW + timedelta(hours=25))
    assert stale.payload["datasets"][0]["certification_status"] == "STALE_ESCALATION"


def test_certify_init_takes_a_table_that_passes_and_refuses_one_that_does_not(repo: Repo) -> None:
    from deltalake import write_deltalake

    path = str(repo.root / "lake" / "gold" / "orders")
    frame = pl.DataFrame({"id": [1, 2], "amount": [1.0, -1.0], "note": ["a", "b"]})
    write_deltalake(path, frame)
    assert "its table is at version 0: `certify --init` judges it" in repo("certify").text
    refused = repo("certify", "orders", "--init")
    assert (refused.exit_code, refused.payload["datasets"][0]["action"]) == (1, "refused")
    assert "REFUSED" in refused.text
    write_deltalake(path, frame.head(1), mode="overwrite")
    plan = repo("certify", "--init", "--dry-run")
    assert (plan.exit_code, plan.payload["dry_run"]) == (0, True)
    assert plan.text.splitlines() == [
        "urn:dp:curated:orders  v1  WOULD",
        "1 of 1 in order (dry run: nothing was changed)",
    ]
    done = repo("certify", "--init")
    assert (done.exit_code, done.payload["datasets"][0]["certified_version"]) == (0, 1)


def test_certify_moves_back_and_judges_anew(repo: Repo) -> None:
    for day in (1, 2, 3):
        repo.write(1, day=day)
    back = repo("certify", "orders", "--rollback")
    assert (back.exit_code, back.payload["datasets"][0]["certified_version"]) == (0, 1)
    first = repo("certify", "orders", "--to-version", "0")
    assert first.payload["datasets"][0]["certified_version"] == 0
    with pytest.raises(UsageError, match="no CERTIFIED record"):
        repo("certify", "orders", "--to-version", "9")
    again = repo("certify", "orders", "--revalidate")
    assert (again.exit_code, again.payload["datasets"][0]["certified_version"]) == (0, 2)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--init", "--rollback"], "exclude each other"),
        (["nothing"], "unknown dataset"),
        (["--exclude", "orders", "--rollback"], "nothing selected|exactly one"),
    ],
)
def test_certify_says_what_it_cannot_do(repo: Repo, words: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        repo("certify", *words)


def test_quarantine_list_names_every_reason_and_the_files_of_the_last_line(repo: Repo) -> None:
    repo.say(POLICY.replace(
        "min: 0}]", "min: 0}, {kind: accepted_values, field: note, values: [ok, x]},"
        " {kind: length, field: note, max: 1}]"
    ))  # fmt: skip
    repo.compile()
    repo.write(1, 1, 1, 1, -1, day=2)
    folder = repo.root / ".sfctl" / "sealed"
    folder.mkdir()
    (folder / "gone_gold-1600000000000000000-7.parquet.sealed").write_bytes(b"")
    (folder / "ds___curated_orders_gold-1700000000000000000-7.parquet.sealed").write_bytes(b"x")
    (folder / "urn_dp_curated_orders_gold-1800000000000000000-7.parquet.sealed").write_bytes(b"xy")
    listed = repo("quarantine", "list")
    [row] = listed.payload["quarantine"]
    assert len(row["reasons"]) == 3
    assert row["reasons"][0] == row["failure_signature"]
    assert f"{row['failure_signature']} +2 more" in listed.text
    files = [(f["dataset_urn"], f["stage"], f["bytes"]) for f in listed.payload["sealed_files"]]
    assert files == [
        ("", "", 0), ("urn:dp:curated:orders", "gold", 1), ("urn:dp:curated:orders", "gold", 2),
    ]  # fmt: skip
    assert listed.text.endswith("; 3 batches in sealed files")
    assert repo("quarantine", "list", "--run", "x").payload["sealed_files"] == []
    assert len(repo("quarantine", "list", "orders").payload["sealed_files"]) == 2


def test_quarantine_list_has_the_fields_that_were_ordered(repo: Repo) -> None:
    assert repo("quarantine", "list").payload["quarantine"] == []
    repo.write(1, day=1)
    repo.write(1, -1, day=2)
    listed = repo("quarantine", "list", now=NOW + timedelta(days=4))
    [row] = listed.payload["quarantine"]
    assert {key: row[key] for key in list(row)[:9]} == {
        "dataset_urn": "urn:dp:curated:orders",
        "run_id": "run-2026-11-02",
        "gate": "DQ",
        "result": "FAIL",
        "failure_signature": "RANGE_VIOLATION:amount",
        "quarantine_table": "quarantine.orders/dt=2026-11-02/run_id=run-2026-11-02",
        "certified_view_status": "HELD_AT_PREVIOUS",
        "previous_certified_version": "v0",
        "timestamp": "2026-11-21T12:00:00.000Z",
    }
    assert (row["rows"], row["state"], row["age_days"]) == (1, "held", 4)
    assert listed.payload["rows_held_over_3_days"] == 1
    assert listed.text.splitlines()[-1] == "1 rows held in 1 table, 1 for more than 3 days"
    assert repo("quarantine", "list", "--state", "replayed").payload["quarantine"] == []
    assert repo("quarantine", "list", "--run", "other").payload["quarantine"] == []
    with pytest.raises(UsageError, match="no state"):
        repo("quarantine", "list", "--state", "lost")


def test_quarantine_show_keeps_sealed_what_is_sealed(repo: Repo) -> None:
    repo.write(1, -1, day=2)
    [row] = repo("quarantine", "show", "orders").payload["rows"]
    assert row["values"] == {"id": 21, "amount": -1.0, "note": "<sealed>"}
    assert row["reasons"] == ["RANGE_VIOLATION:amount"]
    opened = repo("quarantine", "show", "orders", "--unseal", "--run", "run-2026-11-02")
    assert opened.payload["rows"][0]["values"]["note"] == "x@example.org"
    (repo.root / ".sfctl" / seal.PRIVATE).unlink()
    with pytest.raises(SfctlError, match="cannot be read"):
        repo("quarantine", "show", "orders", "--unseal")
    with pytest.raises(UsageError, match="no dataset 'nothing'"):
        repo("quarantine", "show", "nothing")


def test_quarantine_show_tells_of_rows_it_leaves_out(repo: Repo) -> None:
    repo.write(1, -1, -2, -3, day=2)
    few = repo("quarantine", "show", "orders", "--limit", "2")
    assert (len(few.payload["rows"]), few.payload["rows_in_all"]) == (2, 4)
    assert few.text.splitlines()[-1] == "2 of 4 rows shown: --limit shows more of each write"
    assert repo("quarantine", "show", "orders").text.splitlines()[-1] == "4 rows shown"


def test_quarantine_replay_and_discard(repo: Repo) -> None:
    repo.write(1, -1, -2, -3, day=2)
    first = repo("quarantine", "replay", "orders")
    assert (first.exit_code, first.payload["rows_replayed"]) == (1, 1)
    repo.say(POLICY.replace("min: 0", "min: -2"))
    repo.compile()
    plan = repo("quarantine", "replay", "orders", "--dry-run")
    assert (plan.payload["rows_replayed"], plan.payload["dry_run"]) == (2, True)
    done = repo("quarantine", "replay", "orders")
    assert (done.exit_code, done.payload["rows_replayed"], done.payload["rows_held"]) == (1, 2, 1)
    with pytest.raises(UsageError, match="needs a reason"):
        repo("quarantine", "discard", "orders")
    plan = repo("quarantine", "discard", "orders", "--reason", "junk", "--dry-run")
    assert (plan.payload["rows"], plan.payload["dry_run"]) == (1, True)
    gone = repo("quarantine", "discard", "orders", "--reason", "junk")
    assert (gone.payload["rows"], gone.exit_code) == (1, 0)
    with pytest.raises(UsageError, match="nothing is held"):
        repo("quarantine", "discard", "orders", "--reason", "junk")


def test_quarantine_expire_plans_before_it_acts(repo: Repo) -> None:
    repo.write(1, -1, day=2)
    later = NOW + timedelta(days=91)
    plan = repo("quarantine", "expire", "--dry-run", now=later)
    assert [step["action"] for step in plan.payload["steps"]] == ["expire"]
    assert repo("quarantine", "expire", now=later).payload["steps"][0]["rows"] == 1
    assert repo("quarantine", "list", now=later).payload["quarantine"] == []
    assert repo("quarantine", "expire", now=later).text == "0 steps done"


def test_a_project_that_was_never_compiled_says_so(tmp_path: Path) -> None:
    (tmp_path / "sfctl.yml").write_text(
        "name: shop\ntargets: {default: dev, dev: {environment: dev, lake: ./lake}}\n"
    )
    words: dict[str, Any] = {"--project-dir": str(tmp_path)}
    with pytest.raises(SfctlError, match="was never compiled"):
        call("certify", [], settings_from(words, "certify"))


def test_a_stage_the_dataset_does_not_have(repo: Repo) -> None:
    with (
        open_lake("certify", repo.root, None, NOW) as lake,
        pytest.raises(UsageError, match="has no silver stage"),
    ):
        lake.request(lake.chosen(())[0], "silver")


def test_a_dataset_without_gold_cannot_be_certified(tmp_path: Path) -> None:
    repo = Repo(tmp_path)
    file = tmp_path / "datasets" / "orders" / "dataset.yaml"
    file.write_text(DATASET.replace("{gold: gold/orders}", "{bronze: bronze/orders}"))
    repo.compile()
    for options in ({}, {"rollback": True}):
        with pytest.raises(UsageError, match="stores no gold stage") as caught:
            certify_verb(("orders",), project_dir=tmp_path, now=NOW, **options)
        assert caught.value.code == "SF342"
