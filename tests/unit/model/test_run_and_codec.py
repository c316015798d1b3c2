"""The run context is read from where schedulers leave it; policies survive their JSON."""

from __future__ import annotations

import json

from sfctl.model import codec, run
from sfctl.model.expr import Between, Case, Compare, Constant, Field, IsNull, Logic, fields_of
from sfctl.model.policy import GATES_OF_STAGE, Batch, Policy, RowCheck, Rule, Threshold, Unique
from sfctl.model.types import parse

INT = parse("INT64")


def test_our_variables_win_over_airflow() -> None:
    environ = {
        "SFCTL_RUN_ID": "r1",
        "SFCTL_JOB": "daily",
        "AIRFLOW_CTX_TASK_ID": "task",
        "AIRFLOW_CTX_DAG_ID": "dag",
        "AIRFLOW_CTX_DAG_RUN_ID": "scheduled__x",
        "AIRFLOW_CTX_EXECUTION_DATE": "2024-01-15T02:00:00+00:00",
        "AIRFLOW_CTX_TRY_NUMBER": "2",
    }
    context = run.from_environment(environ)
    assert (context.run_id, context.job, context.task) == ("r1", "daily", "task")
    assert (context.dag_id, context.dag_run_id, context.attempt) == ("dag", "scheduled__x", 2)
    assert context.anchor == "2024-01-15T02:00:00+00:00"


def test_a_scheduled_run_has_the_same_id_in_every_process() -> None:
    environ = {"SFCTL_JOB": "daily", "SFCTL_LOGICAL_DATE": "2013-01-01"}
    first, second = run.from_environment(environ), run.from_environment(environ)
    assert first.run_id == second.run_id == run.run_id_for("daily", "2013-01-01", 0)
    assert first.run_id != run.run_id_for("daily", "2013-01-01", 1)


def test_an_adhoc_run_gets_an_id_of_its_own() -> None:
    context = run.from_environment({})
    assert context.run_id.startswith("run-")
    assert context.anchor == context.started_at != ""


def policy() -> Policy:
    x = Field(("x",), INT)
    expr = Logic(
        "or",
        (
            IsNull(x),
            Between(x, Constant("1", INT), Constant("5", INT)),
            Case(((Compare("=", Field(("s", "y"), INT), x), x),), x, INT),
        ),
    )
    return Policy(
        "urn:dp:a:b",
        "b",
        rules=(
            Rule("r1", "range", "DQ", RowCheck(expr), "RANGE_VIOLATION:x", fields=("x",)),
            Rule("r2", "unique", "G4_CONTRACT", Unique(("x",)), "UNIQUENESS_VIOLATION:x"),
            Rule(
                "r3", "row_count", "DQ", Batch("row_count", minimum="1"), "ROW_COUNT:*",
                threshold=Threshold(share="0.01"),
            ),
        ),
    )  # fmt: skip


def test_a_policy_survives_its_json() -> None:
    one = policy()
    assert codec.decode(codec.encode(one), Policy) == one
    assert codec.decode(codec.canonical(one), Policy) == one


def test_canonical_bytes_do_not_depend_on_key_order() -> None:
    value = codec.plain(policy())
    turned = json.loads(json.dumps(value), object_pairs_hook=lambda p: dict(reversed(p)))
    assert codec.digest(value) == codec.digest(turned)


def test_rules_belong_to_the_stage_of_their_gate() -> None:
    one = policy()
    assert [r.id for r in one.rules_for("silver")] == ["r1", "r2", "r3"]
    assert one.rules_for("bronze") == ()
    assert set(GATES_OF_STAGE) == {"bronze", "silver", "gold"}
    assert [r.is_row_rule for r in one.rules] == [True, True, False]


def test_fields_of_a_tree_come_once_in_order() -> None:
    check = policy().rules[0].check
    assert isinstance(check, RowCheck)
    assert fields_of(check.expr) == ("x", "s")
