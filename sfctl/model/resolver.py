"""The one place that maps the names others use for a dataset or job to our URNs.

Topics, storage paths and OpenLineage's (namespace, name) all end here, so that one table is one
node whoever speaks of it. What nothing knows keeps its name and is an orphan.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from sfctl.model import urn
from sfctl.model.topology import Topology

_PARTITION = re.compile(
    r"[A-Za-z_][\w.-]*=[^/]*"
    r"|\d{4}-\d{2}(?:-\d{2})?(?:[T_ -]\d{2}(?:[:-]?\d{2}){0,2}Z?)?"
    r"|(?:19|20)\d{6}"
    r"|part-[^/]*"
)
_DATE_FOLDERS = re.compile(r"/(?:19|20)\d{2}/(?:0?[1-9]|1[0-2])(?:/\d{1,2}){0,2}$")
_SAME_SCHEME = {"s3a": "s3", "s3n": "s3", "wasbs": "wasb", "abfss": "abfs"}
_SCHEME = re.compile(r"([A-Za-z][\w+.-]*):/{0,3}(.*)", re.DOTALL)
DATASET, JOB = "dataset:", "job:"


class Resolver:
    """Looks names up among a project's datasets, aliases and jobs."""

    def __init__(self, topology: Topology) -> None:
        self._jobs = topology.jobs
        self._datasets = topology.datasets
        self._names: dict[str, str] = {}
        self._stages = _stages(topology)
        for dataset, entry in sorted(topology.datasets.items()):
            for alias in entry.aliases:
                self._names.setdefault(normal(alias), dataset)
        for dataset, entry in sorted(topology.datasets.items()):
            for stage, path in sorted(entry.paths.items()):
                self._names.setdefault(normal(path), urn.with_stage(dataset, stage))

    def dataset(self, namespace: str, name: str) -> str:
        """Return a dataset's URN, with `#stage` where the name is a stage's storage.

        A name that nothing knows gives `dataset:<namespace>/<name>` without its partition.
        """
        known = self.reference(name) if urn.is_dataset(name) else ""
        if known:
            return known
        full = name if "://" in name else f"{namespace.rstrip('/')}/{name.lstrip('/')}"
        if namespace in ("file", "file://", "") and name.startswith("/"):
            full = name
        known = self._longest(normal(full)) or self._names.get(normal(name), "")
        return known or f"{DATASET}{namespace}/{bare(name)}"

    def path(self, text: str) -> str:
        """Return the URN of the dataset that a path or URL lies in, or empty text."""
        return self._longest(normal(text))

    def topic(self, name: str) -> str:
        """Return the URN of a topic's dataset, or empty text."""
        return self._names.get(normal(name), "")

    def reference(self, text: str) -> str:
        """Return the canonical form of a name in a spec or event: URN, path, alias, else itself."""
        if urn.is_dataset(text):
            return urn.canonical(text)
        if text.startswith(DATASET):
            rest = text.removeprefix(DATASET)
            known = self._longest(normal(rest)) or self._names.get(rest.rpartition("/")[2], "")
            return known or DATASET + bare_of(rest)
        if text.startswith(("urn:", JOB)):
            return text
        return self._longest(normal(text)) or text

    def outlet(self, dataset: str) -> str:
        """Return the stage table that readers of a dataset get: the last one that a job writes.

        The name itself where it has a stage or no job writes one.
        """
        stages = self._stages.get(dataset)
        return urn.with_stage(dataset, stages[-1]) if stages else dataset

    def inlet(self, dataset: str) -> str:
        """Return the stage table that data enters a dataset by: the first one that a job writes."""
        stages = self._stages.get(dataset)
        return urn.with_stage(dataset, stages[0]) if stages else dataset

    def job(self, namespace: str, name: str) -> str:
        """Return the URN of a job of ours, else `job:<namespace>/<name>`."""
        ours = name if name.startswith("urn:job:") else urn.job(name)
        return ours if ours in self._jobs or ours == name else f"{JOB}{namespace}/{name}"

    def job_reference(self, text: str) -> str:
        """Return a job's URN for its name, `urn:job:…` or `job:<namespace>/<name>`.

        `<namespace>:<name>`, as producers write it, is read likewise; other text is empty.
        """
        if text.startswith("urn:job:"):
            return text
        if text.startswith(JOB):
            last = urn.job(text.rpartition("/")[2])
            return last if last in self._jobs else text
        if urn.job(text) in self._jobs:
            return urn.job(text)
        namespace, colon, name = text.partition(":")
        return self.job(namespace, name) if colon and name and namespace != "urn" else ""

    def orphans(self, names: Iterable[str]) -> list[str]:
        """Return those of some node ids that stand for nothing registered, sorted."""
        return sorted({name for name in names if is_orphan(name) or self._unregistered(name)})

    def _unregistered(self, name: str) -> bool:
        return urn.is_dataset(name) and urn.without_stage(name) not in self._datasets

    def _longest(self, text: str) -> str:
        walks = "://" in text or text.startswith("/")
        while text not in self._names:
            text = text.rpartition("/")[0] if walks else ""
            if not text:
                return ""
        return self._names[text]


def is_orphan(name: str) -> bool:
    """Tell whether a node id is a name that no URN was found for."""
    return name.startswith((DATASET, JOB))


def bare_of(name: str) -> str:
    """Return `<namespace>/<name>` with the name bare; a URL's slashes stay."""
    scheme, mark, rest = name.partition("://")
    return f"{scheme}{mark}{bare(rest)}" if mark else bare(name)


def _stages(topology: Topology) -> dict[str, list[str]]:
    """Return the stages that jobs write of each dataset, in order."""
    written: dict[str, set[str]] = {}
    for job in topology.jobs.values():
        for output in job.outputs:
            dataset, _, stage = output.partition("#")
            if stage in urn.STAGES:
                written.setdefault(dataset, set()).add(stage)
    return {name: sorted(stages, key=urn.STAGES.index) for name, stages in written.items()}


def normal(text: str) -> str:
    """Return a name as it is compared: one spelling of a scheme, no partition, no slash at its end.

    `s3a://b//x/dt=2024-01-01/` and `s3://b/x` are one.
    """
    match = _SCHEME.fullmatch(text)
    if match is None or "/" not in text[: match.start(2)]:
        return bare(text)
    scheme = match[1].lower()
    if scheme == "file":
        return bare("/" + match[2].removeprefix("localhost"))
    return f"{_SAME_SCHEME.get(scheme, scheme)}://{bare(match[2])}"


def bare(name: str) -> str:
    """Return a name without slashes doubled or at its end, partition folders and part files."""
    name = re.sub(r"/{2,}", "/", name.strip())
    while True:
        name = name.rstrip("/") or name[:1]
        head, slash, last = name.rpartition("/")
        if slash and head and _PARTITION.fullmatch(last):
            name = head
            continue
        shorter = _DATE_FOLDERS.sub("", name)
        if not shorter or shorter == name:
            return name
        name = shorter
