"""The project: its YAML, what was compiled from it, its keys and settings."""

from __future__ import annotations

import stat
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path

from sfctl import wiring
from sfctl.certification.history import History, PinnedKey, trust
from sfctl.clock import format_instant
from sfctl.diagnosis.finding import Examined
from sfctl.errors import PolicyRejected, SfctlError
from sfctl.model import urn
from sfctl.model.source_code import SourceCodeError, source_code
from sfctl.report import text
from sfctl.runtime import seal
from sfctl.runtime.job.compiled import load
from sfctl.runtime.pii import keys
from sfctl.spec.project import Project
from sfctl.state import switch


def examine(project: Project, now: datetime) -> Iterator[Examined]:
    """Yield findings about a loaded project."""
    store = project.root / ".sfctl"
    yield _yaml(project)
    yield _compiled(project)
    yield from _custom(project)
    yield _pii_key(project, store)
    yield _quarantine_key(project, store)
    yield from _secrets(store)
    yield _ignored(project.root)
    yield _schemas(project)
    yield from _settings(project)
    yield _switch(store, now)


def _yaml(project: Project) -> Examined:
    errors = len(project.errors)
    if errors:
        return Examined("yaml", "fail", text.count(errors, "problem"), "sfctl validate", "SF002")
    files = text.count(len(project.datasets), "dataset")
    return Examined("yaml", "ok", f"{files}, {text.count(len(project.jobs), 'job')}")


def _compiled(project: Project) -> Examined:
    manifest = project.root / "target" / "manifest.json"
    if not manifest.exists():
        return Examined("policies", "warn", "never compiled", "sfctl compile", "SF720")
    try:
        built = load(project.root)
    except PolicyRejected:
        return Examined("policies", "fail", "target/ is damaged", "sfctl compile", "SF752")
    own = built.manifest.target
    if own.name == project.target.name and not built.lies_in(project.target.lake):
        detail = f"compiled for the lake {own.lake}, not {project.target.lake}"
        return Examined("policies", "fail", detail, "sfctl compile", "SF730")
    compiled = manifest.stat().st_mtime
    newer = [path for path in _sources(project) if path.stat().st_mtime > compiled]
    if newer:
        first = newer[0].relative_to(project.root)
        detail = f"{first} is newer than what was compiled"
        return Examined("policies", "warn", detail, "sfctl compile", "SF721")
    return Examined("policies", "ok", "compiled after the last change")


def _sources(project: Project) -> Iterator[Path]:
    folders = ("datasets/*", "jobs", "packs", "policies")
    for pattern in ("sfctl.yml", *(f"{folder}/*.yaml" for folder in folders)):
        yield from sorted(project.root.glob(pattern))
    for function in _functions(project):
        with suppress(SourceCodeError, OSError):
            code = source_code(function, project.root)
            if not code.package:
                yield from (code.base / name for name in sorted(code.files))


def _custom(project: Project) -> Iterator[Examined]:
    """Say whether custom rules can run here, where there are any."""
    functions = _functions(project)
    if functions and find_spec("pyarrow") is None:
        detail = f"{text.count(len(functions), 'function')} cannot run without pyarrow"
        yield Examined("custom rules", "fail", detail, "pip install 'sfctl[arrow]'", "SF513")
    elif functions:
        yield Examined("custom rules", "ok", text.count(len(functions), "function"))


def _functions(project: Project) -> list[str]:
    """Return the import paths that policies name, wherever in them a custom rule stands."""
    found: dict[str, None] = {}

    def collect(value: object) -> None:
        if isinstance(value, dict):
            named = value.get("function")
            if isinstance(named, str) and ":" in named:
                found[named] = None
            value = list(value.values())
        for each in value if isinstance(value, list) else ():
            collect(each)

    for dataset in project.datasets:
        if dataset.policy is not None:
            collect(dataset.policy.plain())
    return list(found)


def _schemas(project: Project) -> Examined:
    names = {urn.canonical(each.dataset.string("urn")): each.name for each in project.datasets}
    found = 0
    try:
        registry = wiring.open_registry(project.root, names, project.target.registry)
        for subject in registry.subjects():
            registry.latest(subject)
            found += 1
    except SfctlError as error:
        return Examined("schemas", "warn", str(error), error.hint or "see above", error.code)
    return Examined("schemas", "ok", f"{text.count(found, 'dataset')} in the schema registry")


def _pii_key(project: Project, store: Path) -> Examined:
    acting = tokenizing(project)
    settings = project.target.settings.get("pii_key")
    try:
        ring = keys.load(store, settings if isinstance(settings, dict) else None)
    except SfctlError as error:
        status = "fail" if acting else "warn"
        need = f"; {', '.join(acting[:3])} cannot tokenize" if acting else ""
        return Examined("pii key", status, f"{error}{need}", error.hint, error.code)  # type: ignore[arg-type]
    older = len(ring.keys) - 1
    return Examined("pii key", "ok", f"{ring.active.id} (active){f', {older} older' * bool(older)}")


def tokenizing(project: Project) -> list[str]:
    """Return the datasets whose policies replace personal data with tokens, which takes a key."""
    return [d.name for d in project.datasets if d.policy is not None and _tokenizes(d.policy)]


def _tokenizes(policy: object) -> bool:
    plain = policy.plain() if hasattr(policy, "plain") else {}
    entries = (plain.get("pii") or {}).get("detection") or []
    return any(entry.get("action") == "tokenize" for entry in entries)


def _quarantine_key(project: Project, store: Path) -> Examined:
    if project.target.settings.get("quarantine_key"):
        return Examined("quarantine key", "ok", "public key of the target")
    public, private = store / seal.PUBLIC, store / seal.PRIVATE
    if not public.exists():
        return Examined("quarantine key", "warn", "none yet", "sfctl init in this folder", "SF722")
    if project.target.environment == "prod" and private.exists():
        return Examined(
            "quarantine key",
            "warn",
            "the private half lies beside production",
            "keep it where replays run, and give the target `quarantine_key`",
            "SF723",
        )
    return Examined("quarantine key", "ok", "of this machine")


def _secrets(store: Path) -> Iterator[Examined]:
    """Yield every private key that others on this machine could read."""
    for path in sorted((store / "keys").glob("*")):
        if path.suffix != ".pub" and path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            mode = stat.filemode(path.stat().st_mode)
            remedy = f"chmod 600 .sfctl/keys/{path.name}"
            yield Examined(
                f"key {path.name}", "fail", f"readable by others ({mode})", remedy, "SF724"
            )


def _ignored(root: Path) -> Examined:
    try:
        done = subprocess.run(
            ["git", "check-ignore", "--quiet", ".sfctl/keys/x"],
            cwd=root,
            capture_output=True,
            check=False,
        )
    except OSError:
        return Examined("git", "ok", "git is not installed here")
    if done.returncode == 1:
        return Examined(
            "git",
            "fail",
            ".sfctl/ and its keys would be committed",
            "echo .sfctl/ >> .gitignore",
            "SF725",
        )
    return Examined("git", "ok", ".sfctl/ stays out" if done.returncode == 0 else "no repository")


def _trusts(project: Project) -> bool:
    """Tell whether a key of the organisation counts, by the target or by its state store."""
    store = project.root / wiring.STORE
    pinned: dict[str, PinnedKey] = {}
    if (store / "state.db").exists():
        with suppress(SfctlError), wiring.open_state(store, project.target.state) as state:
            pinned = History(state, project.target.name).keys()
    return bool(trust(project.target.settings, pinned).get("trusted_keys"))


def _settings(project: Project) -> Iterator[Examined]:
    """Yield settings of the target and the policies that undo what we promise."""
    target = project.target
    if target.environment == "prod":
        if not _trusts(project):
            yield Examined(
                "approval",
                "fail",
                f"target {target.name} trusts no key, so nothing can certify",
                "add `trusted_keys:` to the target, or sfctl policy keys --trust",
                "SF726",
            )
        if target.bus.get("type", "embedded") == "embedded":
            yield Examined(
                "bus",
                "warn",
                "embedded on prod: evidence stays on one machine",
                "set `bus:`",
                "SF727",
            )
    sampled = _sampled(project)
    if sampled:
        names = ", ".join(sampled)
        yield Examined(
            "sampling",
            "warn",
            f"{names}: judged in part, never certified",
            "sampling_rate: 1.0",
            "SF728",
        )


def _sampled(project: Project) -> Sequence[str]:
    found = []
    for dataset in project.datasets:
        block = dataset.policy.get("performance") if dataset.policy is not None else None
        rate = block.scalar("sampling_rate", 1.0) if block is not None else 1.0
        if isinstance(rate, int | float) and rate < 1:
            found.append(dataset.name)
    return found


def _switch(store: Path, now: datetime) -> Examined:
    live = switch.read(store, now).live
    if live:
        first = live[0]
        until = f" until {first.expires}" if first.expires else ""
        return Examined(
            "kill switch",
            "warn",
            f"off for {first.scope}{until}",
            f"sfctl switch on --scope {first.scope}",
            "SF729",
        )
    return Examined("kill switch", "ok", f"gates are on at {format_instant(now)}")
