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
    r"|\beyJ[A-Za-z0-9_-]{8,800}\.eyJ[A-Za-z0-9_-]{8,800}"
    r"|\b[sr]k_live_[0-9A-Za-z]{16,}"
    r"|hooks\.slack\.com/services/T[A-Z0-9]+/B[A-Z0-9]+/[A-Za-z0-9]{16,}"
    r"|\w://[^\s/:@{}]+:[^\s/@{}]+@"
    r"|\b(?:AccountKey|SharedAccessKey|[Pp]assword|[Pp]wd)=[^;\s{]{4,}"
)
_SIGNS = (
    "AKIA", "ASIA", "PRIVATE KEY", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "xox", "AIza", "eyJ",
    "k_live_", "hooks.slack", "AccountKey=", "AccessKey=", "assword=", "wd=",
)  # fmt: skip
"""Texts without one of these, and without `@` after `://`, have none of the forms."""

_ALWAYS = ("password", "passwd", "passphrase", "pwd", "clientsecret", "secret")
_WHERE_RANDOM = (
    "token", "apikey", "accesskey", "secretkey", "privatekey", "signingkey", "piikey",
    "encryptionkey", "credential", "credentials", "auth", "authorization", "connectionstring",
)  # fmt: skip
_KEYS = ("passw", "pwd", "passphrase", "secret", "token", "key", "credential", "auth", "connection")
_LEAST_LENGTH = 16
_MOST_LENGTH = 200
_LEAST_BITS = 3.2


def find_secrets(root: Node) -> list[Problem]:
    """Return a problem for every literal that is, or looks like, a credential; never its value."""
    folded = root.source.casefold()
    formed = _may_hold(root.source)
    if not formed and not any(key in folded for key in _KEYS):
        return []
    return list(_walk(root, "", formed))


def _may_hold(text: str) -> bool:
    return any(sign in text for sign in _SIGNS) or ("://" in text and "@" in text)


def _walk(node: Node, name: str, formed: bool) -> Iterator[Problem]:
    value = node.value
    if isinstance(value, dict):
        for key, child in value.items():
            yield from _walk(child, key, formed)
    elif isinstance(value, tuple):
        for item in value:
            yield from _walk(item, name, formed)
    elif node.rendered or value is None or isinstance(value, bool):
        return
    elif _is_secret(node, name, formed):
        yield secret_problem(node, name)


def _is_secret(node: Node, name: str, formed: bool) -> bool:
    text = node.text
    if formed and _may_hold(text) and re.search(_FORMS, text):
        return True
    if not text or is_template(node):
        return False
    key = name.casefold().replace("_", "").replace("-", "").replace(".", "")
    return key.endswith(_ALWAYS) or (key.endswith(_WHERE_RANDOM) and _random(text))


def _random(text: str) -> bool:
    """Tell whether `text` reads like generated characters (Shannon entropy, bits a character)."""
    if len(text) < _LEAST_LENGTH or " " in text or not any(char.isdigit() for char in text):
        return False
    text = text[:_MOST_LENGTH]
    shares = [text.count(char) / len(text) for char in set(text)]
    return -sum(share * log2(share) for share in shares) >= _LEAST_BITS
