"""The plug-in for what no pattern can say, such as names: a function of texts, off unless named.

It is handed a list of texts and returns, text by text, a list of (start, end, kind): characters
of the text from 0, `end` exclusive, kinds in capitals, such as PERSON. What it finds is reported
beside what the detectors found and never acted on.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from sfctl.errors import SfctlError, UsageError

Place = tuple[int, int, str]
Classifier = Callable[[list[str]], Sequence[Sequence[Place]]]

BATCH = 256
"""Texts handed over at once."""
_KIND = re.compile(r"[A-Z][A-Z0-9_]{0,39}")


def load(path: str, folder: Path) -> Classifier:
    """Return the function at `module:name`, looked for below `folder` first.

    Raises UsageError SF886 where there is none.
    """
    module, _, name = path.partition(":")
    before = list(sys.path)
    sys.path.insert(0, str(folder.absolute()))
    try:
        found: Any = getattr(import_module(module), name)
    except Exception as error:
        raise UsageError(
            f"the classifier {path!r} cannot be loaded: {type(error).__name__}",
            hint="module:function, below this folder or installed",
            code="SF886",
        ) from error
    finally:
        sys.path[:] = before
    if not callable(found):
        raise UsageError(f"the classifier {path!r} is no function", code="SF886")
    return found  # type: ignore[no-any-return]


def places(classifier: Classifier, texts: Sequence[str]) -> list[list[Place]]:
    """Return what a classifier finds in each text. Raises SfctlError SF887, which shows no text."""
    found: list[list[Place]] = []
    for start in range(0, len(texts), BATCH):
        some = list(texts[start : start + BATCH])
        try:
            answer = classifier(list(some))
            found += [_checked(each, text) for each, text in zip(answer, some, strict=True)]
        except Exception as error:  # noqa: BLE001  its message may quote a text
            raise SfctlError(
                f"the classifier failed with {type(error).__name__}",
                hint="it gets a list of texts and returns a list of (start, end, KIND) for each",
                code="SF887",
            ) from None
    return found


def _checked(answer: Sequence[Place], text: str) -> list[Place]:
    kept: list[Place] = []
    for start, end, kind in sorted(answer):
        if not (0 <= int(start) < int(end) <= len(text)) or not _KIND.fullmatch(kind):
            raise ValueError("a place outside the text, or no kind")
        if not kept or kept[-1][1] <= start:
            kept.append((int(start), int(end), kind))
    return kept
