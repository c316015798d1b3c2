"""sfctl: trust for data jobs. `job`, `write`, `read` and `read_certified` are all a job imports.

This file is the last line of defence and stands on the standard library alone: whatever of ours
raises, at import or later, the job's data is still written as its author would have written it,
with acted columns redacted, and the degradation goes on record.
"""

from __future__ import annotations

import functools

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

__version__ = "0.1.0"
__all__ = ["PublishBlocked", "__version__", "job", "read", "read_certified", "write"]

STAGES = ("bronze", "silver", "gold")
MODES = ("append", "overwrite", "overwrite_partitions", "merge")
FORMS = ("pandas", "arrow", "polars", "dask", "spark", "duckdb")


def job(name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Report the start, the life and the end of a function (plain or `async`) as a job.

    Its result and its exception pass through untouched. Raises TypeError for generators.
    """
    import inspect

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise TypeError(f"a generator such as {function.__name__} cannot be a job")
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def awaited(*args: Any, **kwargs: Any) -> Any:
                with _Watched(name):
                    return await function(*args, **kwargs)

            return awaited

        @functools.wraps(function)
        def called(*args: Any, **kwargs: Any) -> Any:
            with _Watched(name):
                return function(*args, **kwargs)

        return called

    return decorate


def write(
    df: Any,
    urn: str,
    stage: str = "gold",
    mode: str = "append",
    partition: Mapping[str, object] | None = None,
    fallback: str | Callable[[Any], object] | None = None,
) -> Any:
    """Judge rows, publish what may be published, hold back the rest; return the WriteResult.

    `fallback` is a path or a callable for the day everything of ours is broken. Raises
    PublishBlocked where enforcement says no (rows and evidence are safe by then), ValueError or
    UsageError for a request that cannot be meant, and what the bare write raises if that fails.
    """
    _one_of("stage", stage, STAGES)
    _one_of("mode", mode, MODES)
    fixed = dict(partition or {})
    trail: dict[str, Any] = {}
    try:
        from sfctl import wiring

        return wiring.session().write(df, urn, stage=stage, mode=mode, partition=fixed, trail=trail)
    except Exception as error:
        if trail.get("answer") is error:
            raise
        return _write_bare(df, urn, stage, mode, fixed, fallback, trail, error)


def read(
    urn: str,
    stage: str | None = None,
    partition: Mapping[str, object] | None = None,
    as_: str = "pandas",
) -> Any:
    """Return the newest rows of a stage, gold unless there is none; the version read is recorded.

    Raises SourceError when there is no table, MissingExtra when the library of `as_` is missing.
    """
    _one_of("as_", as_, FORMS)
    trail: dict[str, Any] = {}
    try:
        from sfctl import wiring

        return wiring.session().read(urn, stage, dict(partition or {}), as_, trail=trail)
    except Exception as error:
        if trail.get("answer") is error:
            raise
        return _read_bare(urn, stage, dict(partition or {}), as_, error, certified=False)


def read_certified(urn: str, as_: str = "pandas", allow_uncertified: bool = False) -> Any:
    """Return the last certified version of a dataset, never anything newer.

    `attrs` of a pandas frame (the schema's metadata of an Arrow table) tells `certified_at`,
    `status` and `version`. `allow_uncertified` takes the newest version where the dataset says
    `on_stale: serve_uncertified` and the view is held. Raises SourceError when nothing was ever
    certified, MissingExtra when the library of `as_` is missing.
    """
    _one_of("as_", as_, FORMS)
    trail: dict[str, Any] = {}
    try:
        from sfctl import wiring

        return wiring.session().read_certified(
            urn, as_, allow_uncertified=allow_uncertified, trail=trail
        )
    except Exception as error:
        if trail.get("answer") is error:
            raise
        return _read_bare(urn, "gold", {}, as_, error, certified=True)


def __getattr__(name: str) -> Any:
    """Find PublishBlocked when it is asked for; an `except` clause needs it even on a bad day."""
    if name != "PublishBlocked":
        raise AttributeError(f"module 'sfctl' has no attribute {name!r}")
    try:
        from sfctl.errors import PublishBlocked
    except Exception:  # noqa: BLE001  never raised then, but `except` must be able to name it
        return type("PublishBlocked", (Exception,), {"__module__": "sfctl"})
    return PublishBlocked


class _Watched:
    """The life of one call of a job. Nothing in here ever reaches the job."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.watch: Any = None

    def __enter__(self) -> None:
        try:
            from sfctl import wiring

            self.watch = wiring.session().begin(self.name)
        except Exception as error:  # noqa: BLE001
            _degraded("lifecycle", error, "", "", {})

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        try:
            if self.watch is not None:
                self.watch.end(error)
        except Exception as fault:  # noqa: BLE001
            _degraded("lifecycle", fault, "", "", {})


def _write_bare(
    df: Any,
    urn: str,
    stage: str,
    mode: str,
    partition: dict[str, object],
    fallback: str | Callable[[Any], object] | None,
    trail: dict[str, Any],
    error: Exception,
) -> Any:
    """Write what is not written yet as the user would have; return what can be said of it."""
    if trail.get("settled"):  # in the table, or held back as a whole: once is enough
        return _degraded("write", error, urn, stage, trail, written=trail["settled"])
    root, manifest, known = _manifest()
    entry = _entry(manifest, urn)
    path = (entry.get("paths") or {}).get(stage)
    form = (entry.get("formats") or {}).get(stage) or entry.get("format", "delta")
    if path is None and isinstance(fallback, str):
        path, form = fallback, "delta" if form == "delta" and entry else "parquet"
    frame, safe = trail.get("outgoing"), True
    if frame is None:
        frame, safe = _protected(df, root, entry, known=known)
    if not safe:
        return _hold(frame, root, manifest, urn, stage, trail, error)
    if path is None and callable(fallback):
        fallback(df if frame is None else frame)
        return _degraded("write", error, urn, stage, trail, frame=frame, written="fallback")
    if path is None:
        _say(f"sfctl: {urn}#{stage} has no place in target/manifest.json and no fallback= is given")
        _degraded("write", error, urn, stage, trail, written="nowhere")
        raise error
    rows = _columns_added(_polars(df) if frame is None else frame, partition)
    version = _bare_table(rows, path, form, mode, partition, _policy(root, entry))
    return _degraded(
        "write", error, urn, stage, trail, frame=rows, written="table", version=version
    )


def _read_bare(
    urn: str,
    stage: str | None,
    partition: dict[str, object],
    as_: str,
    error: Exception,
    *,
    certified: bool,
) -> Any:
    """Read as the user would have; a certified version only where the pin names one."""
    import json
    from pathlib import Path

    paths = _entry(_manifest()[1], urn).get("paths") or {}
    path = paths.get(stage) if stage else next((paths[s] for s in STAGES[::-1] if s in paths), None)
    if path is None or as_ not in ("pandas", "arrow", "polars"):
        raise error
    try:
        import deltalake
        import polars

        version = None
        if certified:
            pin = json.loads((Path(path) / "_sfctl" / "certified.json").read_bytes())
            version = int(pin["last_certified_version"])
        frame: Any = polars.read_delta(deltalake.DeltaTable(path, version=version))
        for name, value in partition.items():
            frame = frame.filter(polars.col(name).cast(polars.String) == str(value))
    except Exception:  # noqa: BLE001  what went wrong first is what the user must hear
        raise error from None
    _degraded("read", error, urn, stage or "", {})
    return {"pandas": frame.to_pandas, "arrow": frame.to_arrow, "polars": frame.clone}[as_]()


def _protected(df: Any, root: Any, entry: Mapping[str, Any], *, known: bool) -> tuple[Any, bool]:
    """Return the rows with every acted column emptied, and whether they may be written so.

    None for rows that nothing acts on. Where nobody knows what is acted on, nothing may be written.
    """
    acted = list(entry.get("acted") or ())
    if known and not acted and not entry.get("acts_on_all_strings"):
        return None, True
    frame = _polars(df)
    if not known or entry.get("acts_on_all_strings"):
        return frame, False
    import polars

    policy = _policy(root, entry)
    columns = (policy.get("schema") or {}).get("columns") or ()
    never_null = {c["name"] for c in columns if c.get("nullable") is False or c.get("required")}
    fillers = {
        name: entry["placeholder"]
        for entry in policy.get("pii") or ()
        if entry.get("placeholder") is not None
        for name in entry.get("columns") or ()
    }
    present = [name for name in acted if name in frame.columns]
    if any(name in never_null and name not in fillers for name in present):
        return frame, False
    empty = [polars.lit(fillers.get(n), dtype=polars.String).alias(n) for n in present]
    return frame.with_columns(empty), True


def _hold(
    frame: Any, root: Any, manifest: Any, urn: str, stage: str, trail: Any, error: Exception
) -> Any:
    """Seal a batch that may not be written; if that cannot be done either, say so loudly."""
    import io
    import os
    import time

    name = "".join(c if c.isalnum() else "_" for c in f"{urn}-{stage}")
    try:
        from sfctl.runtime import seal

        given = (manifest.get("target") or {}).get("settings", {}).get("quarantine_key")
        key = bytes.fromhex(given) if given else seal.read_key(root / ".sfctl" / seal.PUBLIC)
        buffer = io.BytesIO()
        frame.write_parquet(buffer)
        place = root / ".sfctl" / "sealed" / f"{name}-{time.time_ns()}-{os.getpid()}.parquet.sealed"
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        place.write_bytes(seal.seal(buffer.getvalue(), key))
    except Exception as fault:  # noqa: BLE001
        _say(
            f"sfctl: NOT WRITTEN: {frame.height} rows for {urn}#{stage} hold personal data that "
            f"could neither be masked ({type(error).__name__}) nor sealed ({type(fault).__name__})"
        )
        return _degraded("write", error, urn, stage, trail, frame=frame, written="nowhere")
    _say(f"sfctl: {frame.height} rows for {urn}#{stage} are sealed in {place}")
    return _degraded("write", error, urn, stage, trail, frame=frame, written="sealed")


def _bare_table(
    frame: Any, path: str, form: str, mode: str, partition: dict[str, object], policy: Any
) -> int | None:
    """Write rows with delta-rs, or as the next snapshot of a Parquet table; return the version."""
    if form != "delta":
        return _bare_snapshot(frame, path, whole=mode == "overwrite")
    import deltalake

    commit: Any = deltalake.write_deltalake
    if not deltalake.DeltaTable.is_deltatable(path):
        commit(path, frame, partition_by=list(partition) or None)
        return 0
    keys = policy.get("primary_key") or ()
    if mode == "merge" and keys:
        same = " AND ".join(f't."{k}" = s."{k}"' for k in keys)
        table = deltalake.DeltaTable(path)
        merge = table.merge(frame, same, source_alias="s", target_alias="t", merge_schema=True)
        merge.when_matched_update_all().when_not_matched_insert_all().execute()
        return int(table.version())
    if mode == "merge":
        raise ValueError("mode merge needs primary_key in dataset.yaml")
    if mode == "overwrite_partitions" and partition:
        quoted = {k: "'" + str(v).replace("'", "''") + "'" for k, v in partition.items()}
        where = " AND ".join(f'"{k}" = {v}' for k, v in quoted.items())
        commit(path, frame, mode="overwrite", predicate=where, schema_mode="merge")
    elif mode == "overwrite":
        commit(path, frame, mode="overwrite", schema_mode="overwrite")
    else:
        commit(path, frame, mode="append", schema_mode="merge")
    return int(deltalake.DeltaTable(path).version())


def _bare_snapshot(frame: Any, path: str, *, whole: bool) -> int:
    """Add one version to a Parquet table: a data file, and a manifest that lists all files."""
    import json
    import time
    from datetime import UTC, datetime
    from pathlib import Path

    name = f"data/{time.time_ns():x}.parquet"
    for folder in ("data", "_versions"):
        (Path(path) / folder).mkdir(parents=True, exist_ok=True)
    frame.write_parquet(Path(path) / name)
    files = sorted((Path(path) / "_versions").glob("*.json"))
    last = json.loads(files[-1].read_bytes()) if files else {"version": -1}
    document = {
        **{"partition_by": [], "keys": {}, "schema": "sfctl.snapshot.v1"},
        **last,
        "version": last["version"] + 1,
        "at": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "operation": "WRITE",
        "note": "",
        "files": [*([] if whole else last.get("files", [])), {"path": name, "rows": frame.height}],
    }
    with (Path(path) / "_versions" / f"{document['version']:020d}.json").open("x") as manifest:
        manifest.write(json.dumps(document))
    return int(document["version"])


def _polars(df: Any) -> Any:
    import polars

    if isinstance(df, polars.DataFrame):
        return df
    if hasattr(df, "collect") and isinstance(df, polars.LazyFrame):
        return df.collect()
    if hasattr(df, "compute"):
        df = df.compute()
    if type(df).__module__.partition(".")[0] == "pandas":
        return polars.from_pandas(df)
    return polars.DataFrame(df)


def _columns_added(frame: Any, partition: dict[str, object]) -> Any:
    import polars

    missing = [name for name in partition if name not in frame.columns]
    return frame.with_columns([polars.lit(partition[n]).alias(n) for n in missing])


def _manifest() -> tuple[Any, dict[str, Any], bool]:
    """Return the project's folder, what compile left there, and whether that could be read.

    A project that was never compiled has nothing to read, which is not the same as a broken file.
    """
    import json
    import os
    import sys
    from pathlib import Path

    starts = [Path(os.environ.get("SFCTL_PROJECT_DIR") or "."), Path(sys.argv[0] or ".")]
    for start in starts:
        here = start.absolute()
        for folder in (here, *here.parents):
            file = folder / "target" / "manifest.json"
            if file.is_file():
                try:
                    manifest = json.loads(file.read_bytes())
                    return folder, manifest if isinstance(manifest, dict) else {}, True
                except (OSError, ValueError):
                    return folder, {}, False
            if (folder / "sfctl.yml").is_file():
                return folder, {}, True
    return starts[0].absolute(), {}, True


def _entry(manifest: Mapping[str, Any], urn: str) -> dict[str, Any]:
    name = urn.partition("#")[0]
    if name.startswith("ds://"):
        name = "urn:dp:" + name[5:].replace("/", ":", 1)
    datasets: dict[str, dict[str, Any]] = manifest.get("datasets") or {}
    if name in datasets:
        return datasets[name]
    named = (e for e in datasets.values() if urn in (e.get("name"), *(e.get("aliases") or ())))
    return next(named, {})


def _policy(root: Any, entry: Mapping[str, Any]) -> dict[str, Any]:
    import json

    try:
        policy = json.loads((root / "target" / entry["policy"]).read_bytes())
    except (OSError, ValueError, KeyError):
        return {}
    return policy if isinstance(policy, dict) else {}


def _degraded(
    where: str,
    error: BaseException,
    urn: str,
    stage: str,
    trail: Mapping[str, Any],
    *,
    frame: Any = None,
    written: str = "",
    version: int | None = None,
) -> Any:
    """Put an SDK_DEGRADED event into the outbox by hand; return the result of such a write."""
    import types

    cause = str(getattr(error, "code", "") or type(error).__name__)
    place = {"table": "the data is written, unjudged", "settled": "the data is in place"}
    _say(
        f"sfctl: degraded in {where} of {urn or 'the job'} ({cause}); {place.get(written, written)}"
    )
    rows = frame.height if frame is not None else 0
    published = rows if written in ("table", "fallback") else 0
    result = {
        "dataset": urn, "stage": stage, "version": version, "rows_in": rows, "rows_good": 0,
        "rows_bad": 0, "rows_published": published, "rows_failed_published": 0,
        "rows_quarantined": rows if written == "sealed" else 0, "gates": [],
        "published": written in ("table", "fallback"), "certification": None, "verdict": "ERROR",
        "blocked": False, "degraded": [f"{where}:{cause}"], "written": written,
    }  # fmt: skip
    try:
        _record(where, cause, urn, stage, trail, result)
    except Exception as fault:  # noqa: BLE001
        _say(f"sfctl: the degradation could not be recorded ({type(fault).__name__})")
    return types.SimpleNamespace(**result)


def _record(
    where: str, cause: str, urn: str, stage: str, trail: Mapping[str, Any], result: dict[str, Any]
) -> None:
    import hashlib
    import json
    import os
    import time
    import zlib
    from datetime import UTC, datetime
    from pathlib import Path

    root = _manifest()[0]
    env = os.environ.get
    now = datetime.now(UTC)
    at = now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    run = str(trail.get("run_id") or env("SFCTL_RUN_ID") or f"run-{at}-{os.getpid()}")
    dataset = urn.partition("#")[0]
    if dataset.startswith("ds://"):
        dataset = "urn:dp:" + dataset[5:].replace("/", ":", 1)
    unique = f"{run}\0{where}\0{cause}\0{dataset}\0{stage}\0{time.time_ns()}\0{os.getpid()}"
    number = int(now.timestamp() * 1000) << 80
    number |= int.from_bytes(hashlib.sha256(unique.encode()).digest()[:10], "big")
    letters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
    event = {
        "schema": "urn:schema:evidence:3",
        "evidence_id": "evd-" + "".join(letters[number >> s & 31] for s in range(125, -1, -5)),
        "kind": "SDK_DEGRADED",
        "timestamp": at,
        "dataset_urn": dataset,
        "stage": stage,
        "job_urn": f"urn:job:{env('SFCTL_JOB')}" if env("SFCTL_JOB") else "",
        "run_id": run,
        "attempt": int(env("SFCTL_ATTEMPT") or 0),
        "logical_date": env("SFCTL_LOGICAL_DATE") or "",
        "runtime_type": env("SFCTL_RUNTIME") or "python",
        "validation": {"result": "WARN", "gates": [], "reason_codes": [f"SDK_DEGRADED:{where}"]},
        "where": where,
        "error": cause,
        "rows": result["rows_in"],
        "written": result["written"],
    }
    body = json.dumps({k: v for k, v in event.items() if v != ""}, separators=(",", ":")).encode()
    outbox = root / ".sfctl" / "outbox"
    outbox.mkdir(parents=True, exist_ok=True)
    name = "".join(c if c.isalnum() or c in "_.-" else "_" for c in run)[:100]
    file = outbox / f"{name}-{os.getpid()}-{time.time_ns()}.outbox"
    draft = file.with_suffix(".draft")
    draft.write_bytes(b"%08x %s\n" % (zlib.crc32(body), body))
    draft.rename(file)
    if folder := env("SFCTL_RUN_FOLDER"):
        kind = "write" if where == "write" else "degraded"
        line = json.dumps({"kind": kind, "value": result}) + "\n"
        with (Path(folder) / f"journal-{os.getpid()}.jsonl").open("a") as journal:
            journal.write(line)


def _one_of(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise ValueError(f"{name} is {value!r}, expected one of {', '.join(known)}")


def _say(line: str) -> None:
    import sys

    try:
        print(line, file=sys.stderr, flush=True)  # noqa: T201
    except (OSError, ValueError, AttributeError):
        return
