"""The `spark:` block of a job file as words of spark-submit."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sfctl.compiler.findings import Findings
from sfctl.spec.tree import Node

_READS_SECRET = re.compile(r"\b(?:env_var|file)\s*\(")
_LISTS = {"py_files": "--py-files", "jars": "--jars", "files": "--files"}
_WORDS = {
    "master": "--master",
    "deploy_mode": "--deploy-mode",
    "properties_file": "--properties-file",
}


def submit_words(job: Node, findings: Findings) -> tuple[str, ...]:
    """Return the options of a job's spark-submit; what it says to Spark stands in its order.

    A property or an option that is taken from a variable or a file is an error: every process of
    the machine could read it.
    """
    block = job.get("spark")
    if block is None:
        return ()
    if job.string("runtime") != "spark":
        hint = "set `runtime: spark`, or take the block out"
        findings.error(block, "SF265", "`spark:` is for jobs that run on Spark", hint)
    return tuple(_words(block, findings))


def wants_delta(job: Node) -> bool:
    """Tell whether a job asks for Delta's jars and settings."""
    block = job.get("spark")
    said = block.get("delta") if block is not None else None
    return said is not None and said.value is True


def _words(block: Node, findings: Findings) -> Iterator[str]:
    for key, option in _WORDS.items():
        if block.get(key) is not None:
            yield from (option, block.string(key))
    for key, option in _LISTS.items():
        if names := block.strings(key):
            yield from (option, ",".join(names))
    conf = block.get("conf")
    for name, value in conf.items() if conf is not None else ():
        _plain(value, findings)
        yield from ("--conf", f"{name}={_text(value)}")
    for word in block.get("options") or ():
        _plain(word, findings)
        yield _text(word)


def _plain(node: Node, findings: Findings) -> None:
    if _READS_SECRET.search(node.template):
        hint = "hand it over in `env:`, or in a properties file that only the job's user can read"
        findings.error(node, "SF263", "an option is taken from a variable or file", hint)


def _text(node: Node) -> str:
    return node.value if isinstance(node.value, str) else node.text
