"""OpenLineage events: run, job, parent, inputs, outputs, columns, statistics.

Facets are read by their official place and by the other spellings that tools write: under
`facets`, `inputFacets` or `outputFacets`, a column lineage as a mapping or as a list.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sfctl.graph.meaning.judgements import failures
from sfctl.graph.meaning.movement import column
from sfctl.graph.meaning.occurrences import instant_of
from sfctl.graph.meaning.runs import design
from sfctl.graph.meaning.sketch import Sketch, block, listed, short, whole_number
from sfctl.model import graph
from sfctl.model.evidence import Evidence
from sfctl.model.resolver import bare_of, is_orphan

_ENDS = {"COMPLETE": "SUCCESS", "FAIL": "FAILED", "ABORT": "ABORTED"}
COLUMNS = 200
"""At most so many columns of a dataset are drawn from one event."""


def ran(sketch: Sketch, event: Evidence) -> None:
    """Draw a run, job or dataset event of OpenLineage 2-0-2."""
    document = block(event.payload.get("openlineage"))
    run_facets = block(block(document.get("run")).get("facets"))
    job = _job(sketch, block(document.get("job")))
    run = _run(sketch, event, document, run_facets, job)
    inputs = [(_dataset(sketch, each), each) for each in _datasets(document, "inputs")]
    outputs = [(_dataset(sketch, each), each) for each in _datasets(document, "outputs")]
    if document.get("dataset"):
        _dataset(sketch, block(document["dataset"]))
    seen = event.timestamp
    for name, each in inputs:
        figures = _figures(each, ("inputStatistics", "dataQualityMetrics"))
        if run:
            sketch.edge(run, "READ_FROM", name, **figures, last_seen=seen)
        if job:
            sketch.edge(job, "READS", name, **figures, last_seen=seen, run=event.run_id)
    for name, each in outputs:
        figures = _figures(each, ("outputStatistics",))
        if len(outputs) == 1:
            figures = {**_statistics(run_facets.get("outputStatistics")), **figures}
        if run:
            sketch.edge(run, "WROTE_TO", name, **figures, last_seen=seen)
        if job:
            sketch.edge(job, "WRITES", name, **figures, last_seen=seen, run=event.run_id)
        _columns(sketch, job, name, each)
    sources, targets = [name for name, _ in inputs], [name for name, _ in outputs]
    known = {"observed": True} if run else {"declared": True}
    if job:
        design(sketch, job, sources, targets, confidence="HIGH", **known)
    failures(sketch, event)


def _job(sketch: Sketch, job: Mapping[str, Any]) -> str:
    if not job.get("name"):
        return ""
    namespace, name = str(job.get("namespace", "")), str(job["name"])
    facets = block(job.get("facets"))
    kind = block(facets.get("jobType"))
    return sketch.node(
        sketch.resolver.job(namespace, name),
        "Job",
        name=name,
        namespace=namespace,
        integration=kind.get("integration"),
        processing=kind.get("processingType"),
        job_type=kind.get("jobType"),
        has_sql=bool(block(facets.get("sql")).get("query")) or None,
    )


def _run(
    sketch: Sketch,
    event: Evidence,
    document: Mapping[str, Any],
    facets: Mapping[str, Any],
    job: str,
) -> str:
    if not event.run_id:
        return ""
    kind = str(document.get("eventType") or "").upper()
    status = _ENDS.get(kind, "")
    dag, dag_run, task, logical = _parent(facets)
    spark = block(facets.get("spark_version")) or block(facets.get("spark_properties"))
    said = _summary(facets)
    engine = block(facets.get("processing_engine")).get("name")
    namespace = str(block(document.get("job")).get("namespace", ""))
    named = namespace if namespace in ("spark", "dask", "python") else engine
    run = sketch.node(
        graph.run_id(event.run_id),
        "Run",
        name=event.run_id,
        job_name=short(job) if job else "",
        job_urn=job,
        kind="spark" if spark else str(named or "").lower(),
        spark_version=block(facets.get("spark_version")).get("version"),
        task=task,
        dag_id=dag,
        dag_run_id=dag_run,
        logical_date=logical,
        status=status,
        start_time=event.timestamp if kind == "START" else _nominal(facets, "nominalStartTime"),
        end_time=event.timestamp if status else "",
        records_processed=whole_number(said.get("records_processed")),
        records_passed=whole_number(said.get("records_passed")),
        records_failed=whole_number(said.get("records_failed")),
        compliance_rate=said.get("compliance_rate"),
        last_seen=event.timestamp if status else "",
    )
    if job:
        sketch.edge(job, "EXECUTED", run)
    if dag and dag_run:
        parent = sketch.node(
            graph.dag_run_id(dag, dag_run),
            "DAGRun",
            name=dag_run,
            dag_id=dag,
            run_id=dag_run,
            execution_date=logical,
            status=status,
            last_seen=event.timestamp if status else "",
        )
        sketch.edge(parent, "EXECUTED", run)
    return run


def _parent(facets: Mapping[str, Any]) -> tuple[str, str, str, str]:
    """Return DAG, its run, task and logical date from the parent and airflow facets."""
    parent, airflow = block(facets.get("parent")), block(facets.get("airflow"))
    dag = str(block(parent.get("job")).get("name") or "")
    run = str(block(parent.get("run")).get("runId") or "")
    own = airflow.get("dag_id") or block(airflow.get("dag")).get("dag_id")
    own_run = airflow.get("dag_run_id") or block(airflow.get("dagRun")).get("run_id")
    task = airflow.get("task_id") or block(airflow.get("task")).get("task_id")
    when = airflow.get("execution_date") or block(airflow.get("dagRun")).get("logical_date")
    return str(dag or own or ""), str(run or own_run or ""), str(task or ""), instant_of(when)


def _nominal(facets: Mapping[str, Any], name: str) -> str:
    return instant_of(block(facets.get("nominalTime")).get(name))


def _summary(facets: Mapping[str, Any]) -> Mapping[str, Any]:
    return block(block(facets.get("observability_evidence")).get("summary")) or block(
        block(facets.get("observability")).get("evidence_summary")
    )


def _datasets(document: Mapping[str, Any], side: str) -> Iterator[Mapping[str, Any]]:
    for each in listed(document.get(side)):
        if block(each).get("name"):
            yield block(each)


def _dataset(sketch: Sketch, entry: Mapping[str, Any]) -> str:
    namespace, name = str(entry.get("namespace", "")), str(entry.get("name", ""))
    id = sketch.dataset(sketch.resolver.dataset(namespace, name))
    facets = _facets(entry)
    sketch.node(
        id,
        "Dataset",
        first_raw_name="" if is_orphan(id) else bare_of(f"{namespace}/{name}"),
        source=block(facets.get("dataSource")).get("name"),
    )
    for each in listed(block(facets.get("schema")).get("fields"))[:COLUMNS]:
        field = block(each)
        if field.get("name"):
            column(sketch, id, field["name"], data_type=field.get("type"))
    return id


def _facets(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **block(entry.get("facets")),
        **block(entry.get("inputFacets")),
        **block(entry.get("outputFacets")),
    }


def _figures(entry: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    facets = _facets(entry)
    found: dict[str, Any] = {}
    for name in names:
        found |= _statistics(facets.get(name))
    version = block(facets.get("version")).get("datasetVersion")
    return {**found, "version": str(version)} if version not in (None, "") else found


def _statistics(facet: object) -> dict[str, Any]:
    stated = block(facet)
    size = stated.get("size", stated.get("bytes", stated.get("bytesWritten")))
    rows, size = whole_number(stated.get("rowCount")), whole_number(size)
    return {k: v for k, v in (("rows", rows), ("bytes", size)) if v is not None}


def _columns(sketch: Sketch, job: str, output: str, entry: Mapping[str, Any]) -> None:
    fields = block(_facets(entry).get("columnLineage")).get("fields")
    pairs: list[tuple[str, Mapping[str, Any]]] = []
    if isinstance(fields, dict):
        pairs = [(str(name), block(each)) for name, each in fields.items()]
    else:
        pairs = [(str(block(each).get("name") or ""), block(each)) for each in listed(fields)]
    for name, each in pairs[:COLUMNS]:
        if not name:
            continue
        target = column(sketch, output, name)
        if job:
            sketch.edge(job, "WRITES_COL", target, observed=True, confidence="HIGH")
        for source in map(block, listed(each.get("inputFields"))):
            if not source.get("name") or not source.get("field"):
                continue
            origin = sketch.resolver.dataset(str(source.get("namespace", "")), str(source["name"]))
            read = column(sketch, origin, source["field"])
            if job:
                sketch.edge(job, "READS_COL", read, observed=True, confidence="HIGH")
            sketch.edge(read, "FEEDS", target, observed=True, confidence="HIGH")
