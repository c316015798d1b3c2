"""Secrets written out in YAML: found by their form, or by the name of the key they stand under."""

from __future__ import annotations

import re
from collections.abc import Iterator
from math import log2

from sfctl.errors import Problem
from sfctl.spec.tree import Node
from sfctl.spec.values import is_template, secret_problem

_FORMS = (
    r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"
    r"|-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----"
    r"|\bgh[pousr]_[A-Za-z0-9]{36,}"
    r"|\bxox[abprs]-[A-Za-z0-9-]{10,}"
    r"|\bAIza[0-9A-Za-z_-]{35}"
    r"|\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}"
    r"|\b[sr]k_live_[0-9A-Za-z]{16,}"
    r"|hooks\.slack\.com/services/T[A-Z0-9]+/B[A-Z0-9]+/[A-Za-z0-9]{16,}"
    r"|\w://[^\s/:@{}]+:[^\s/@{}]+@"
    r"|\b(?:AccountKey|SharedAccessKey|[Pp]assword|[Pp]wd)=[^;\s{]{4,}"
)
_ALWAYS = r"(?:^|[_.-])(?:password|passwd|passphrase|pwd|client_?secret|secret)$"
_WHERE_RANDOM = (
    r"(?:^|[_.-])(?:token|api_?key|access_?key|secret_?key|private_?key|signing_?key|pii_?key"
    r"|encryption_?key|credentials?|auth|authorization|connection_?string|sas)$"
)
_SUSPECT = r"(?i)passw|pwd|passphrase|secret|token|key|credential|auth|connection|sas|://\S*@"
_LEAST_LENGTH = 16
_LEAST_BITS = 3.2


def find_secrets(root: Node) -> list[Problem]:
    """Return a problem for every literal that is, or looks like, a credential; never its value."""
    if not re.search(_SUSPECT, root.source) and not re.search(_FORMS, root.source):
        return []
    return list(_walk(root, ""))


def _walk(node: Node, name: str) -> Iterator[Problem]:
    value = node.value
    if isinstance(value, dict):
        for key, child in value.items():
            yield from _walk(child, key)
    elif isinstance(value, tuple):
        for item in value:
            yield from _walk(item, name)
    elif value is not None and not isinstance(value, bool) and _is_secret(node, name):
        yield secret_problem(node, name)


def _is_secret(node: Node, name: str) -> bool:
    if re.search(_FORMS, node.text):
        return True
    if is_template(node) or not node.text:
        return False
    key = name.casefold()
    if re.search(_ALWAYS, key):
        return True
    return bool(re.search(_WHERE_RANDOM, key)) and _random(node.text)


def _random(text: str) -> bool:
    """Tell whether `text` reads like generated characters (Shannon entropy, bits a character)."""
    if len(text) < _LEAST_LENGTH or re.search(r"\s", text) or not re.search(r"\d", text):
        return False
    shares = [text.count(char) / len(text) for char in set(text)]
    return -sum(share * log2(share) for share in shares) >= _LEAST_BITS
