"""sfctl: trust for data jobs. `job`, `write`, `read` and `read_certified` are all a job imports.

This file is the last line of defence and stands on the standard library alone: whatever of ours
raises, at import or later, the job's data is still written as its author would have written it,
with acted columns redacted, and the degradation goes on record.
"""

from __future__ import annotations

import contextlib
import functools
import io
import json
import os
import sys
import time
import types
from datetime import UTC, datetime
from pathlib import Path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

__version__ = "0.1.0"
__all__ = [
    "PublishBlocked", "__version__", "certified_views", "job", "read", "read_certified", "write",
]  # fmt: skip

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
    fixed = _fixed(partition)
    trail: dict[str, Any] = {}
    try:
        from sfctl import wiring

        return wiring.session().write(df, urn, stage=stage, mode=mode, partition=fixed, trail=trail)
    except BaseException as error:
        if trail.get("answer") is error or not _is_fault(error):
            raise
        return _LastLine("write", error, urn, stage, trail).write(df, mode, fixed, fallback)


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
    fixed = _fixed(partition)
    trail: dict[str, Any] = {}
    try:
        from sfctl import wiring

        return wiring.session().read(urn, stage, fixed, as_, trail=trail)
    except BaseException as error:
        if trail.get("answer") is error or not _is_fault(error):
            raise
        last = _LastLine("read", error, urn, stage or "", trail)
        return last.read(fixed, as_, certified=False)


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
    except BaseException as error:
        if trail.get("answer") is error or not _is_fault(error):
            raise
        return _LastLine("read", error, urn, "gold", trail).read({}, as_, certified=True)


def certified_views(spark: Any) -> dict[str, int | None]:
    """Bring the views `gold_certified.<dataset>` of Spark SQL to the certified versions.

    Returns which version each view shows, None for `gold_latest.<dataset>`, which shows the newest
    where a dataset says `on_stale: serve_uncertified`. Call it where a session starts that reads
    them. Raises UsageError for a session that has ended or is of Spark Connect.
    """
    trail: dict[str, Any] = {}
    try:
        from sfctl import wiring

        return wiring.session().certified_views(spark, trail=trail)
    except BaseException as error:
        if trail.get("answer") is error or not _is_fault(error):
            raise
        _LastLine("views", error).report()
        return {}


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
            _LastLine("lifecycle", error).report()

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        try:
            if self.watch is not None:
                self.watch.end(error)
        except Exception as fault:  # noqa: BLE001
            _LastLine("lifecycle", fault).report()


class _LastLine:
    """What is done for one request after something of ours raised `error`."""

    def __init__(
        self, where: str, error: BaseException, urn: str = "", stage: str = "", trail: Any = None
    ) -> None:
        self.where, self.error, self.urn, self.stage = where, error, urn, stage
        self.trail: dict[str, Any] = trail or {}
        code = getattr(error, "code", "")
        self.cause = code if code and isinstance(code, str) else type(error).__name__
        self.root, self.manifest, known = _manifest()
        self.entry = _entry(self.manifest, urn)
        source = self.root / "datasets" / _canonical(urn).rpartition(":")[2]
        self.known = known and bool(self.entry or not (source / "policy_bundle.yaml").exists())
        if os.environ.get("SFCTL_DEBUG"):
            import traceback

            traceback.print_exception(error)

    def write(
        self,
        df: Any,
        mode: str,
        partition: dict[str, object],
        fallback: str | Callable[[Any], object] | None,
    ) -> Any:
        """Write what is not written yet as the user would have; return what can be said of it."""
        if done := self.trail.get("settled"):  # in the table, or held back as a whole
            return self.report(written=done)
        if any(kind.__module__.startswith("pyspark.sql") for kind in type(df).__mro__):
            from sfctl import bare_spark

            return bare_spark.write(self, df, mode, partition, fallback)
        frame, safe = self.trail.get("outgoing"), True
        if frame is None:
            frame, safe = self.protected(df)
        if not safe:
            return self.hold(frame)
        path = (self.entry.get("paths") or {}).get(self.stage)
        form = (self.entry.get("formats") or {}).get(self.stage) or self.entry.get("format")
        if path is None and isinstance(fallback, str):
            path, form = fallback, form or "parquet"
        if path is None and callable(fallback):
            fallback(df if frame is None else frame)
            return self.report(0 if frame is None else frame.height, "fallback")
        if path is None:
            self.report(written="nowhere: no place in target/manifest.json, no fallback=")
            raise self.error
        rows = _polars(df if frame is None else frame, partition)
        if form == "parquet":
            from sfctl import bare_snapshot

            version = bare_snapshot.write(rows, path, whole=mode == "overwrite")
        else:
            policy, key = _policy(self.root, self.entry), self.trail.get("write_key", "")
            from sfctl import bare_table

            version = bare_table.write(rows, path, mode, partition, policy, key)
        return self.report(rows.height, "table", version)

    def read(self, partition: dict[str, object], as_: str, *, certified: bool) -> Any:
        """Read as the user would have; a certified version only where the pin names one."""
        paths = self.entry.get("paths") or {}
        chosen = self.stage or next((stage for stage in STAGES[::-1] if stage in paths), "")
        if chosen not in paths or as_ not in ("pandas", "arrow", "polars"):
            raise self.error
        try:
            import deltalake
            import polars

            version = None
            if certified:
                pin = json.loads((Path(paths[chosen]) / "_sfctl" / "certified.json").read_bytes())
                version = int(pin["last_certified_version"])
            table = deltalake.DeltaTable(paths[chosen], version=version)
            if certified and pin.get("table", "") not in ("", str(table.metadata().id)):
                raise self.error
            frame: Any = polars.read_delta(table)
            for name, value in partition.items():
                frame = frame.filter(polars.col(name).cast(polars.String) == str(value))
        except Exception:  # noqa: BLE001  what went wrong first is what the user must hear
            raise self.error from None
        self.report(frame.height, "read")
        return {"pandas": frame.to_pandas, "arrow": frame.to_arrow, "polars": frame.clone}[as_]()

    def protected(self, df: Any) -> tuple[Any, bool]:
        """Return the rows with every acted column emptied, and whether they may be written so.

        None for rows that nothing acts on. Where nobody knows what is acted on, nothing may be.
        """
        if self.known and not self.entry.get("acted") and not self.entry.get("acts_on_all_strings"):
            return None, True
        import polars

        frame = _polars(df)
        empty = self.emptied(frame.columns)
        if empty is None:
            return frame, False
        kinds = {n: frame.schema[n] if v is None else polars.String for n, v in empty.items()}
        return frame.with_columns(polars.lit(v, kinds[n]).alias(n) for n, v in empty.items()), True

    def emptied(self, names: list[str]) -> dict[str, str | None] | None:
        """Return what each acted column is emptied with; None where rows may not be written so."""
        if not self.known or self.entry.get("acts_on_all_strings"):
            return None
        policy, empty = _policy(self.root, self.entry), dict[str, str | None]()
        columns = (policy.get("schema") or {}).get("columns") or ()
        never_null = {c["name"] for c in columns if c.get("nullable") is False or c.get("required")}
        fillers = {
            name: detection["placeholder"]
            for detection in policy.get("pii") or ()
            if detection.get("placeholder") is not None
            for name in detection.get("columns") or ()
        }
        for name in self.entry.get("acted") or ():
            whole = (
                name if name in names else name.partition(".")[0]
            )  # a field goes with its column
            if whole in names:
                empty[whole] = fillers.get(name)
                if name not in fillers and whole in never_null:
                    return None
        return empty

    def hold(self, frame: Any) -> Any:
        """Seal a batch that may not be written; if that cannot be done either, say so loudly."""
        name = "".join(c if c.isalnum() else "_" for c in f"{self.urn}-{self.stage}")
        file = f"{name}-{time.time_ns()}-{os.getpid()}.parquet.sealed"
        try:
            from sfctl.runtime import seal

            key, buffer, place = self.public_key(), io.BytesIO(), self.root / ".sfctl/sealed" / file
            frame.write_parquet(buffer)
            place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            place.write_bytes(seal.seal(buffer.getvalue(), key))
        except Exception as fault:  # noqa: BLE001
            _say(
                f"sfctl: NOT WRITTEN: {frame.height} rows for {self.urn}#{self.stage} may hold "
                f"personal data, and could be neither masked nor sealed ({type(fault).__name__})"
            )
            return self.report(frame.height, "nowhere")
        _say(f"sfctl: {frame.height} rows for {self.urn}#{self.stage} are sealed in {place}")
        return self.report(frame.height, "sealed")

    def public_key(self) -> bytes:
        """Return the key that batches are sealed to."""
        from sfctl.runtime import seal

        given = (self.manifest.get("target") or {}).get("settings", {}).get("quarantine_key")
        own = self.root / ".sfctl" / seal.PUBLIC  # an altered manifest may name a key of others
        named = given and (self.known or not own.is_file())
        return bytes.fromhex(given) if named else seal.read_key(own)

    def report(self, rows: int = 0, written: str = "", version: int | None = None) -> Any:
        """Put SDK_DEGRADED on record by hand; return the result of such a write."""
        hint = getattr(self.error, "hint", "")
        more = f"sfctl explain {self.cause}" if self.cause.startswith("SF") else ""
        if more not in hint:
            hint = f"{hint} ({more})" if hint else more
        _say(
            f"sfctl: degraded in {self.where} of {self.urn or 'the job'} ({self.cause})"
            + (f"; rows: {written}, not judged" if written else "")
            + (f"\n    hint: {hint}" if hint else "")
        )
        out = written in ("table", "fallback")
        result = {
            "dataset": self.entry.get("urn") or _canonical(self.urn), "stage": self.stage,
            "version": version, "rows_in": rows, "rows_good": 0, "rows_bad": 0,
            "rows_published": rows if out else 0, "rows_failed_published": 0,
            "rows_quarantined": rows if written == "sealed" else 0, "gates": [], "rules": [],
            "published": out, "certification": None, "verdict": "ERROR", "blocked": False,
            "evidence_safe": False, "written": written, "degraded": [f"{self.where}:{self.cause}"],
        }  # fmt: skip
        try:
            self.record(result)
        except Exception as fault:  # noqa: BLE001
            _say(f"sfctl: the degradation could not be recorded ({type(fault).__name__})")
        return types.SimpleNamespace(**result)

    def record(self, result: Mapping[str, Any]) -> None:
        """Write one line of the outbox, and one of the run's journal where there is one."""
        import hashlib
        import zlib

        env = os.environ.get
        now = datetime.now(UTC)
        at = now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        run = str(self.trail.get("run_id") or env("SFCTL_RUN_ID") or f"run-{at}-{os.getpid()}")
        unique = f"{run}\0{self.where}\0{self.cause}\0{time.time_ns()}\0{os.getpid()}"
        number = int(now.timestamp() * 1000) << 80
        number |= int.from_bytes(hashlib.sha256(unique.encode()).digest()[:10], "big")
        letters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
        told = {"gates": [], "failed_gates": [], "reason_codes": [f"SDK_DEGRADED:{self.where}"]}
        event = {
            "schema": "urn:schema:evidence:3",
            "evidence_id": "evd-" + "".join(letters[number >> s & 31] for s in range(125, -1, -5)),
            "kind": "SDK_DEGRADED",
            "timestamp": at,
            "dataset_urn": result["dataset"],
            "stage": self.stage,
            "run_id": run,
            "job_urn": f"urn:job:{env('SFCTL_JOB')}" if env("SFCTL_JOB") else "",
            "attempt": int(env("SFCTL_ATTEMPT") or 0),
            "logical_date": env("SFCTL_LOGICAL_DATE") or "",
            "runtime_type": env("SFCTL_RUNTIME") or "python",
            "validation": {"result": "WARN", **told},
            "where": self.where,
            "error": self.cause,
            "rows": result["rows_in"],
            "written": result["written"],
        }
        body = json.dumps({k: v for k, v in event.items() if v != ""}).encode()
        outbox = self.root / ".sfctl" / "outbox"
        outbox.mkdir(parents=True, exist_ok=True)
        name = "".join(c if c.isalnum() or c in "_.-" else "_" for c in run)[:100]
        draft = outbox / f"{name}-{os.getpid()}-{time.time_ns()}.draft"
        draft.write_bytes(b"%08x %s\n" % (zlib.crc32(body), body))
        draft.rename(draft.with_suffix(".outbox"))
        if folder := env("SFCTL_RUN_FOLDER"):
            entry = {"kind": "write" if self.where == "write" else "degraded", "value": result}
            with (Path(folder) / f"journal-{os.getpid()}.jsonl").open("a") as journal:
                journal.write(json.dumps(entry) + "\n")


def _is_fault(error: BaseException) -> bool:
    """Say whether that is a fault: Rust code that panics raises what is no Exception."""
    return isinstance(error, Exception) or type(error).__name__ == "PanicException"


def _polars(df: Any, partition: Mapping[str, object] | None = None) -> Any:
    import polars

    if hasattr(df, "compute"):
        df = df.compute()
    frame = df.collect() if isinstance(df, polars.LazyFrame) else polars.DataFrame(df)
    missing = {n: v for n, v in (partition or {}).items() if n not in frame.columns}
    return frame.with_columns([polars.lit(value).alias(name) for name, value in missing.items()])


def _manifest() -> tuple[Path, dict[str, Any], bool]:
    """Return the project's folder, what compile left there, and whether that is all and unaltered.

    Where no project is named and none is around there is no policy: that is all there is to know.
    """
    import hashlib

    named = os.environ.get("SFCTL_PROJECT_DIR")
    starts = [Path(named or ".").absolute(), *(Path(name).absolute() for name in sys.argv[:1])]
    for folder in (folder for start in starts for folder in (start, *start.parents)):
        file = folder / "target" / "manifest.json"
        if not any(p.exists() for p in (file, folder / "sfctl.yml", file.parent / "policies")):
            continue
        try:
            manifest = json.loads(file.read_bytes())
            entries = manifest.get("datasets", {}).values()
            whole = not {"", None} & {entry.get("policy") for entry in entries}
            told = {k: manifest[k] for k in manifest.keys() - {"digest", "compiled_at", "compiler"}}
            text = json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
            digest = "sha256:" + hashlib.sha256(text.encode()).hexdigest()
            return folder, manifest, whole and digest == manifest["digest"]
        except Exception:  # noqa: BLE001  whatever it is, nobody knows what is acted on
            return folder, {}, False
    return starts[0], {}, not named


def _canonical(urn: str) -> str:
    name = urn.partition("#")[0]
    return "urn:dp:" + name[5:].replace("/", ":", 1) if name.startswith("ds://") else name


def _entry(manifest: Mapping[str, Any], urn: str) -> dict[str, Any]:
    datasets: dict[str, dict[str, Any]] = manifest.get("datasets") or {}
    if (name := _canonical(urn)) in datasets:
        return datasets[name]
    named = (e for e in datasets.values() if urn in (e.get("name"), *(e.get("aliases") or ())))
    return next(named, {})


def _policy(root: Any, entry: Mapping[str, Any]) -> dict[str, Any]:
    try:
        policy = json.loads((root / "target" / entry["policy"]).read_bytes())
    except (OSError, ValueError, KeyError):
        return {}
    own = isinstance(policy, dict) and policy.get("dataset_urn") == entry.get("urn")
    return policy if own else {}


def _one_of(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise ValueError(f"{name} is {value!r}, expected one of {', '.join(known)}")


def _fixed(partition: Mapping[str, object] | None) -> dict[str, object]:
    """Return the partition; `["dt"]`, as Spark takes it, would be read as `{"d": "t"}`."""
    if partition is None or hasattr(partition, "keys"):
        return dict(partition or {})
    raise ValueError(
        f"partition is {partition!r}, expected values by name such as {{'dt': date}}; columns of "
        "the rows to partition by are the stage's `partition_by` in dataset.yaml"
    )


def _say(line: str) -> None:
    with contextlib.suppress(OSError, ValueError, AttributeError):
        print(line, file=sys.stderr, flush=True)  # noqa: T201
