"""One canonical name per dataset, whatever its author wrote."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfctl.model import urn

PART = st.from_regex(r"[a-z0-9_.-]{1,12}", fullmatch=True)


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("ds://curated/orders_enriched", "urn:dp:curated:orders_enriched"),
        ("urn:dp:orders:created", "urn:dp:orders:created"),
        ("urn:dp:orders:order_created:v1", "urn:dp:orders:order_created:v1"),
        ("urn:dp:orders:order_created:v01", "urn:dp:orders:order_created:v1"),
        ("ds://curated/orders#gold", "urn:dp:curated:orders#gold"),
        ("ds://curated/orders:v2#silver", "urn:dp:curated:orders:v2#silver"),
    ],
)
def test_spellings_meet_in_one_form(written: str, canonical: str) -> None:
    assert urn.canonical(written) == canonical
    assert urn.is_dataset(written)


@pytest.mark.parametrize(
    "text",
    ["", "orders", "ds://Curated/orders", "urn:dp:a", "ds://a/b/c", "ds://a/b#iron", "ds:/a/b"],
)
def test_anything_else_is_refused(text: str) -> None:
    assert not urn.is_dataset(text)
    with pytest.raises(ValueError, match="not a dataset URN"):
        urn.canonical(text)


@given(PART, PART, st.none() | st.integers(0, 99), st.sampled_from(["", *urn.STAGES]))
def test_canonical_is_stable_and_parts_come_back(
    domain: str, name: str, version: int | None, stage: str
) -> None:
    text = f"ds://{domain}/{name}" + (f":v{version}" if version is not None else "")
    text += f"#{stage}" if stage else ""
    once = urn.canonical(text)
    assert urn.canonical(once) == once
    assert urn.short_name(once) == name
    assert urn.without_stage(urn.with_stage(once, "gold")) == urn.without_stage(once)
    assert "/" not in urn.slug(once)
    assert ":" not in urn.slug(once)


def test_other_names_hang_off_the_dataset() -> None:
    assert urn.column("urn:dp:a:b#gold", "c") == "urn:col:urn:dp:a:b#c"
    assert urn.job("daily") == "urn:job:daily"
    assert urn.slug("ds://a/b:v2") == "a__b__v2"
