"""Which datasets a command is about: dbt's selector language over a loaded project.

A space joins selectors (union), a comma within one narrows it (intersection), `+` before or after
adds what lies upstream or downstream along the jobs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from sfctl.errors import SpecError, UsageError
from sfctl.spec.dataset import DatasetFiles
from sfctl.spec.project import Project
from sfctl.spec.reference import Names
from sfctl.spec.tree import Node
from sfctl.spec.wording import clipped, suggestion

METHODS = ("name", "tag", "tier", "owner", "path", "state", "result")
STATES = ("modified", "new", "unmodified")


@dataclass(frozen=True, slots=True)
class History:
    """What `state:` and `result:` compare with; all keyed by dataset name.

    `current` and `previous` map to digests of the compiled policies, `results` to the verdicts of
    the last run, such as `pass` or `fail`. None means that there is none.
    """

    current: Mapping[str, str] = field(default_factory=dict)
    previous: Mapping[str, str] | None = None
    results: Mapping[str, str] | None = None


def select(
    project: Project,
    selectors: Sequence[str] = (),
    exclude: Sequence[str] = (),
    history: History | None = None,
) -> tuple[DatasetFiles, ...]:
    """Return the datasets that the selectors name, in the project's order; all without any.

    Raises UsageError where a selector means nothing here, and where nothing is left; SpecError
    where it names a dataset that is left out for its errors.
    """
    chooser = _Chooser(project, history or History())
    wanted = _words(selectors)
    chosen = chooser.union(wanted) if wanted else set(chooser.datasets)
    dropped = chooser.union(_words(exclude))
    kept = tuple(each for each in project.datasets if each.name in chosen - dropped)
    if not kept and (wanted or dropped):
        said = " ".join(wanted) + (f" --exclude {' '.join(_words(exclude))}" if dropped else "")
        raise UsageError(
            f"nothing selected by `{clipped(said.strip())}`",
            hint="loosen the selector, or leave it out to take every dataset",
            code="SF141",
        )
    return kept


def _words(selectors: Sequence[str]) -> list[str]:
    return [word for selector in selectors for word in selector.split()]


class _Chooser:
    """Answers selectors over one project."""

    def __init__(self, project: Project, history: History) -> None:
        self.project = project
        self.datasets = {each.name: each for each in project.datasets}
        self.history = history
        self.names = Names()
        for each in project.datasets:
            self.names.add(each.name, each.dataset)
        self.above: dict[str, set[str]] = {}
        self.below: dict[str, set[str]] = {}
        for job in project.jobs:
            inputs, outputs = self._ends(job, "inputs"), self._ends(job, "outputs")
            for source in inputs:
                for sink in outputs - {source}:
                    self.below.setdefault(source, set()).add(sink)
                    self.above.setdefault(sink, set()).add(source)

    def _ends(self, job: Node, key: str) -> set[str]:
        found = set()
        for item in job.get(key) or ():
            text = item.string("dataset") if item.is_mapping else item.text
            folder = self.names.folder(text)
            if folder in self.datasets:
                found.add(folder)
        return found

    def union(self, words: Iterable[str]) -> set[str]:
        return set().union(*(self.intersection(word) for word in words))

    def intersection(self, word: str) -> set[str]:
        parts = word.split(",")
        chosen = self.expanded(parts[0])
        for part in parts[1:]:
            chosen &= self.expanded(part)
        return chosen

    def expanded(self, part: str) -> set[str]:
        up, down = part.startswith("+"), part.endswith("+") and len(part) > 1
        core = part[1 if up else 0 : -1 if down else None]
        chosen = self.matching(core)
        found = set(chosen)
        if up:
            found |= _reachable(chosen, self.above)
        if down:
            found |= _reachable(chosen, self.below)
        return found

    def matching(self, core: str) -> set[str]:
        method, colon, value = core.partition(":")
        if not colon or core.startswith(("urn:", "ds:")):
            return self.named(core)
        if method not in METHODS:
            raise _unknown(f"unknown selector method `{clipped(method)}:`", method, METHODS)
        if not value:
            raise _unknown(f"selector `{core}` has no value", "", ())
        if method == "name":
            return self.named(value)
        if method == "path":
            return self.under(value)
        if method == "state":
            return self.changed(value)
        if method == "result":
            return self.ended(value)
        return self.labelled(method, value)

    def named(self, value: str) -> set[str]:
        folder = self.names.folder(value)
        if folder in self.datasets:
            return {folder}
        found = {name for name in self.datasets if fnmatchcase(name, value)}
        if not found and value in self.project.broken:
            raise SpecError(
                each for each in self.project.errors if each.path.startswith(f"datasets/{value}/")
            )
        if not found:
            known = [*self.names.folders, *self.project.broken]
            raise _unknown(f"unknown dataset `{clipped(value)}`", value, known)
        return found

    def labelled(self, method: str, value: str) -> set[str]:
        labels = {name: self._labels(each, method) for name, each in self.datasets.items()}
        if method == "tier" and value.isdigit():
            value = f"TIER_{value}"
        found = {name for name, own in labels.items() if any(fnmatchcase(o, value) for o in own)}
        if not found:
            known = sorted(set().union(*labels.values()))
            raise _unknown(f"no dataset has {method} `{clipped(value)}`", value, known)
        return found

    def _labels(self, dataset: DatasetFiles, method: str) -> set[str]:
        if method == "tag":
            return set(dataset.dataset.strings("tags"))
        return {dataset.dataset.string("tier" if method == "tier" else "owner_team")}

    def under(self, value: str) -> set[str]:
        folder = value.removeprefix("./").rstrip("/")
        paths = {f"datasets/{name}": name for name in self.datasets}
        found = {
            name
            for path, name in paths.items()
            if fnmatchcase(path, folder)
            or f"{path}/".startswith(f"{folder}/")
            or folder.startswith(f"{path}/")
        }
        if not found:
            raise _unknown(f"no dataset under `{clipped(value)}`", folder, paths)
        return found

    def changed(self, value: str) -> set[str]:
        if value not in STATES:
            raise _unknown(f"unknown state `{clipped(value)}`", value, STATES)
        before = self.history.previous
        if before is None:
            raise UsageError(
                "`state:` has no earlier manifest to compare with",
                hint="run `sfctl compile` first",
                code="SF142",
            )
        new = {name for name in self.datasets if name not in before}
        same = {
            n for n in self.datasets if n in before and self.history.current.get(n) == before[n]
        }
        if value == "new":
            return new
        return same if value == "unmodified" else set(self.datasets) - same

    def ended(self, value: str) -> set[str]:
        results = self.history.results
        if results is None:
            raise UsageError(
                "`result:` has no earlier results to look at",
                hint="run `sfctl check` or `sfctl run` first",
                code="SF142",
            )
        known = sorted({"pass", "fail", "warn", "error", "skipped", *results.values()})
        if value not in known:
            raise _unknown(f"unknown result `{clipped(value)}`", value, known)
        return {name for name in self.datasets if results.get(name) == value}


def _unknown(message: str, value: str, known: Iterable[str]) -> UsageError:
    return UsageError(message, hint=suggestion(value, known), code="SF140")


def _reachable(start: set[str], edges: Mapping[str, set[str]]) -> set[str]:
    found: set[str] = set()
    waiting = list(start)
    while waiting:
        for following in edges.get(waiting.pop(), ()):
            if following not in found:
                found.add(following)
                waiting.append(following)
    return found
