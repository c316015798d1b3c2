"""Where in a file each character of a scalar stands, however the scalar is written.

A scalar is followed along its source: escapes, doubled quotes, folded and wrapped lines. Where the
two do not agree, nothing is claimed.
"""

from __future__ import annotations

from collections.abc import Sequence

Place = tuple[int, int]
_ESCAPES = {"x": 4, "u": 6, "U": 10}


def places(
    lines: Sequence[str], line: int, col: int, style: str, value: str, upto: int
) -> list[Place] | None:
    """Return line and column, from 1, of the first `upto` + 1 characters of a scalar's value.

    `line` and `col` are where the scalar begins, its quote or block mark included. The place after
    the last character counts too. None where the source does not read as the value.
    """
    if line > len(lines):
        return None
    if style in ("literal", "folded"):
        return _block(lines, line, style, value, upto)
    return _flow(lines, line, col, style, value, upto)


def _flow(
    lines: Sequence[str], line: int, col: int, style: str, value: str, upto: int
) -> list[Place] | None:
    """Follow a plain or quoted scalar."""
    row = line - 1
    at = _after_properties(lines[row], col - 1) + (style != "plain")
    found: list[Place] = []
    index = 0
    while index <= min(upto, len(value)):
        found.append((row + 1, at + 1))
        if index == len(value):
            break
        char, rest = value[index], lines[row][at:]
        width = _width(rest, style)
        if rest.strip(" \t") in ("", "\\") and (char in " \n" or rest.strip(" \t") == "\\"):
            following = _after_break(lines, row)
            if following is None:
                return None
            breaks = following[0] - row
            if rest.strip(" \t") == "\\":
                found.pop()
                row, at = following
                continue
            folded = "\n" * (breaks - 1) or " "
            if not value.startswith(folded, index):
                return None
            found += [(row + 1, at + 1)] * min(len(folded) - 1, upto - index)
            index += len(folded)
            row, at = following
            continue
        if not rest or (width == 1 and rest[0] != char):
            return None
        index, at = index + 1, at + width
    return found


def _after_properties(text: str, at: int) -> int:
    """Return where a scalar's own text begins, behind an anchor and a tag."""
    while text[at : at + 1] in ("&", "!"):
        end = next((each for each in range(at, len(text)) if text[each] in " \t"), len(text))
        at = len(text) - len(text[end:].lstrip(" \t"))
    return at


def _width(rest: str, style: str) -> int:
    """Return how many characters of the source the next one of the value takes."""
    if style == "single" and rest.startswith("''"):
        return 2
    if style == "double" and rest.startswith("\\"):
        return _ESCAPES.get(rest[1:2], 2)
    return 1


def _after_break(lines: Sequence[str], row: int) -> Place | None:
    """Return row and column, from 0, of the first character on the next line that has any."""
    for following in range(row + 1, len(lines)):
        text = lines[following]
        if text.strip(" \t"):
            return following, len(text) - len(text.lstrip(" \t"))
    return None


def _block(
    lines: Sequence[str], line: int, style: str, value: str, upto: int
) -> list[Place] | None:
    """Follow a literal or folded block, whose text begins below its mark."""
    body = range(line, len(lines))
    first = value.lstrip("\n").split("\n", 1)[0]
    row = next((each for each in body if lines[each].strip(" ")), None)
    if row is None or not first:
        return None
    start = first if style == "literal" else first.split(" ", 1)[0] or first[:1]
    indent = len(lines[row]) - len(lines[row].lstrip(" ")) - (len(first) - len(first.lstrip(" ")))
    if indent < 0 or not lines[row][indent:].startswith(start):
        return None
    found: list[Place] = []
    blank = len(value) - len(value.lstrip("\n"))
    found += [(line + 1 + each, indent + 1) for each in range(min(blank, upto + 1))]
    index, at = blank, indent
    while index <= min(upto, len(value)):
        found.append((row + 1, at + 1))
        if index == len(value):
            break
        if at < len(lines[row]) and lines[row][at] == value[index]:
            index, at = index + 1, at + 1
            continue
        if at < len(lines[row]) or value[index] not in " \n":
            return None
        run = len(value[index:]) - len(value[index:].lstrip("\n")) or 1
        found += [(row + 1, at + 1)] * min(run - 1, upto - index)
        index += run
        if index == len(value):
            return [*found, (row + 1, at + 1)]
        row = next((each for each in range(row + 1, len(lines)) if lines[each].strip(" ")), row)
        at = indent
    return found
