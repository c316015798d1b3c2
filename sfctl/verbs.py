"""Which verbs and global options there are: literal tables, so that `--help` imports nothing."""

from __future__ import annotations

VERBS: dict[str, tuple[str, str, str]] = {
    "init": ("init", "Make a new data repo; --demo brings an example on real flights", "Start"),
    "register": ("register", "Put dataset identities into the registry", "Start"),
    "profile": ("profile", "Measure what normal looks like; suggest rules with reasons", "Start"),
    "validate": ("validate", "Check all YAML, offline and without credentials", "Policy"),
    "compile": ("compile", "Make checked, digested, signed policies in target/", "Policy"),
    "import": ("importing", "Take in a data contract: ODCS 3.0.2 or 3.1", "Policy"),
    "export": ("exporting", "Give datasets and policies as a data contract: ODCS", "Policy"),
    "policy": ("policy", "Sign, verify, compare and roll back compiled policies", "Policy"),
    "run": ("run", "Supervise a job: lifecycle, gates, certification", "Run"),
    "check": ("check", "Judge a file or table now, writing nothing", "Run"),
    "certify": ("certify", "Verify, create or move back certified views", "Run"),
    "wrap": ("wrap", "Write job wrappers: spark-submit, Airflow, plain Python", "Run"),
    "status": ("status", "Show each dataset's certified version and state", "Look"),
    "schema": ("schema", "Show, compare and list schemas of files and datasets", "Look"),
    "quarantine": ("quarantine", "List, show, replay or discard rows held back", "Look"),
    "evidence": ("evidence", "Read, publish and archive the log of what happened", "Look"),
    "signals": ("signals", "Show what the engines say of each dataset", "Explain"),
    "incidents": ("incidents", "List, show, acknowledge or resolve incidents", "Explain"),
    "rca": (
        "rca",
        "Say why: cause, reach and actions for an incident or any node",
        "Explain",
    ),
    "lineage": ("lineage", "Take lineage in; show who reads and writes what", "Explain"),
    "graph": ("graph", "Export, load or expire the causal graph", "Explain"),
    "engine": ("engine", "Fold evidence into signals, graph and incidents", "Operate"),
    "pii": ("pii", "Scan for personal data; open tokens, audited", "Operate"),
    "switch": ("switch", "Turn gates off and on again: audited, self-expiring", "Operate"),
    "stack": ("stack", "Bring what jobs need beside Python: Delta's jars", "Operate"),
    "doctor": ("doctor", "Say what is wrong with this machine and how to mend it", "Help"),
    "explain": ("explain", "Explain a code such as SF110, offline", "Help"),
    "completion": ("completion", "Print what completes as you type: shells, VS Code", "Help"),
}
"""Verb → (module in `sfctl.commands`, one line of help, heading in `--help`)."""

GLOBALS: dict[str, tuple[str, str, str]] = {
    "--project-dir": ("SFCTL_PROJECT_DIR", "DIR", "The data repo, or a folder in it"),
    "--target": ("SFCTL_TARGET", "NAME", "A target of sfctl.yml"),
    "--format": ("SFCTL_FORMAT", "FORMAT", "text or json; see a verb's --help"),
    "--now": ("SFCTL_NOW", "TIME", "Act as if it were this time (RFC 3339)"),
    "--quiet": ("SFCTL_QUIET", "", "Only the result and errors (-q)"),
    "--verbose": ("SFCTL_VERBOSE", "", "Where and how long, on stderr (-v)"),
    "--debug": ("SFCTL_DEBUG", "", "Show the traceback of an unexpected error"),
    "--no-color": ("SFCTL_NO_COLOR", "", "No colour; so does NO_COLOR"),
}
"""Option for every verb → (its variable, its metavar or "" for a flag, one line of help)."""


def help_text() -> str:
    """Return what `sfctl --help` prints."""
    lines = [
        "Usage: sfctl [OPTIONS] VERB [ARGS]...",
        "",
        "Trust for data jobs: gate every write, hold bad rows back, certify versions.",
    ]
    for heading in dict.fromkeys(group for _, _, group in VERBS.values()):
        lines += ["", f"{heading}:"]
        lines += [f"  {verb:<12} {line}" for verb, (_, line, at) in VERBS.items() if at == heading]
    lines += ["", "Options, before or after the verb:"]
    for option, (variable, metavar, line) in GLOBALS.items():
        lines.append(f"  {f'{option} {metavar}'.strip():<18} {line} [{variable}]")
    lines.append(f"  {'--version':<18} Print the version")
    lines.append(f"  {'--help':<18} Print this, or the help of a verb: sfctl VERB --help")
    return "\n".join(lines)
