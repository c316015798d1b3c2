"""The one envelope around whatever is told: who ran, when, about what, under which id."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sfctl.clock import format_instant
from sfctl.model import urn
from sfctl.model.evidence import SCHEMA, Evidence, Kind
from sfctl.model.ids import evidence_id
from sfctl.model.run import RunContext


def event(
    kind: Kind,
    run: RunContext | None,
    at: datetime,
    unique: tuple[object, ...],
    *,
    dataset_urn: str = "",
    stage: str = "",
    payload: dict[str, Any],
    upstream_urns: Sequence[str] = (),
    **envelope: Any,
) -> Evidence:
    """Return an event whose id is made of where it happened and `unique`.

    Values that are None are left out of the payload. A dataset that nobody registered keeps the
    name it has: `dataset:<namespace>/<name>`.
    """
    dataset = dataset_urn
    if dataset and not dataset.startswith("dataset:"):
        dataset = urn.without_stage(urn.canonical(dataset))
    if run is not None:
        job_urn = urn.job(run.job) if run.job else ""
        envelope |= {
            "job_urn": job_urn,
            "run_id": run.run_id,
            "dag_id": run.dag_id,
            "dag_run_id": run.dag_run_id,
            "task": run.task,
            "attempt": run.attempt,
            "logical_date": run.logical_date,
            "scheduled_time": run.scheduled_time,
            "started_at": run.started_at,
            "code_ref": run.code_ref,
            "deploy_ref": run.deploy_ref,
            "cluster": run.cluster,
            "runtime_type": run.runtime,
        }
        lineage: dict[str, Any] = {"job_urn": job_urn, "dag_run_id": run.dag_run_id}
        if upstream_urns:
            lineage["upstream_urns"] = list(upstream_urns)
        envelope["lineage"] = {name: value for name, value in lineage.items() if value}
    return Evidence(
        schema=SCHEMA,
        evidence_id=evidence_id(run, at, kind, dataset, stage, *unique),
        kind=kind,
        timestamp=format_instant(at),
        dataset_urn=dataset,
        stage=stage,
        payload={name: value for name, value in payload.items() if value is not None},
        **envelope,
    )
