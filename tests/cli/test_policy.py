"""The life of a policy at the command line: drafted, approved, changed, rolled back, tampered."""

from __future__ import annotations

import json
import os
import pty
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import sfctl
from sfctl import wiring
from sfctl.certification.history import History
from sfctl.certification.signature import key_id
from sfctl.certification.signing_key import SigningKey, create_key, load_key
from sfctl.cli import main
from sfctl.errors import Conflict
from sfctl.model import codec
from sfctl.model.policy import Policy
from sfctl.runtime import seal

SCHEMA = Path(sfctl.__file__).parent / "schemas" / "results" / "policy.schema.json"
BUNDLE = """\
version: {version}
schema: {{constraints: [{{field: id, type: INT64}}, {{field: total, type: INT64}}]}}
contract_lite: {{required_fields: [id]}}
dq: {{rules: [{{kind: range, field: total, min: 0, max: {most}, id: total_range}}]}}
"""
JOB = """\
import os
import polars as pl
import sfctl as sf

@sf.job("daily")
def main(totals):
    rows = pl.DataFrame({"id": list(range(len(totals))), "total": totals})
    sf.write(rows, "ds://shop/orders", stage="gold")

main([int(n) for n in os.environ["TOTALS"].split(",")])
"""
Ask = Callable[..., Any]
FIRST, SECOND, NINTH = "2026-01-01T06:00:00Z", "2026-01-03T06:00:00Z", "2026-01-11T06:00:00Z"


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A prod target that trusts one key, a dataset of tier 1 and its job."""
    key = create_key(tmp_path / "org.key")
    root = tmp_path / "shop"
    (root / "datasets" / "orders").mkdir(parents=True)
    (root / "jobs").mkdir()
    (root / "sfctl.yml").write_text(
        "name: shop\ntargets:\n  default: prod\n"
        f"  prod: {{environment: prod, lake: ./lake, trusted_keys: '{key.public}'}}\n"
        "  dev: {environment: dev, lake: ./dev}\n"
    )
    (root / "datasets/orders/dataset.yaml").write_text(
        "{urn: ds://shop/orders, owner_team: sales, tier: TIER_1}\n"
    )
    (root / "jobs/daily.yaml").write_text(
        "{owner: sales, runtime: python, entrypoint: jobs/daily.py,"
        " outputs: [{dataset: orders, stage: gold}]}\n"
    )
    (root / "jobs/daily.py").write_text(JOB)
    write(root)
    seal.create_keys(root / ".sfctl")
    monkeypatch.chdir(root)
    return root


@pytest.fixture
def ask(shop: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Run a verb and return its JSON; `policy` results are held against their schema."""
    schema = json.loads(SCHEMA.read_text())

    def call(*words: str, code: int = 0, at: str = "", totals: str = "") -> Any:
        if totals:
            monkeypatch.setenv("TOTALS", totals)
        if at:  # the job's own clock, not only the supervisor's
            monkeypatch.setenv("SFCTL_NOW", at)
        assert main([*words, "--format", "json"]) == code, capfd.readouterr()
        document = json.loads(capfd.readouterr().out)
        if words[0] == "policy" and document["schema"] != "sfctl.error.v1":
            jsonschema.Draft202012Validator(schema).validate(document)
        return document

    return call


def write(root: Path, version: int = 1, most: int = 1000) -> None:
    path = root / "datasets/orders/policy_bundle.yaml"
    path.write_text(BUNDLE.format(version=version, most=most))


def key_of(root: Path) -> str:
    return str(root.parent / "org.key")


def approve(ask: Ask, root: Path, version: int = 1, most: int = 1000, at: str = FIRST) -> Any:
    write(root, version, most)
    ask("compile", at=at)
    return ask("policy", "sign", "--key", key_of(root), "--yes", at=at)


def files(root: Path) -> list[Path]:
    return [path for path in root.rglob("*") if path.is_file()]


def active(root: Path) -> Policy:
    return codec.decode((root / "target/policies/orders.json").read_bytes(), Policy)


def test_unsigned_on_prod_is_a_draft_until_it_is_signed(ask: Ask, shop: Path) -> None:
    assert ask("compile", at=FIRST)["datasets"][0]["signed"] is None
    (row,) = ask("policy", "verify", code=1)["policies"]
    assert (row["status"], row["code"]) == ("draft", "SF402")
    ran = ask("run", "daily", "--date", "2026-01-01", totals="1,5000")["writes"][0]
    assert (ran["level"], ran["rows_quarantined"], ran["certification"]) == (
        "G0", 0, "NEVER_CERTIFIED",
    )  # fmt: skip
    signed = ask("policy", "sign", "--key", key_of(shop), "--yes", "--reason", "first")
    (row,) = signed["datasets"]
    assert (signed["signed"], row["digest_before"], row["result"]) == (1, None, "signed")
    assert {change["effect"] for change in row["changes"]} == {"added"}
    (row,) = ask("policy", "verify")["policies"]
    assert (row["status"], row["by"], row["key_id"]) == ("approved", "org", signed["key_id"])
    (event,) = ask("evidence", "list", "--kind", "policy")["events"]
    told = [event[name] for name in ("action", "version", "digest", "key_id", "reason")]
    assert told == ["signed", 1, row["digest"], signed["key_id"], "first"]
    assert event["actor"]
    again = ask("policy", "sign", "--key", key_of(shop), "--yes")
    assert (again["signed"], again["datasets"][0]["result"]) == (0, "approved")


def test_the_approved_policy_stays_until_a_higher_version_is_signed(ask: Ask, shop: Path) -> None:
    first = approve(ask, shop)["datasets"][0]["digest"]
    write(shop, most=500)
    (row,) = ask("compile")["datasets"]
    assert (row["digest"], row["draft"]["because"]) == (first, "unapproved")
    refused = ask("policy", "sign", "--key", key_of(shop), "--yes", code=2)
    assert refused["error"]["code"] == "SF345"
    assert active(shop).digest == first
    changes = ask("policy", "diff", "orders")
    assert changes["counts"]["tightened"] == 1
    assert ask("status")["datasets"][0]["source_says"].startswith("the source says otherwise")
    signed = approve(ask, shop, 2, 500, at=SECOND)["datasets"][0]
    assert (signed["version_before"], signed["digest_before"]) == (1, first)
    assert active(shop).version == 2
    one, two = ask("policy", "versions", "orders")["moves"]
    assert (one["status"], two["status"], one["active_until"]) == (
        "superseded", "active", two["active_since"],
    )  # fmt: skip
    assert two["earlier_checked_until"] == "2026-01-10T06:00:00.000Z"


def test_a_comment_is_no_change_of_a_policy(
    ask: Ask, shop: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    first = approve(ask, shop)["datasets"][0]["digest"]
    bundle = shop / "datasets/orders/policy_bundle.yaml"
    bundle.write_text("# what sales promises\n" + bundle.read_text())
    (row,) = ask("compile")["datasets"]
    assert (row["digest"], row["draft"], row["signed"]) == (first, None, "org")
    assert ask("policy", "verify")["policies"][0]["source_differs"] is False
    ask("compile", "--target", "dev")
    bundle.write_text("# twice\n" + bundle.read_text())
    assert main(["compile", "--target", "dev"]) == 0
    assert "SF345" not in capfd.readouterr().err
    write(shop, most=5)
    assert main(["compile", "--target", "dev"]) == 0
    assert "SF345" in capfd.readouterr().err


def test_two_versions_are_checked_for_seven_days(ask: Ask, shop: Path) -> None:
    approve(ask, shop)
    approve(ask, shop, 2, 500, at=SECOND)
    within = ask("run", "daily", "--date", "2026-01-03", at=SECOND, totals="1,700")["writes"][0]
    assert (within["verdict"], within["rows_quarantined"]) == ("WARN", 0)
    assert within["certification"] == "CERTIFIED"
    told = {rule["id"]: rule["status"] for rule in within["rules"]}
    assert (told["total_range"], told["total_range@v1"]) == ("warn", "pass")
    events = ask("evidence", "list", "--kind", "gate", "--gate", "dq")["events"]
    versions = events[-1]["validation"]["gates"][0]["details"]["versions"]
    assert versions == {"new": 2, "earlier": 1, "only_new": ["total_range"], "only_earlier": []}
    both = ask("run", "daily", "--date", "2026-01-04", at=SECOND, totals="1,7000")["writes"][0]
    assert (both["verdict"], both["rows_quarantined"], both["degraded"]) == ("FAIL", 1, [])
    after = ask("run", "daily", "--date", "2026-01-11", at=NINTH, totals="1,700")["writes"][0]
    assert (after["verdict"], after["rows_quarantined"]) == ("FAIL", 1)
    assert [rule["id"] for rule in after["rules"] if "@" in rule["id"]] == []
    ask("compile", at=NINTH)
    assert not (shop / "target/earlier/orders.json").exists()


def test_a_rollback_is_a_move_forward_that_compile_respects(ask: Ask, shop: Path) -> None:
    first = approve(ask, shop)["datasets"][0]["digest"]
    second = approve(ask, shop, 2, 500, at=SECOND)["datasets"][0]["digest"]
    planned = ask("policy", "rollback", "orders", "--dry-run")
    assert (planned["to_version"], planned["done"], active(shop).digest) == (1, False, second)
    assert ask("policy", "rollback", "orders", code=2)["error"]["code"] == "SF344"
    done = ask("policy", "rollback", "orders", "--yes", "--reason", "too tight")
    assert (done["done"], done["digest"], active(shop).digest) == (True, first, first)
    moves = ask("policy", "versions", "orders")
    assert [(m["version"], m["action"]) for m in moves["moves"]] == [
        (1, "signed"), (2, "signed"), (1, "rolled_back"),
    ]  # fmt: skip
    assert moves["draft"] == {"version": 2, "digest": second, "because": "rolled_back"}
    (row,) = ask("compile")["datasets"]
    assert (row["digest"], row["draft"]["because"], row["beside"]) == (first, "rolled_back", None)
    shutil.rmtree(shop / "target")
    assert ask("compile")["datasets"][0]["signed"] == "org"
    assert active(shop).digest == first
    assert ask("policy", "rollback", "orders", "--to", "7", code=2)["error"]["code"] == "SF347"
    third = approve(ask, shop, 3, 600, at=NINTH)["datasets"][0]
    assert (third["version"], active(shop).version) == (3, 3)


def test_a_development_target_rolls_back_as_well(ask: Ask, shop: Path) -> None:
    ask("compile", "--target", "dev", at=FIRST)
    write(shop, 2, 500)
    ask("compile", "--target", "dev", at=SECOND)
    assert active(shop).version == 2
    ask("policy", "rollback", "orders", "--yes", "--target", "dev")
    assert ask("compile", "--target", "dev")["datasets"][0]["draft"]["version"] == 2
    assert active(shop).version == 1
    write(shop, 3, 400)
    assert ask("compile", "--target", "dev")["datasets"][0]["draft"] is None
    assert active(shop).version == 3


def test_a_version_before_that_was_altered_has_no_say(ask: Ask, shop: Path) -> None:
    approve(ask, shop)
    approve(ask, shop, 2, 500, at=SECOND)
    path = shop / "target/earlier/orders.json"
    path.write_bytes(path.read_bytes().replace(b'"1000"', b'"9999"'))
    active_one, before = ask("policy", "verify", code=1)["policies"]
    assert (active_one["status"], before["status"], before["code"]) == (
        "approved", "rejected", "SF403",
    )  # fmt: skip
    ran = ask("run", "daily", "--date", "2026-01-03", at=SECOND, totals="1,700")["writes"][0]
    assert (ran["verdict"], ran["rows_quarantined"], ran["degraded"]) == ("FAIL", 1, [])
    ask("compile", at=SECOND)
    assert len(ask("policy", "verify")["policies"]) == 1


def test_a_version_before_whose_function_has_changed_has_no_say(ask: Ask, shop: Path) -> None:
    def release(version: int, least: int, at: str) -> None:
        body = f"def check(batch): return [n.as_py() > {least} for n in batch['total']]\n"
        (shop / "mine.py").write_text(body)
        rules = "dq: {rules: [{kind: custom, id: mine, function: 'mine:check', field: total}]}\n"
        (shop / "datasets/orders/policy_bundle.yaml").write_text(
            f"version: {version}\n"
            "schema: {constraints: [{field: id, type: INT64}, {field: total, type: INT64}]}\n"
            f"contract_lite: {{required_fields: [id]}}\n{rules}"
        )
        ask("compile", at=at)
        ask("policy", "sign", "--key", key_of(shop), "--yes")

    release(1, 0, FIRST)
    release(2, 5, SECOND)
    ran = ask("run", "daily", "--date", "2026-01-03", totals="7,8")["writes"][0]
    assert (ran["degraded"], ran["certification"]) == ([], "CERTIFIED")
    ran = ask("run", "daily", "--date", "2026-01-04", totals="3,8")["writes"][0]
    assert ran["rows_published"] < 2


def test_a_person_at_a_terminal_is_shown_the_change_and_asked(ask: Ask, shop: Path) -> None:
    ask("compile", at=FIRST)
    words = [sys.executable, "-m", "sfctl", "policy", "sign", "--key", key_of(shop)]

    def answer(reply: bytes, meanwhile: Callable[[], object] = str) -> str:
        ours, theirs = pty.openpty()
        with subprocess.Popen(
            words, stdin=theirs, stderr=theirs, stdout=subprocess.PIPE, cwd=shop
        ) as child:
            os.close(theirs)
            shown = b""
            while b"[y/N]" not in shown:
                shown += os.read(ours, 4096)
            meanwhile()
            os.write(ours, reply)
            assert child.stdout is not None
            said = child.stdout.read().decode()
        os.close(ours)
        assert "approved for the first time" in shown.decode()
        return said

    assert "not signed" in answer(b"n\n")
    assert not (shop / "target/policies/orders.sig").exists()

    def changed() -> None:
        write(shop, 2, 500)
        ask("compile", at=SECOND)

    assert "signed" not in answer(b"y\n", changed)
    assert not (shop / "target/policies/orders.sig").exists()
    assert "1 policy signed" in answer(b"y\n")
    assert ask("policy", "verify")["approved"] == 1


def test_targets_that_share_a_store_keep_their_own_history(ask: Ask, shop: Path) -> None:
    first = approve(ask, shop)["datasets"][0]["digest"]
    write(shop, 2, 500)
    ask("compile", "--target", "dev", at=SECOND)
    assert active(shop).version == 2
    (row,) = ask("compile", "--target", "prod")["datasets"]
    assert (row["digest"], row["signed"], row["draft"]["version"]) == (first, "org", 2)
    assert len(ask("policy", "versions", "orders")["moves"]) == 1
    dev = SigningKey(os.urandom(32)).public
    ask("policy", "keys", "--trust", dev, "--target", "dev")
    assert [key["from"] for key in ask("policy", "keys")["keys"]] == ["target prod"]


def test_a_policy_that_was_tampered_with_raises_an_incident(ask: Ask, shop: Path) -> None:
    approve(ask, shop)
    path = shop / "target/policies/orders.json"
    good = path.read_bytes()
    path.write_bytes(good.replace(b'"1000"', b'"9999"'))
    (row,) = ask("policy", "verify", code=1)["policies"]
    assert (row["status"], row["code"]) == ("rejected", "SF403")
    ran = ask("run", "daily", "--date", "2026-01-01", totals="1,5000")["writes"][0]
    assert (ran["rows_published"], ran["certification"]) == (2, None)
    ask("engine", "run")
    (incident,) = ask("incidents", "list")["incidents"]
    assert incident["severity"] == "SEV-1"
    assert "Policy Rejected - shop:orders" in incident["title"]
    path.write_bytes(good)
    ask("run", "daily", "--date", "2026-01-02", at=SECOND, totals="1,2")
    ask("engine", "run")
    assert ask("incidents", "show", incident["incident_id"])["status"] == "RESOLVED"


def test_an_older_approved_policy_put_in_its_place_is_noticed(ask: Ask, shop: Path) -> None:
    approve(ask, shop)
    old = {p: p.read_bytes() for p in (shop / "target/policies").iterdir()}
    approve(ask, shop, 2, 500, at=SECOND)
    for path, content in old.items():
        path.write_bytes(content)
    (row,) = ask("policy", "verify", code=1)["policies"]
    assert (row["status"], row["code"]) == ("rejected", "SF403")
    ask("compile")
    assert active(shop).version == 2


def test_an_approved_policy_of_another_dataset_is_put_right_by_a_compile(
    ask: Ask, shop: Path
) -> None:
    shutil.copytree(shop / "datasets/orders", shop / "datasets/returns")
    (shop / "datasets/returns/dataset.yaml").write_text(
        "{urn: ds://shop/returns, owner_team: sales, tier: TIER_1}\n"
    )
    approve(ask, shop)
    path = shop / "datasets/returns/policy_bundle.yaml"
    path.write_text(BUNDLE.format(version=7, most=5000))
    ask("compile")
    ask("policy", "sign", "--key", key_of(shop), "--yes")
    for end in ("json", "sig"):
        shutil.copy(shop / f"target/policies/returns.{end}", shop / f"target/policies/orders.{end}")
    assert "rejected" in {row["status"] for row in ask("policy", "verify", code=1)["policies"]}
    ask("compile")
    assert (active(shop).dataset_urn, active(shop).version) == ("urn:dp:shop:orders", 1)
    assert {row["status"] for row in ask("policy", "verify")["policies"]} == {"approved"}


def test_a_signature_at_the_end_of_time_is_a_signature(ask: Ask, shop: Path) -> None:
    approve(ask, shop)
    approve(ask, shop, 2, 500, at="9999-12-30T00:00:00Z")
    assert ask("compile", at=FIRST)["datasets"][0]["beside"]["version"] == 1
    assert ask("run", "daily", "--date", "2026-01-01", totals="1,9")["writes"]
    assert ask("policy", "versions", "orders")


def test_revoked_keys_approve_nothing_any_more(ask: Ask, shop: Path) -> None:
    approve(ask, shop)
    name = key_id(load_key(Path(key_of(shop))).public)
    (row,) = ask("policy", "keys", "--revoke", name, "--reason", "lost")["keys"]
    assert (row["key_id"], row["status"], row["reason"]) == (name, "revoked", "lost")
    (row,) = ask("policy", "verify", code=1)["policies"]
    assert (row["status"], row["code"]) == ("draft", "SF343")
    refused = ask("policy", "sign", "--key", key_of(shop), "--yes", code=2)
    assert refused["error"]["code"] == "SF343"
    other = SigningKey(os.urandom(32))
    ask("policy", "keys", "--trust", other.public)
    (shop.parent / "org.key").write_text(other.seed.hex())
    ask("compile")
    assert ask("policy", "sign", "--key", key_of(shop), "--yes")["signed"] == 1
    actions = [e["action"] for e in ask("evidence", "list", "--kind", "policy")["events"]]
    assert actions == ["signed", "key_revoked", "key_trusted", "signed"]


def test_a_key_of_the_repo_does_not_count_beside_those_of_the_store(ask: Ask, shop: Path) -> None:
    ask("compile", at=FIRST)
    other = SigningKey(os.urandom(32))
    ask("policy", "keys", "--trust", other.public)
    states = {row["from"]: row["status"] for row in ask("policy", "keys")["keys"]}
    assert states == {"state store": "trusted", "target prod": "ignored"}
    refused = ask("policy", "sign", "--key", key_of(shop), "--yes", code=2)
    assert refused["error"]["code"] == "SF404"
    assert ask("policy", "keys", "--trust", "nonsense", code=2)["error"]["code"] == "SF357"


def test_nor_does_it_where_the_store_has_stopped_to_answer(ask: Ask, shop: Path) -> None:
    approve(ask, shop)
    other = SigningKey(os.urandom(32))
    ask("policy", "keys", "--trust", load_key(Path(key_of(shop))).public)
    project = shop / "sfctl.yml"
    project.write_text(
        project.read_text().replace(load_key(Path(key_of(shop))).public, other.public)
    )
    before = (shop / "target/manifest.json").read_bytes()
    for path in (shop / ".sfctl").glob("state.db*"):
        path.write_bytes(b"no database" * 1000)
    assert ask("compile", code=3)["error"]["code"] == "SF356"
    assert ask("policy", "verify", code=3)["error"]["code"] == "SF356"
    assert (shop / "target/manifest.json").read_bytes() == before


def test_a_private_key_is_read_from_a_variable_and_told_to_nobody(
    ask: Ask, shop: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    secret = load_key(Path(key_of(shop))).seed.hex()
    ask("compile", at=FIRST)
    assert ask("policy", "sign", "--yes", code=2)["error"]["code"] == "SF406"
    monkeypatch.setenv("ORG_KEY", secret)
    assert main(["policy", "sign", "--key-env", "ORG_KEY", "--yes", "-v"]) == 0
    said = capfd.readouterr()
    assert secret not in said.out + said.err
    assert [path for path in files(shop) if secret.encode() in path.read_bytes()] == []
    monkeypatch.setenv("SFCTL_SIGNING_KEY", secret)
    (shop / "jobs/daily.py").write_text(
        "import os, sys; sys.exit(len(os.environ.get('SFCTL_SIGNING_KEY', '')))\n"
    )
    assert ask("run", "daily")["job_exit_code"] == 0
    made = ask("policy", "keys", "--generate", "../new.key")["generated"]
    assert (shop.parent / "new.key").stat().st_mode & 0o077 == 0
    assert key_id(made["public_key"]) == made["key_id"]
    assert ask("policy", "keys", "--generate", "../new.key", code=2)["error"]["code"] == "SF353"


def test_minimums_on_prod_are_signed_and_cannot_be_dropped(ask: Ask, shop: Path) -> None:
    path = shop / "policies" / "minimum.yaml"
    path.parent.mkdir()
    path.write_text("tiers: {TIER_1: {contract: lite}}\n")
    assert [p["code"] for p in ask("validate", code=2)["problems"]] == ["SF348"]
    assert ask("compile", code=2)["problems"][0]["code"] == "SF348"
    assert ask("validate", "--target", "dev")["errors"] == 0
    ask("compile", "--target", "dev", at=FIRST)  # what is compiled for another target is no matter
    signed = ask("policy", "sign", "--minimum", "--key", key_of(shop), "--yes")["minimum"]
    assert (signed["result"], signed["digest_before"]) == ("signed", None)
    ask("compile")
    assert (ask("validate")["problems"], ask("validate", "--target", "dev")["problems"]) == ([], [])
    path.write_text("tiers: {TIER_1: {contract: none}}\n")
    (told,) = ask("validate", "--target", "dev")["problems"]
    assert (told["code"], told["severity"]) == ("SF348", "warning")
    assert ask("compile", code=2)["problems"][0]["code"] == "SF348"
    path.unlink()
    assert ask("compile", code=2)["problems"][0]["code"] == "SF349"


def test_a_target_that_had_approvals_as_prod_stays_prod(ask: Ask, shop: Path) -> None:
    approve(ask, shop)
    project = shop / "sfctl.yml"
    said = project.read_text()
    project.write_text(said.replace("environment: prod", "environment: staging"))
    write(shop, 2, 50_000)
    (problem,) = ask("compile", code=2)["problems"]
    assert (problem["path"], problem["code"]) == ("sfctl.yml", "SF355")
    assert active(shop).version == 1
    ask("compile", "--target", "dev")
    project.write_text(said)
    ask("compile")
    assert active(shop).version == 1


@pytest.mark.parametrize("what", [(), ("--minimum",)])
def test_without_a_store_nobody_knows_whose_keys_count(
    ask: Ask, shop: Path, what: tuple[str, ...]
) -> None:
    ask("compile")
    for file in (shop / ".sfctl").glob("state.db*"):
        file.unlink()
    (shop / ".sfctl/state.db").mkdir()
    other = create_key(shop.parent / "other.key")
    asked = ("policy", "sign", "--key", str(shop.parent / "other.key"), "--yes", *what)
    error = ask(*asked, code=3)["error"]
    assert error["code"] == "SF356"
    assert "SF356" not in error["message"]
    assert other.public not in error["hint"]


def test_of_two_who_approve_at_once_one_is_told(ask: Ask, shop: Path) -> None:
    approve(ask, shop)
    with wiring.open_state(shop / ".sfctl") as state:
        history = History(state, "prod")
        before = history.standing()
        (first,) = history.releases("urn:dp:shop:orders")
        artefact = history.artefact(first.digest)
        assert artefact is not None
        later = codec.decode(
            codec.canonical(first).replace(b'"number":1', b'"number":2'), type(first)
        )
        history.add([(later, artefact)], before)
        with pytest.raises(Conflict):
            history.add([(later, artefact)], before)
        assert len(history.releases("urn:dp:shop:orders")) == 2


def test_a_kill_between_history_and_target_is_healed_by_a_compile(ask: Ask, shop: Path) -> None:
    approve(ask, shop)
    shutil.copytree(shop / "target", shop.parent / "before")
    approve(ask, shop, 2, 500, at=SECOND)
    shutil.rmtree(shop / "target")
    shutil.copytree(shop.parent / "before", shop / "target")
    assert active(shop).version == 1
    assert ask("compile")["datasets"][0]["version"] == 2
    assert active(shop).version == 2
    assert datetime.fromisoformat(ask("policy", "verify")["policies"][0]["signed_at"])


def test_what_the_organisation_demands_cannot_be_dropped_or_rolled_back(
    ask: Ask, shop: Path
) -> None:
    bundle = shop / "datasets/orders/policy_bundle.yaml"
    ask("compile", "--target", "dev", at=FIRST)  # version 1 knows no personal data
    path = shop / "policies" / "minimum.yaml"
    path.parent.mkdir()
    path.write_text("tiers: {TIER_1: {pii: {detection: [{pattern: EMAIL, action: mask}]}}}\n")
    write(shop, 2)
    assert [p["code"] for p in ask("validate", "--target", "dev", code=2)["problems"]] == ["SF250"]
    bundle.write_text(bundle.read_text() + "pii: {detection: [{pattern: EMAIL, action: redact}]}\n")
    ask("compile", "--target", "dev", at=SECOND)
    assert [d.action for d in active(shop).pii] == ["redact"]
    write(shop, 3)
    assert ask("compile", "--target", "dev", code=2)["problems"][0]["code"] == "SF250"
    assert [d.action for d in active(shop).pii] == ["redact"]  # what runs enforce is as it was
    refused = ask("policy", "rollback", "orders", "--yes", "--target", "dev", code=2)
    assert (refused["error"]["code"], active(shop).version) == ("SF359", 2)
