"""`sfctl export`: datasets and policies of this repo as contracts that others can read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from sfctl.commands.selection import Exclude, Select, chosen
from sfctl.errors import SpecError, StoreError, UsageError
from sfctl.model import urn
from sfctl.odcs import kept
from sfctl.odcs.contract import Contract, judged
from sfctl.odcs.export import Exported, Source, exported
from sfctl.odcs.facts import Facts, Key, of_files
from sfctl.odcs.sound import templated, unsound
from sfctl.odcs.table import Table, slug
from sfctl.profiling import atomic
from sfctl.report import text
from sfctl.report.outcome import Outcome
from sfctl.spec.document import load_document
from sfctl.spec.documents.dataset import DATASET
from sfctl.spec.documents.policy import POLICY
from sfctl.spec.edit import composed
from sfctl.spec.project import find_root, load
from sfctl.spec.tree import Node
from sfctl.spec.yaml import parse

NEWEST = "v3.1.0"
_OWN: tuple[Key, ...] = (("dataset", "urn"), ("dataset", "tier"), ("dataset", "owner_team"))


def odcs(
    select: Select = (),
    *,
    exclude: Exclude = (),
    api_version: Annotated[
        Literal["", "v3.1.0", "v3.0.2"],
        typer.Option(help="v3.1.0 or v3.0.2; that of the imported contract if not given."),
    ] = "",
    output: Annotated[
        str, typer.Option("--output", "-o", help="A file; a FOLDER/ for one file a contract.")
    ] = "",
    project_dir: Path,
    target: str | None,
) -> Outcome:
    """Give datasets as Open Data Contract Standard documents, one a contract.

    Raises SpecError for files with errors, SF291 for a kept contract that is not there; UsageError
    SF289 where several contracts have no folder to go to.
    """
    root = find_root(project_dir)
    project = load(root, target, offline=True)
    names = [each.name for each in chosen(project, select, exclude)]
    if not names:
        raise SpecError(project.errors)
    urns = {each.name: urn.canonical(each.dataset.string("urn")) for each in project.datasets}
    groups: dict[str, list[_Held]] = {}
    policies = {each.name: each.policy for each in project.datasets}
    known = _Known(urns, policies)
    for name in names:
        held = _held(root, name, known)
        groups.setdefault(held.group, []).append(held)
    several = len(groups) > 1
    folder = bool(output) and (output.endswith("/") or Path(output).is_dir())
    if several and not folder:
        message = f"the datasets make {len(groups)} contracts"
        raise UsageError(message, hint="-o FOLDER/ writes one file a contract", code="SF289")
    made = [_made(root, group, known, api_version) for group in groups.values()]
    taken: set[str] = set()
    for each in made if output else ():
        each.path = str(_free(Path(output), each, taken)) if folder else output
        _write(Path(each.path), each.text)
    return _outcome(made)


SUBVERBS = {"odcs": odcs}


@dataclass(frozen=True, slots=True)
class _Known:
    """The datasets of the repo: their URNs, and their policies as far as they can be read."""

    urns: Mapping[str, str]
    policies: Mapping[str, Node | None]

    def of(self, contract: Contract | None) -> Callable[[str], str]:
        """Return how the tables of a contract are known here: by URN, "" where they are not."""
        linked = kept.links(self.policies, str(contract.values["id"])) if contract else {}
        return lambda table: self.urns.get(linked.get(table, slug(table)), "")


@dataclass(frozen=True, slots=True)
class _Held:
    """A dataset's files, and the contract that they came from."""

    name: str
    facts: Facts
    group: str
    contract: Contract | None = None
    base: Table | None = None
    server: str = ""


@dataclass(slots=True)
class _Made:
    """One contract made, and where it went."""

    result: Exported
    names: list[str]
    text: str
    path: str = ""


def _free(folder: Path, made: _Made, taken: set[str]) -> Path:
    """Return a file for a contract that no other contract of this export has."""
    base = slug(str(made.result.document["id"]))[:80]
    name = base
    while name in taken:
        name = f"{base}_{len(taken)}"
    taken.add(name)
    return folder / f"{name}.odcs.yaml"


def _held(root: Path, name: str, known: _Known) -> _Held:
    """Return one dataset as it stands in its files, templates unrendered: they may hold secrets."""
    nodes: dict[str, Node | None] = {}
    for file, shape in (("dataset.yaml", DATASET), ("policy_bundle.yaml", POLICY)):
        path = f"datasets/{name}/{file}"
        if not (root / path).is_file():
            nodes[file] = None
            continue
        document = load_document(root / path, path, shape, None)
        if document.node is None:
            raise SpecError(document.problems)
        nodes[file] = document.node
    plain = [node.plain() if node else {} for node in nodes.values()]
    facts = of_files(*plain)  # type: ignore[arg-type]
    source = kept.source_of(nodes["policy_bundle.yaml"])
    if source is None:
        block = facts.get(("policy", "contract", "id"))
        return _Held(name, facts, f"id {block}" if block else f"dataset {name}")
    contract, index = kept.read_source(root, source)
    server, base = _base(contract, index, facts, known)
    return _Held(name, facts, str(source.value).partition("#")[0], contract, base, server)


def _base(contract: Contract, index: int, facts: Facts, known: _Known) -> tuple[str, Table]:
    """Return what the kept contract says, with the server that the import was told to take."""
    servers = [str(each["server"]) for each in contract.values.get("servers") or ()]
    storage = ("dataset", "storage")
    for server in servers:
        table = kept.said(contract, index, server=server, dataset_of=known.of(contract))
        if storage in facts and table.facts.get(storage) == facts[storage]:
            return server, table
    return "", kept.said(contract, index, dataset_of=known.of(contract))


def _made(root: Path, group: list[_Held], known: _Known, version: str) -> _Made:
    first = group[0]
    sources = []
    for held in group:
        missing = [k for k in held.base.facts if k not in held.facts] if held.base else []
        tried = {**held.facts, **{key: held.base.facts[key] for key in missing if held.base}}
        refused = unsound(tried, missing, known.urns, root) if missing else {}
        never = templated(held.base.facts) if held.base else {}
        refused |= never
        own = [key for key in _OWN if held.base and key not in held.base.facts]
        own += [key for key in never if key in held.facts]
        sources.append(Source(held.name, held.facts, held.base, frozenset(refused), frozenset(own)))
    version = version or (first.contract.version if first.contract else NEWEST)
    result = exported(
        sources,
        version,
        first.contract,
        server=first.server,
        dataset_of=known.of(first.contract),
    )
    body = _text(result.document, first.contract)
    node, problems = parse(body, f"{first.name} as {version}")
    assert node is not None, problems
    wrong = [*problems, *judged(node)]
    if wrong:
        message = f"{first.group} is no contract of {version}: {wrong[0].message}"
        hint = "export it without --api-version, in the version it was imported in"
        raise UsageError(message, hint=hint, code="SF290")
    return _Made(result, [held.name for held in group], body)


def _text(document: dict[str, Any], contract: Contract | None) -> str:
    """Return the document; word for word as it was kept where nothing has changed."""
    if contract is not None and contract.values == document:
        return contract.text
    return composed(document)


def _write(path: Path, body: str) -> None:
    try:
        atomic.replace(path, body.encode())
    except OSError as error:
        reason = (error.strerror or "unwritable").lower()
        message = f"{path} cannot be written ({reason})"
        raise StoreError(message, hint="-o names a file or folder", code="SF102") from None


def _outcome(made: Sequence[_Made]) -> Outcome:
    beside = [(name, fact) for each in made for name, fact in each.result.beside]
    notes = [f"{name}: {fact}" for name, fact in beside]
    if notes:
        notes.insert(0, "The standard has no words for these; they stand under the name sfctl:")
    written = [each for each in made if each.path]
    lines = [text.status_line(f"{each.path}: {', '.join(each.names)}", "written") for each in made]
    payload = {
        "documents": [
            {
                "id": str(each.result.document["id"]),
                "api_version": str(each.result.document["apiVersion"]),
                "datasets": each.names,
                "path": each.path or None,
                "beside": [{"dataset": n, "fact": f} for n, f in each.result.beside],
                "document": each.result.document,
            }
            for each in made
        ]
    }
    body = "\n".join(lines) if written else made[0].text
    return Outcome("export", payload, body, notes=tuple(notes))
