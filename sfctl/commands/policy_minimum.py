"""`sfctl policy sign --minimum`: the organisation approves what no policy may fall below.

Nothing need be compiled for it: on prod nothing compiles before they are approved.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from sfctl import wiring
from sfctl.certification.history import History
from sfctl.certification.signature import document_digest, key_id, sign
from sfctl.certification.signing_key import SigningKey
from sfctl.clock import clock_from_environment, format_instant
from sfctl.commands import policy_log
from sfctl.commands.actor import actor
from sfctl.commands.asking import agreed
from sfctl.commands.policy_log import Log
from sfctl.compiler import target_folder
from sfctl.errors import Conflict, PolicyRejected
from sfctl.model import codec, decisions
from sfctl.report import text
from sfctl.report.outcome import Outcome
from sfctl.runtime.job.compiled import TARGET
from sfctl.spec import project as spec
from sfctl.spec.project import find_root


def sign_minimum(
    signing: SigningKey,
    *,
    reason: str,
    yes: bool,
    project_dir: Path,
    target: str | None,
    now: datetime | None,
) -> Outcome:
    """Approve the minimums of a target: shows them, and asks.

    Raises StoreError where no store answers, PolicyRejected for a key that does not count or where
    there are no minimums, UsageError SF344 where there is nobody to ask, Conflict where the file
    changed while a person read.
    """
    root = find_root(project_dir)
    project = spec.load(root, target, offline=True)
    with policy_log.opened(root, project.target, create=True) as log:
        history = check_key(log, project.target.name, signing)
        node = project.minimum
        if node is None:
            raise PolicyRejected(
                "there are no minimums that could be signed",
                hint="policies/minimum.yaml, or `minimums:` of the target", code="SF346",
            )  # fmt: skip
        path = root / node.path
        document = path.read_bytes()
        digest, before = document_digest(document), history.minimum()
        was = f"{before[:19]}… was approved before" if before else "none was approved before"
        shown = f"{node.path}: {digest[:19]}… ({was})\n{document.decode(errors='replace')}"
        done = yes or agreed(shown, f"approve these minimums for {project.target.name}?")
        notes: tuple[str, ...] = ()
        if done:
            moment, who = now or clock_from_environment().now(), actor()
            version = node.scalar("version")
            made = sign(
                digest, signing, "org", moment, dataset=policy_log.MINIMUM,
                version=version if isinstance(version, int) else 0,
            )  # fmt: skip
            with target_folder.locked(root / TARGET):
                if path.read_bytes() != document or history.minimum() != before:
                    raise Conflict(
                        f"{node.path} has changed while you read",
                        hint="look at it again, then answer",
                    )
                if project.target.environment == "prod":
                    history.stay_prod(format_instant(moment))
                files = {f"{path.name}.sig": codec.canonical(made) + b"\n"}
                target_folder.place(path.parent, files, frozenset())
                history.approve_minimum(digest, format_instant(moment), who)
            event = decisions.policy(
                moment, action="minimum_signed", actor=who, reason=reason, digest=digest,
                digest_before=before if before != digest else "", key_id=made.key_id,
                version=made.version or None,
            )  # fmt: skip
            notes = policy_log.tell(root / wiring.STORE, [event])
    word = "signed" if done else "not signed"
    payload = {
        "minimum": {
            "path": node.path,
            "digest": digest,
            "digest_before": before or None,
            "result": word,
        },
        "key_id": key_id(signing.public),
    }
    return Outcome("policy", payload, text.status_line(node.path, word), notes=notes)


def check_key(log: Log, target: str, signing: SigningKey) -> History:
    """Return the history of a target where what is signed with a key would count.

    Raises PolicyRejected where it would not, StoreError where no store says whose keys count.
    """
    history, trust = log.required, log.trust
    public, name = signing.public, key_id(signing.public)
    if name in trust.revoked or public in trust.revoked:
        raise PolicyRejected(f"{name} was revoked", hint="sign with another key", code="SF343")
    if public not in trust.trusted:
        raise PolicyRejected(
            f"the target {target} does not trust {name}",
            hint=f"pin its public half: sfctl policy keys --trust {public}",
            code="SF404",
        )
    return history
