"""Contracts as they were imported, kept word for word in `contracts/`: the origin of an export."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from sfctl.errors import Problem, SpecError
from sfctl.odcs.account import Account
from sfctl.odcs.contract import Contract, load
from sfctl.odcs.table import Table, slug, take_table
from sfctl.spec.tree import Node

FOLDER = "contracts"


def place_for(root: Path, contract_id: str) -> str:
    """Return where a contract is kept, from the root: named by its id, never another's place."""
    base = slug(contract_id)[:80]
    for number in range(1, 1000):
        path = f"{FOLDER}/{base}{'' if number == 1 else f'_{number}'}.odcs.yaml"
        file = root / path
        if not file.is_file() or _id(file) in (contract_id, None):
            return path
    return f"{FOLDER}/{base}.odcs.yaml"


def source_of(policy: Node | None) -> Node | None:
    """Return the scalar that says which contract and table a policy came from."""
    block = policy.get("contract") if policy is not None else None
    return block.get("source") if block is not None else None


def links(policies: Mapping[str, Node | None], contract_id: str) -> dict[str, str]:
    """Return table → dataset of all that came from one contract. `policies` are by dataset."""
    found: dict[str, str] = {}
    for name, policy in policies.items():
        source = source_of(policy)
        block = policy.get("contract") if policy is not None else None
        if source is not None and block is not None and block.string("id") == contract_id:
            found[str(source.value).partition("#")[2]] = name
    return found


def read_source(root: Path, source: Node) -> tuple[Contract, int]:
    """Return the kept contract and the table in it. Raises SpecError SF291 at the source."""
    path, _, table = str(source.value).partition("#")
    hint = "restore it from version control, import it again, or remove `source`"
    file = root / path
    if not path.startswith(f"{FOLDER}/") or ".." in path or not file.is_file():
        message = f"the contract `{path}` that the policy came from is not there"
        raise SpecError([source.problem("SF291", message, hint=hint)])
    try:
        contract = load(file, path)
    except SpecError as error:
        message = f"the contract `{path}` that the policy came from is none any more"
        first: Problem = source.problem("SF291", message, hint=hint)
        raise SpecError([first, *error.problems]) from None
    for index, each in enumerate(contract.values.get("schema") or ()):
        if each["name"] == table:
            return contract, index
    message = f"the contract `{path}` has no table `{table}`"
    raise SpecError([source.problem("SF291", message, hint=hint)])


def said(contract: Contract, index: int, **options: object) -> Table:
    """Return what a kept contract says of one table."""
    account = Account(contract.values)
    return take_table(contract.values, index, account, **options)  # type: ignore[arg-type]


def _id(file: Path) -> str | None:
    """Return the id of a kept contract, None where the file is none."""
    try:
        return str(load(file).values["id"])
    except SpecError:
        return None
