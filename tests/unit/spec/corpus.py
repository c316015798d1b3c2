"""Good documents of every kind, and ways to break them, for properties."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from sfctl.spec.publish import DOCUMENTS
from sfctl.spec.yaml import parse

FOLDER = Path(__file__).parents[2] / "golden" / "good_yaml"
TEXTS = {
    f"{file.parent.name}/{file.stem}": file.read_text(encoding="utf-8")
    for file in sorted(FOLDER.glob("*/*.yaml"))
}
WORDS = sorted({word for text in TEXTS.values() for word in text.replace(":", " ").split()})

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-3, 200)
    | st.sampled_from([0.5, -0.5, 1.5, 99.9])
    | st.sampled_from(["", "5%", "30m", "TIER_1", "x", "{{ var('x') }}", "{% if x %}", "sha256:0"])
    | st.sampled_from(WORDS)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["kind", "type", "path", "field", "zzz"]), inner, max_size=2
        )
    ),
    max_leaves=4,
)


def plain(text: str) -> Any:
    """Return a good document without its places."""
    node, problems = parse(text, "f.yaml")
    assert node is not None
    assert not problems
    return node.plain()


def kind_of(name: str) -> str:
    """Return which kind of document a case of `TEXTS` is."""
    kind = name.partition("/")[0]
    assert kind in DOCUMENTS
    return kind


def _spots(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path]
    if isinstance(value, dict):
        for key, child in value.items():
            found += _spots(child, (*path, key))
    elif isinstance(value, list):
        for index, child in enumerate(value):
            found += _spots(child, (*path, index))
    return found


@st.composite
def broken(draw: st.DrawFn) -> tuple[str, Any]:
    """Draw a kind and a document of it, changed in up to three places (or in none)."""
    name = draw(st.sampled_from(sorted(TEXTS)))
    document = copy.deepcopy(plain(TEXTS[name]))
    for _ in range(draw(st.integers(0, 3))):
        path = draw(st.sampled_from(_spots(document)))
        if not path:
            document = draw(VALUES) if draw(st.integers(0, 9)) == 0 else document
            continue
        holder = document
        for step in path[:-1]:
            holder = holder[step]
        change = draw(st.sampled_from(["drop", "replace", "add"]))
        if change == "drop":
            del holder[path[-1]]
        elif change == "replace":
            holder[path[-1]] = draw(VALUES)
        elif isinstance(holder, dict):
            holder[draw(st.sampled_from(["zzz", "min", "field", "fields", "kind", "tags"]))] = draw(
                VALUES
            )
        else:
            holder.append(draw(VALUES))
    return kind_of(name), document
