"""`sfctl policy keys`: whose signatures count at a target; make a pair, trust one, revoke one."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from msgspec.structs import replace

from sfctl import wiring
from sfctl.certification.history import History, PinnedKey, texts
from sfctl.certification.signature import key_id
from sfctl.certification.signing_key import create_key
from sfctl.clock import clock_from_environment, format_instant
from sfctl.commands import policy_log
from sfctl.commands.actor import actor
from sfctl.commands.policy_desk import manifest_bytes
from sfctl.commands.policy_log import Log
from sfctl.compiler import target_folder
from sfctl.compiler.compile import sealed
from sfctl.errors import PolicyRejected, StoreError, UsageError
from sfctl.model import decisions
from sfctl.report import text
from sfctl.report.outcome import Outcome
from sfctl.runtime.job.compiled import TARGET
from sfctl.spec import project as spec
from sfctl.spec.project import Project, find_root


def keys(
    *,
    generate: Annotated[
        Path | None, typer.Option(help="Make a pair; the private half goes into this file.")
    ] = None,
    trust: Annotated[str, typer.Option(help="Pin this public key in the state store.")] = "",
    revoke: Annotated[str, typer.Option(help="Revoke a key, by its text or its short name.")] = "",
    reason: Annotated[str, typer.Option(help="Why; it is on the record.")] = "",
    project_dir: Path = Path(),
    target: str | None = None,
    now: datetime | None = None,
) -> Outcome:
    """List the keys whose signatures count; with an option make, trust or revoke one.

    Keys pinned in the state store, where there are any, count alone: a repo cannot add to them.
    """
    if sum(map(bool, (generate, trust, revoke))) > 1:
        raise UsageError("one at a time: --generate, --trust or --revoke")
    if generate is not None:
        return _generated(generate)
    root = find_root(project_dir)
    project = spec.load(root, target, offline=True)
    moment = now or clock_from_environment().now()
    notes: tuple[str, ...] = ()
    with (
        target_folder.locked(root / TARGET),
        policy_log.opened(root, project.target, create=bool(trust or revoke)) as log,
    ):
        if trust or revoke:
            history = log.required
            name, public = _key_of(project, history, trust or revoke, known=bool(revoke))
            at, who = format_instant(moment), actor()
            pinned = history.keys().get(name) or PinnedKey(public, at, who)
            ended = at if revoke else ""
            history.pin_key(name, replace(pinned, revoked_at=ended, actor=who, reason=reason))
            event = decisions.policy(
                moment, action="key_revoked" if revoke else "key_trusted", actor=who,
                reason=reason, key_id=name,
            )  # fmt: skip
            log = policy_log.again(log, project.target)
            _resettle(root / TARGET, project, log)
            notes = policy_log.tell(root / wiring.STORE, [event])
        rows = _rows(project, log)
    lines = [text.status_line(f"{row['key_id']}  {row['from']}", row["status"]) for row in rows]
    counting = sum(row["status"] == "trusted" for row in rows)
    lines.append(f"{text.count(counting, 'key')} of the organisation trusted.")
    return Outcome("policy", {"keys": rows}, "\n".join(lines), notes=(*notes, *_note(log)))


def _generated(path: Path) -> Outcome:
    try:
        public = create_key(path).public
    except FileExistsError:
        raise UsageError(
            f"{path} exists; no key is ever overwritten", hint="choose another path", code="SF353"
        ) from None
    except OSError as error:
        raise StoreError(f"{path} cannot be written ({error.strerror})") from error
    name = key_id(public)
    lines = [
        f"{name}  private half in {path}: keep it where the organisation keeps its secrets",
        f"public half: {public}",
        f'trust it: `trusted_keys: ["{public}"]` in the target, or sfctl policy keys --trust',
    ]
    payload = {"generated": {"key_id": name, "public_key": public, "file": str(path)}}
    return Outcome("policy", payload, "\n".join(lines))


def _key_of(project: Project, history: History, word: str, *, known: bool) -> tuple[str, str]:
    """Return the short name and the text of a key. Raises PolicyRejected SF357."""
    pinned = history.keys()
    if word in pinned:
        return word, pinned[word].key
    for each in texts(project.target.settings.get("trusted_keys")):
        if known and word == _name(each):
            return word, each
    try:
        return key_id(word), word
    except ValueError:
        raise PolicyRejected(
            "the text is no public key", hint="ed25519:<base64>, as `policy keys` prints it",
            code="SF357",
        ) from None  # fmt: skip


def _resettle(folder: Path, project: Project, log: Log) -> None:
    """Let runs know at once: they read which keys count from the manifest."""
    before = target_folder.read_manifest(folder)
    if before is None or before.target.name != project.target.name:
        return
    settings = {
        name: value
        for name, value in before.target.settings.items()
        if name not in ("trusted_keys", "revoked_keys")
    }
    for name in ("trusted_keys", "revoked_keys"):
        if name in log.settings:
            settings[name] = log.settings[name]
    manifest = sealed(replace(before, target=replace(before.target, settings=settings)))
    files = {target_folder.MANIFEST: manifest_bytes(manifest)}
    target_folder.place(folder, files, frozenset())


def _rows(project: Project, log: Log) -> list[dict[str, Any]]:
    pinned = log.history.keys() if log.history else {}
    own = texts(project.target.settings.get("trusted_keys"))
    revoked = set(log.trust.revoked)
    store_decides = any(not each.revoked_at for each in pinned.values())
    rows: list[dict[str, Any]] = []
    for name, each in pinned.items():
        rows.append(
            {
                "key_id": name,
                "public_key": each.key,
                "from": "state store",
                "status": "revoked" if each.revoked_at else "trusted",
                "at": each.revoked_at or each.at,
                "actor": each.actor,
                "reason": each.reason or None,
            }
        )
    for public in own:
        name = _name(public)
        if name in pinned:
            continue
        status = "revoked" if {name, public} & revoked else "trusted"
        if status == "trusted" and store_decides:
            status = "ignored"
        rows.append(
            {
                "key_id": name,
                "public_key": public,
                "from": f"target {project.target.name}",
                "status": status if name else "malformed",
                "at": None,
                "actor": None,
                "reason": None,
            }
        )
    return rows


def _name(public: str) -> str:
    try:
        return key_id(public)
    except ValueError:
        return ""


def _note(log: Log) -> tuple[str, ...]:
    return (log.note,) if log.note else ()
