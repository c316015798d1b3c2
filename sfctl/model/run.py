"""The run context: who runs what, when, from which code. It travels on every event of a run."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec


class RunContext(msgspec.Struct, frozen=True, omit_defaults=True):
    """Identity of one run. Times are RFC 3339 in UTC; empty text means unknown."""

    run_id: str
    job: str = ""
    dag_id: str = ""
    dag_run_id: str = ""
    task: str = ""
    attempt: int = 0
    logical_date: str = ""
    scheduled_time: str = ""
    started_at: str = ""
    code_ref: str = ""
    deploy_ref: str = ""
    cluster: str = ""
    runtime: str = "python"

    @property
    def anchor(self) -> str:
        """The time that ids of this run are built on: scheduled, else started."""
        return self.scheduled_time or self.started_at


def run_id_for(job: str, logical_date: str, attempt: int) -> str:
    """Return the id of a scheduled run, a hash of what names it, so that a retry can be told."""
    digest = hashlib.sha256(f"{job}\0{logical_date}\0{attempt}".encode()).hexdigest()
    return f"run-{logical_date or 'adhoc'}-{digest[:12]}"


def from_environment(environ: Mapping[str, str] = os.environ) -> RunContext:
    """Read the context from `SFCTL_…`, else Airflow's `AIRFLOW_CTX_…`, else leave it empty.

    Without any run id a fresh one is made from the start time and the process id.
    """

    def first(*names: str) -> str:
        return next((environ[name] for name in names if environ.get(name)), "")

    started = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    job = first("SFCTL_JOB", "AIRFLOW_CTX_TASK_ID")
    date = first("SFCTL_LOGICAL_DATE", "AIRFLOW_CTX_EXECUTION_DATE")
    attempt = int(first("SFCTL_ATTEMPT", "AIRFLOW_CTX_TRY_NUMBER") or 0)
    run_id = first("SFCTL_RUN_ID")
    if not run_id:
        run_id = run_id_for(job, date, attempt) if date else f"run-{started}-{os.getpid()}"
    return RunContext(
        run_id=run_id,
        job=job,
        dag_id=first("SFCTL_DAG_ID", "AIRFLOW_CTX_DAG_ID"),
        dag_run_id=first("SFCTL_DAG_RUN_ID", "AIRFLOW_CTX_DAG_RUN_ID"),
        task=first("SFCTL_TASK", "AIRFLOW_CTX_TASK_ID"),
        attempt=attempt,
        logical_date=date,
        scheduled_time=first("SFCTL_SCHEDULED_TIME", "AIRFLOW_CTX_EXECUTION_DATE"),
        started_at=first("SFCTL_STARTED_AT") or started,
        code_ref=first("SFCTL_CODE_REF"),
        deploy_ref=first("SFCTL_DEPLOY_REF"),
        cluster=first("SFCTL_CLUSTER"),
        runtime=first("SFCTL_RUNTIME") or "python",
    )
