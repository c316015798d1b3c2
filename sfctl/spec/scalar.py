"""The scalars of YAML 1.2's core schema: what an untagged plain word means."""

from __future__ import annotations

import re

from sfctl.spec.tree import Scalar

LONGEST_NUMBER = 400
_WORDS: dict[str, Scalar] = {
    "": None,
    "~": None,
    "null": None,
    "Null": None,
    "NULL": None,
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
}
_NUMBER = re.compile(
    r"[-+]?(?:(?P<int>[0-9]+)|(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?)"
    r"|0o(?P<oct>[0-7]+)|0x(?P<hex>[0-9a-fA-F]+)"
    r"|(?P<inf>[-+]?\.(?:inf|Inf|INF))|(?P<nan>\.(?:nan|NaN|NAN))",
    re.ASCII,
)
_MAY_BE_NUMBER = frozenset("0123456789+-.")


def resolve(text: str) -> Scalar:
    """Return the value of a plain scalar: null, boolean, integer, float, or the text itself.

    `no`, `on`, dates and `1:30` are text; `012` is 12 and `0o17` is 15. A number of more than
    400 characters stays text. Source: YAML 1.2.2, §10.3.2.
    """
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _MAY_BE_NUMBER or len(text) > LONGEST_NUMBER:
        return text
    match = _NUMBER.fullmatch(text)
    if match is None:
        return text
    if match["int"]:
        return int(text)
    if match["oct"]:
        return int(match["oct"], 8)
    if match["hex"]:
        return int(match["hex"], 16)
    if match["inf"]:
        return float("-inf" if text[0] == "-" else "inf")
    return float("nan") if match["nan"] else float(text)


def of_tag(tag: str, text: str) -> Scalar:
    """Return the value of a scalar under an explicit core tag (`str`, `int`, `float`, …).

    Raises ValueError where the text cannot be of that type.
    """
    if tag == "str":
        return text
    value = resolve(text)
    if tag == "float" and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    wanted = {"int": int, "float": float, "bool": bool, "null": type(None)}[tag]
    if type(value) is not wanted:
        raise ValueError(f"{text!r} is not of type {tag}")
    return value
