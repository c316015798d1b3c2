"""What documents say about each other: one URN per dataset, and no name that stands for nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from sfctl.errors import Problem
from sfctl.model import urn
from sfctl.spec.rules import written_out
from sfctl.spec.tree import Node
from sfctl.spec.values import is_template
from sfctl.spec.wording import clipped, shown, suggestion

_MOST_SUGGESTIONS = 20
"""Finding a near miss among many names takes milliseconds; later ones go without."""


def canonical(text: str) -> str:
    """Return the canonical URN without stage, or the text itself where it is no URN."""
    try:
        return urn.without_stage(urn.canonical(text))
    except ValueError:
        return text


class Names:
    """Every name a dataset of the repo goes by: folder, URN."""

    def __init__(self) -> None:
        self.folders: dict[str, str] = {}
        """Name → folder name."""
        self.places: dict[str, Node] = {}
        self.hints: dict[str, str] = {}
        self.uncertain = False
        """Whether a dataset file could not be read, so that its URN is not known."""

    def add(self, folder: str, dataset: Node | None) -> Problem | None:
        """Take in a dataset; return the problem of a URN that another folder has."""
        self.folders[folder] = folder
        node = dataset.get("urn") if dataset is not None else None
        if node is None or not isinstance(node.value, str):
            self.uncertain = True
            return None
        name = canonical(node.value)
        if name in self.places:
            first = self.places[name]
            message = f"`urn` {clipped(name)} belongs to another dataset"
            hint = f"it is first given at {_place(first)}"
            return node.problem("SF132", message, hint=hint)
        self.places[name] = node
        self.folders[name] = folder
        return None

    def folder(self, text: str) -> str | None:
        """Return the folder of the dataset that `text` names, or None."""
        return self.folders.get(canonical(text))

    def _suggestion(self, text: str) -> str:
        if text not in self.hints and len(self.hints) < _MOST_SUGGESTIONS:
            known = [*(place.text for place in self.places.values()), *self.folders]
            self.hints[text] = suggestion(text, known, closed=False)
        return self.hints.get(text, "")

    def unknown(self, node: Node, *, ours: bool = False) -> Problem | None:
        """Return the problem of a node that names no dataset of the repo.

        Paths and URLs of other systems pass. A URN may belong to another team's repo: it is a
        warning, unless the dataset must be `ours`.
        """
        text = node.value
        if not isinstance(text, str) or is_template(node):
            return None
        is_urn = urn.is_dataset(text)
        if not is_urn and ("/" in text or ":" in text):
            return None
        if self.folder(text) is not None or (self.uncertain and is_urn):
            return None
        hint = self._suggestion(text)
        message = f"unknown dataset (got {shown(node)})"
        return node.problem(
            "SF133",
            message,
            hint=hint or "datasets stand in datasets/<name>/",
            severity="warning" if is_urn and not ours else "error",
        )


def check_references(
    datasets: Mapping[str, Node | None],
    *,
    jobs: Iterable[Node],
    expectations: Iterable[Node],
    policies: Iterable[Node],
    freshness: Iterable[Node],
) -> list[Problem]:
    """Return what is wrong between documents.

    `datasets` maps each folder's name to its dataset, or to None where that has errors itself.
    """
    names = Names()
    found = [names.add(folder, dataset) for folder, dataset in datasets.items()]
    for node in _named(jobs, "outputs"):
        found.append(names.unknown(node, ours=True))
    for node in (*_named(jobs, "inputs"), *_named(expectations, "expects")):
        found.append(names.unknown(node))
    for node in _foreign_keys(policies):
        found.append(names.unknown(node))
    owners: dict[str, Node] = {}
    for job in jobs:
        name = job.string("name") or job.path.rpartition("/")[2].removesuffix(".yaml")
        first = owners.setdefault(name, job)
        if first is not job:
            message = f"another job is named '{clipped(name)}'"
            found.append(job.problem("SF132", message, hint=f"it stands at {_place(first)}"))
    limits: dict[str, Node] = {}
    for dataset in datasets.values():
        slo = dataset.get("slo") if dataset is not None else None
        limit = slo.get("freshness") if slo is not None else None
        if dataset is not None and limit is not None:
            limits[canonical(dataset.string("urn"))] = limit
    for policy in freshness:
        target, limit = policy["dataset"], policy["freshness_policy"]
        first = limits.setdefault(canonical(target.text), limit)
        found.append(names.unknown(target))
        if first.plain() != limit.plain():
            message = "the dataset has another freshness policy"
            hint = f"keep one of the two; the other stands at {_place(first)}"
            found.append(target.problem("SF132", message, hint=hint))
    return [problem for problem in found if problem is not None]


def _place(node: Node) -> str:
    return f"{node.path}:{node.line}:{node.col}"


def _named(documents: Iterable[Node], key: str) -> Iterator[Node]:
    """Yield each node below `key` that names a dataset."""
    for document in documents:
        for item in document.get(key) or ():
            named = item.get("dataset") if item.is_mapping else item
            if named is not None:
                yield named


def _foreign_keys(policies: Iterable[Node]) -> Iterator[Node]:
    """Yield each node of a policy that names another dataset."""
    for policy in policies:
        for block in ("dq", "contract"):
            section = policy.get(block)
            for rule in written_out((section.get("rules") if section is not None else None) or ()):
                target = rule.get("references")
                named = target.get("dataset") if target is not None else None
                if named is not None:
                    yield named
