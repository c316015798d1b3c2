"""Counts, shares and spans of time as they are written, read exactly."""

from __future__ import annotations

import re
from decimal import Decimal

from sfctl.model.policy import Threshold
from sfctl.spec.tree import Node

_UNITS = {
    "ms": Decimal("0.001"), "s": Decimal(1), "m": Decimal(60), "h": Decimal(3600),
    "d": Decimal(86400), "w": Decimal(604800),
}  # fmt: skip


def share(node: Node) -> Decimal:
    """Return a share from 0 to 1: `5%`, `"0.5 %"` or a number, digit for digit."""
    text = node.value if isinstance(node.value, str) else node.text or str(node.value)
    if text.rstrip().endswith("%"):
        sign, digits, exponent = Decimal(text.rstrip()[:-1].strip()).as_tuple()
        # moves the point by hand: dividing would round to the ambient context's 28 digits
        return Decimal((sign, digits, int(exponent) - 2))
    return Decimal(text)


def threshold(node: Node | None) -> Threshold:
    """Return how many rows may fail: a whole number is a count, everything else a share."""
    if node is None:
        return Threshold()
    if isinstance(node.value, int) and not isinstance(node.value, bool):
        return Threshold(count=node.value)
    found = share(node)
    return Threshold(share=plain(found)) if found else Threshold()


def seconds(node: Node) -> Decimal:
    """Return a span such as `36h` or `1d12h` in seconds; a bare number is seconds."""
    text = str(node.value) if isinstance(node.value, str) else node.text
    total = Decimal(0)
    for amount, unit in re.findall(r"([0-9]+)(ms|s|m|h|d|w)", text):
        total += Decimal(amount) * _UNITS[unit]
    return total or Decimal(text if re.fullmatch(r"[0-9]+", text) else 0)


def plain(value: Decimal) -> str:
    """Return a decimal as digits, without exponent and without trailing zeros."""
    text = format(value, "f")
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"
