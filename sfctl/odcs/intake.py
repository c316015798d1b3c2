"""The import of a contract as a plan: what would stand in which file, and what stays out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sfctl.errors import Problem, SpecError
from sfctl.odcs import kept
from sfctl.odcs.account import Account, Left, written
from sfctl.odcs.contract import Contract
from sfctl.odcs.facts import SOURCE, Facts, Key, named, of_files, same
from sfctl.odcs.merge import Conflict, Decision, Merge, applied, edits, merged
from sfctl.odcs.sound import templated, unsound
from sfctl.odcs.table import Table, take_table
from sfctl.spec.document import load_document, text_of
from sfctl.spec.documents.dataset import DATASET
from sfctl.spec.documents.policy import POLICY
from sfctl.spec.edit import Edit, edited
from sfctl.spec.shape import Fields
from sfctl.spec.tree import Node
from sfctl.spec.yaml import parse

_FILES = {"dataset": "dataset.yaml", "policy": "policy_bundle.yaml"}
_ORDER = ("schema", "contract_lite", "contract", "dq", "pii")


@dataclass(frozen=True, slots=True)
class Wish:
    """What the import was asked for. `names` maps tables to datasets, `urns` datasets to URNs.

    Names are those of all tables known here, whether or not they are imported now.
    """

    root: Path
    names: Mapping[str, str]
    urns: Mapping[str, str]
    defaults: Mapping[str, Mapping[Key, Any]]
    """By dataset: what a new `dataset.yaml` says where the contract does not."""
    server: str = ""
    decision: Decision = "ask"


@dataclass(frozen=True, slots=True)
class Change:
    """One file as it is, "" where there is none, and as it would be."""

    path: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Intake:
    """One dataset after the import."""

    name: str
    table: str
    facts: Facts
    origins: Mapping[Key, tuple[str, ...]]
    merge: Merge
    changes: tuple[Change, ...]


@dataclass(slots=True)
class Plan:
    """The whole import: datasets, the kept contract, what was left, what needs a decision."""

    intakes: list[Intake] = field(default_factory=list)
    left: list[tuple[Left, int, int]] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    conflicts: list[Problem] = field(default_factory=list)
    kept_in: str = ""
    """Where the contract is kept; that file comes last in `changes`, for it is the next base."""


def plan(contract: Contract, tables: list[int], wish: Wish) -> Plan:
    """Return what an import would do; nothing is written.

    Raises SpecError where a file of the repo that it would change has errors.
    """
    result = Plan()
    account = Account(contract.values)
    place = kept.place_for(wish.root, str(contract.values["id"]))
    for index in tables:
        source = str(contract.values["schema"][index]["name"])
        files = _Files(wish.root, wish.names[source])
        place = files.kept_in(str(contract.values["id"])) or place
    for index in tables:
        result.intakes.append(_intake(contract, index, wish, account, place, result))
    result.kept_in = place
    for intake in result.intakes:
        result.changes += intake.changes
    file = wish.root / place
    before = text_of(file)
    if before != contract.text:
        result.changes.append(Change(place, before, contract.text))
    result.left = [(each, *_place(contract.node, each.path)) for each in account.left()]
    return result


def reader(wish: Wish) -> Callable[[str], str]:
    """Return how tables that a contract refers to are known in this repo: by URN, "" if not."""

    def dataset_of(table: str) -> str:
        return wish.urns.get(wish.names.get(table, table), "")

    return dataset_of


class _Files:
    """The two files of a dataset as they are."""

    def __init__(self, root: Path, name: str) -> None:
        self.root = root
        self.folder = f"datasets/{name}"
        self.text: dict[str, str] = {}
        self.node: dict[str, Node | None] = {}
        shapes: dict[str, Fields] = {"dataset": DATASET, "policy": POLICY}
        for kind, file in _FILES.items():
            path = f"{self.folder}/{file}"
            if not (root / path).is_file():
                self.text[kind], self.node[kind] = "", None
                continue
            document = load_document(root / path, path, shapes[kind], None)
            if document.node is None:
                raise SpecError(document.problems)
            self.text[kind], self.node[kind] = document.node.source, document.node

    def facts(self) -> Facts:
        plain = {kind: node.plain() if node else {} for kind, node in self.node.items()}
        return of_files(plain["dataset"], plain["policy"])  # type: ignore[arg-type]

    def kept_in(self, contract_id: str) -> str:
        """Return where this contract was kept before, "" where it was not."""
        block = self.node["policy"].get("contract") if self.node["policy"] else None
        source = block.string("source").partition("#")[0] if block else ""
        return source if block and block.string("id") == contract_id else ""

    def base(self, wish: Wish) -> Table | None:
        """Return what the contract said when it was imported before."""
        source = kept.source_of(self.node["policy"])
        if source is None:
            return None
        try:
            contract, index = kept.read_source(self.root, source)
        except SpecError:
            return None  # an import that was cut short, or a lost file: this one puts it there
        return kept.said(contract, index, server=wish.server, dataset_of=reader(wish))


def _intake(
    contract: Contract, index: int, wish: Wish, account: Account, place: str, result: Plan
) -> Intake:
    table = take_table(contract.values, index, account, server=wish.server, dataset_of=reader(wish))
    source = str(contract.values["schema"][index]["name"])
    name = wish.names[source]
    files = _Files(wish.root, name)
    current = files.facts()
    base = files.base(wish)
    new: Facts = {**table.facts}
    if files.text["dataset"] and base is None and ("dataset", "owner_team") in new:
        del new["dataset", "owner_team"]
        account.leave(("team", "name"), "the dataset has an owner already")
    refused = templated(new)
    sound = {key: value for key, value in new.items() if key not in refused}
    found = unsound({**current, **sound}, sound, wish.urns, wish.root)
    refused |= {key: f"the compiler refuses it: {reason}" for key, reason in found.items()}
    for key, reason in refused.items():
        for path in table.origins.get(key, ()):
            account.leave(path, reason)
    new = {key: value for key, value in new.items() if key not in refused}
    if not files.text["dataset"]:
        new = {**wish.defaults[name], **new}
    before = {k: v for k, v in (base.facts if base else {}).items() if k not in refused}
    merge = merged(before, current, new, wish.decision)
    result.conflicts += [_problem(contract, table, name, each) for each in merge.conflicts]
    for each in merge.kept:
        for path in table.origins.get(each.key, ()):
            account.leave(path, "the repo says otherwise, and its word was kept")
    changes = tuple(_changes(files, current, merge, f"{place}#{source}"))
    origins = {key: tuple(map(written, paths)) for key, paths in table.origins.items()}
    return Intake(name, source, new, origins, merge, changes)


def _changes(files: _Files, current: Facts, merge: Merge, source: str) -> list[Change]:
    """Return the files as they would be, read back to be sure that they say what was meant."""
    wanted = edits(current, merge)
    wanted["policy"].sort(key=lambda edit: _rank(edit.path[0]))
    policy = files.node["policy"]
    if policy is None or (kept.source_of(policy) or policy).value != source:
        places = [edit.path[:2] for edit in wanted["policy"]]
        rules = ("contract", "rules")
        at = places.index(rules) if rules in places else len(places)
        wanted["policy"].insert(at, Edit("set", SOURCE[1:], source))
    found = []
    texts: dict[str, Any] = {}
    for kind, file in _FILES.items():
        before = files.text[kind]
        start = before or _HEADINGS[kind]
        after = edited(start, wanted[kind]) if wanted[kind] else before
        node, problems = parse(after or "{}", file)
        assert node is not None, problems
        texts[kind] = node.plain()
        if after != before:
            found.append(Change(f"{files.folder}/{file}", before, after))
    said = of_files(texts["dataset"], texts["policy"])
    assert same(said, applied(current, merge)), "an edit did not say what was meant"
    return found


_HEADINGS = {
    "dataset": "# imported from a data contract; say how much depends on it\n",
    "policy": "# imported from a data contract; what it cannot say is yours to add\n",
}


def _rank(block: str) -> int:
    return _ORDER.index(block) if block in _ORDER else -1


def _problem(contract: Contract, table: Table, name: str, conflict: Conflict) -> Problem:
    paths = table.origins.get(conflict.key) or ((),)
    line, col = _place(contract.node, written(paths[0]))
    ours, theirs = ("gone" if s is None else s for s in (conflict.ours, conflict.theirs))
    message = f"{name}: `{named(conflict.key)}` is {ours} here, {theirs} in the contract"
    hint = "--replace takes the contract's word, --keep the repo's"
    return Problem(contract.path, line, col, "SF287", message, hint)


def _place(node: Node, path: str) -> tuple[int, int]:
    """Return where a written path stands in the document: its key, or the list's entry."""
    at = (node.line, node.col)
    for step in path.replace("[", ".[").strip(".").split(".") if path else ():
        if step.startswith("[") and isinstance(node.value, tuple):
            node = node.value[int(step[1:-1])]
            at = (node.line, node.col)
        elif isinstance(node.value, dict) and step in node.value:
            at = node.keys.get(step, at)
            node = node.value[step]
        else:
            break
    return at
