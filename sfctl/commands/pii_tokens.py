"""Opening tokens: which keys, which kinds, and the record that comes before any value."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sfctl.errors import SfctlError, StoreError, UsageError

if TYPE_CHECKING:
    from sfctl.commands.lake import Lake
    from sfctl.runtime.pii.keys import KeyRing

Tokens = Annotated[tuple[str, ...], typer.Argument(help="Tokens (tok_…), or - for standard input.")]
Reason = Annotated[str, typer.Option(help="Why; it is on the record.")]
MadeFor = Annotated[str, typer.Option(help="The kind they were made for; else all are tried.")]
Work = Callable[["Lake", Sequence[str], str], list[str]]


def require(reason: str, wish: str) -> None:
    """Raise UsageError SF880 where nobody says why."""
    if not reason.strip():
        raise UsageError(f"a reason is needed {wish}", hint="--reason WHY", code="SF880")


def asked(tokens: Sequence[str]) -> list[str]:
    """Return the tokens named, `-` being those on standard input. Raises UsageError SF881."""
    found = list(_words(tokens))
    if not found:
        raise UsageError(
            "no token to open", hint="name tokens, or - for standard input", code="SF881"
        )
    return found


def audited(
    action: str,
    tokens: Sequence[str],
    reason: str,
    kind: str,
    project_dir: Path,
    target: str | None,
    now: datetime | None,
    work: Work,
) -> tuple[list[str], str]:
    """Return what `work` makes of tokens and the id of its record; a refusal is on record too.

    Raises UsageError SF450 to SF453 where one cannot be opened, StoreError SF882 where the record
    cannot be written.
    """
    from sfctl.commands.lake import open_lake

    refused: SfctlError | None = None
    made: list[str] = []
    with open_lake("pii", project_dir, target, now) as lake:
        try:
            made = work(lake, tokens, kind)
        except SfctlError as error:
            refused = error
        code = refused.code if refused else ""
        recorded = record(lake, action, reason, count=len(tokens), refused=code)
    if refused is not None:
        raise UsageError(str(refused), hint=refused.hint, code=refused.code) from refused
    return made, recorded


def opened(lake: Lake, tokens: Sequence[str], kind: str) -> list[tuple[str, str]]:
    """Return values and the kinds they were sealed for.

    Raises SfctlError SF450 to SF453; says which token by its number only.
    """
    from sfctl.runtime.pii.kinds import KINDS
    from sfctl.runtime.pii.tokens import Tokenizer

    tokenizer = Tokenizer(ring(lake))
    tried = [kind] if kind else [*KINDS, *_custom(lake), ""]
    found = []
    for number, token in enumerate(tokens, start=1):
        try:
            found.append(tokenizer.opened(token, tried))
        except SfctlError as error:
            said = f"token {number} of {len(tokens)} was not opened: {error}"
            hint = error.hint or "take it as it stands in the table; nothing was shown"
            raise SfctlError(said, hint=hint, code=error.code) from error
    return found


def ring(lake: Lake) -> KeyRing:
    """Return the target's keys. Raises SfctlError SF450, SF451."""
    from sfctl.runtime.pii import keys

    return keys.load(lake.project.store, settings(lake))


def settings(lake: Lake) -> Mapping[str, object] | None:
    """Return where the target says its keys are."""
    block = lake.project.manifest.target.settings.get("pii_key")
    return block if isinstance(block, dict) else None


def record(
    lake: Lake, action: str, reason: str, *, count: int | None = None, refused: str = ""
) -> str:
    """Put it on the record, on the disk. Raises StoreError SF882 where that fails."""
    from sfctl.commands.actor import actor
    from sfctl.model import facts

    event = facts.pii(
        lake.run,
        lake.now,
        action=action,
        actor=actor(),
        reason=reason,
        count=count,
        outcome="refused" if refused else "rotated" if action == "rotate" else "opened",
        error_code=refused or None,
    )
    if not lake.outbox.append(event, sync=True):
        raise StoreError(
            f"this cannot be put on the record: {lake.outbox.trouble}",
            hint="nothing was shown or changed; make room or rights for .sfctl/outbox",
            code="SF882",
        )
    return event.evidence_id


def _words(tokens: Sequence[str]) -> Iterator[str]:
    for token in tokens:
        if token == "-":  # noqa: S105
            yield from (line.strip() for line in sys.stdin if line.strip())
        else:
            yield token.strip()


def _custom(lake: Lake) -> list[str]:
    found: dict[str, None] = {}
    for entry in lake.project.manifest.datasets.values():
        try:
            policy, _ = lake.project.policy(entry)
        except SfctlError:
            continue  # what cannot be read has no kinds to offer; the token says if one was needed
        found.update((d.kind, None) for d in policy.pii if d.pattern)
    return list(found)
