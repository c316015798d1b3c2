"""`sfctl pii keys / rotate / retokenize`: the keys of tokens, and how old tokens get a new one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sfctl.commands import pii_tokens
from sfctl.commands.pii_tokens import MadeFor, Reason, Tokens
from sfctl.errors import UsageError
from sfctl.report import text
from sfctl.report.outcome import Outcome

if TYPE_CHECKING:
    from sfctl.commands.lake import Lake
    from sfctl.runtime.pii.keys import KeyRing


def keys(
    *,
    new: Annotated[bool, typer.Option(help="Print a fresh key, for a vault; store nothing.")] = (
        False
    ),
    project_dir: Path = Path(),
    target: str | None = None,
    now: datetime | None = None,
) -> Outcome:
    """List the keys that open tokens, the active one first. Ids are no secrets."""
    from sfctl.runtime.pii import keys as ring

    if new:
        fresh = ring.generate()
        return Outcome("pii", {"key": fresh}, fresh)
    from sfctl.commands.lake import open_lake

    with open_lake("pii", project_dir, target, now) as lake:
        variable, path = ring.place(lake.project.store, pii_tokens.settings(lake))
        origin = f"variable {variable}" if path is None else f"file {path}"
        return _listed(pii_tokens.ring(lake), origin)


def rotate(
    *,
    reason: Reason = "",
    project_dir: Path = Path(),
    target: str | None = None,
    now: datetime | None = None,
) -> Outcome:
    """Make a fresh key the active one of the key file. Older keys stay, for their tokens."""
    pii_tokens.require(reason, "to rotate keys")
    from sfctl.commands.lake import open_lake
    from sfctl.runtime.pii import keys as ring

    with open_lake("pii", project_dir, target, now) as lake:
        variable, path = ring.place(lake.project.store, pii_tokens.settings(lake))
        if path is None:
            raise UsageError(
                f"the keys come from variable {variable}, which is not ours to change",
                hint="put what `sfctl pii keys --new` prints before the old key, with a comma",
                code="SF885",
            )
        pii_tokens.ring(lake)  # a missing or malformed file is told as such
        recorded = pii_tokens.record(lake, "rotate", reason)
        return _listed(ring.rotate(path), f"file {path}", evidence_id=recorded)


def retokenize(
    tokens: Tokens = (),
    *,
    reason: Reason = "",
    kind: MadeFor = "",
    project_dir: Path = Path(),
    target: str | None = None,
    now: datetime | None = None,
) -> Outcome:
    """Give each token as the active key makes it. No value is shown."""
    pii_tokens.require(reason, "to make tokens anew")
    asked = pii_tokens.asked(tokens)
    made, recorded = pii_tokens.audited(
        "retokenize", asked, reason, kind, project_dir, target, now, anew
    )
    pairs = [{"token": old, "new": fresh} for old, fresh in zip(asked, made, strict=True)]
    payload = {"tokens": pairs, "count": len(pairs), "evidence_id": recorded}
    return Outcome("pii", payload, "\n".join(made))


def anew(lake: Lake, tokens: Sequence[str], kind: str) -> list[str]:
    """Return tokens of the active key. Raises SfctlError SF450 to SF453."""
    from sfctl.runtime.pii.tokens import Tokenizer

    tokenizer = Tokenizer(pii_tokens.ring(lake))
    found = pii_tokens.opened(lake, tokens, kind)
    return [tokenizer.token(value, made_for) for value, made_for in found]


def _listed(ring: KeyRing, origin: str, **more: Any) -> Outcome:
    words = ["active", *["retired"] * (len(ring.keys) - 1)]
    lines = [text.status_line(key.id, word) for key, word in zip(ring.keys, words, strict=True)]
    payload = {
        "keys": [{"id": k.id, "state": word} for k, word in zip(ring.keys, words, strict=True)],
        "origin": origin,
        **more,
    }
    return Outcome(
        "pii", payload, "\n".join([*lines, f"{text.count(len(lines), 'key')}: {origin}."])
    )
