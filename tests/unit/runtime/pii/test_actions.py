"""Personal data is found with its validity, acted on where it stands, and counted exactly."""

from __future__ import annotations

import re
import time

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfctl.model.policy import Detection
from sfctl.runtime.pii import keys
from sfctl.runtime.pii.actions import advise, apply, find
from sfctl.runtime.pii.kinds import KINDS, Kind
from sfctl.runtime.pii.scan import Counts, count_columns
from sfctl.runtime.pii.tokens import TOKEN, Tokenizer

RING = keys.parse(keys.generate(), "test")


def ring() -> keys.KeyRing:
    return RING


def acted(values: list[str | None], kind: str, action: str, **more: object) -> list[str | None]:
    frame = pl.DataFrame({"c": values}, schema={"c": pl.String})
    detection = Detection(kind, action, ("c",), **more)  # type: ignore[arg-type]
    return apply(frame, [detection], ring)[0]["c"].to_list()


@pytest.mark.parametrize(
    ("kind", "value", "masked"),
    [
        ("EMAIL", "anna.k+x@mail.example.co.uk", "***@mail.example.co.uk"),
        ("EMAIL", "write to anna@b.org today", "write to ***@b.org today"),
        ("PHONE", "+1 (212) 555-0147", "***-***-0147"),
        ("PHONE", "+49 30 1234 56 78", "***-***-5678"),
        ("PHONE", "212-555-0147", "***-***-0147"),
        ("PHONE", "call (212) 555-0147 now", "call ***-***-0147 now"),
        ("SSN", "123-45-6789", "***-**-6789"),
        ("CREDIT_CARD", "4111 1111 1111 1111", "****-****-****-1111"),
        ("IBAN", "DE89 3704 0044 0532 0130 00", "****3000"),
        ("IP", "from 192.168.10.42 at noon", "from *.*.*.42 at noon"),
    ],
)
def test_a_mask_keeps_the_last_four_or_the_domain(kind: str, value: str, masked: str) -> None:
    assert acted([value, None], kind, "mask") == [masked, None]


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("EMAIL", "anna at example.com"),
        ("EMAIL", "@handle"),
        ("PHONE", "2125550147"),
        ("PHONE", "2013-01-07"),
        ("PHONE", "10001-1234"),
        ("PHONE", "40.7127, -74.0059"),
        ("SSN", "000-12-3456"),
        ("SSN", "666-12-3456"),
        ("SSN", "900-12-3456"),
        ("SSN", "123-00-3456"),
        ("SSN", "123-45-0000"),
        ("CREDIT_CARD", "4111 1111 1111 1112"),
        ("CREDIT_CARD", "20130107081500123"),
        ("IBAN", "DE89 3704 0044 0532 0130 01"),
        ("IP", "2.10.300.4"),
        ("IP", "version 1.2.3"),
    ],
)
def test_what_only_looks_like_it_is_left_alone(kind: str, value: str) -> None:
    assert acted([value], kind, "redact") == [value]


def test_redact_empties_a_whole_cell_and_marks_a_span() -> None:
    values = ["a@b.org", "mail a@b.org", None]
    assert acted(values, "EMAIL", "redact") == [None, "mail [EMAIL]", None]
    assert acted(values, "EMAIL", "redact", placeholder="gone") == ["gone", "mail gone", None]


def test_validated_kinds_redact_only_what_is_valid() -> None:
    values = ["4111111111111111", "4111111111111112", "card 4111111111111111 ok"]
    assert acted(values, "CREDIT_CARD", "redact") == [None, values[1], "card [CREDIT_CARD] ok"]


def test_tokens_are_deterministic_reversible_and_name_their_key() -> None:
    values = ["a@b.org", "a@b.org", "x c@d.org y"]
    out = acted(values, "EMAIL", "tokenize")
    assert out[0] == out[1]
    assert out[0] is not None
    assert out[2] is not None
    assert TOKEN.fullmatch(out[0])
    assert Tokenizer(RING).value(out[0], "EMAIL") == "a@b.org"
    assert Tokenizer(RING).value(out[2].split()[1], "EMAIL") == "c@d.org"
    assert not any(KINDS["EMAIL"].python.search(text or "") for text in out)


def test_findings_count_cells_and_agree_with_find() -> None:
    frame = pl.DataFrame(
        {
            "a": ["x@y.org", None, "none", "p@q.org r@s.org"],
            "b": ["+1 212 555 0147"] * 4,
            "n": [1] * 4,
        }
    )
    detections = [Detection("EMAIL", "mask"), Detection("PHONE", "redact")]
    after, findings = apply(frame, detections, ring)
    assert findings == find(frame, detections)
    assert [(f.column, f.kind, f.matches, f.evaluated) for f in findings] == [
        ("a", "EMAIL", 2, 3),
        ("b", "PHONE", 4, 4),
    ]
    assert after.columns == frame.columns
    assert after["b"].null_count() == 4
    assert find(after, detections) == ()


def test_an_entry_without_an_action_only_counts() -> None:
    frame = pl.DataFrame({"a": ["x@y.org", "z"]})
    after, findings = apply(frame, [Detection("EMAIL")], ring)
    assert after.equals(frame)
    assert findings[0].matches == 1


def test_a_custom_pattern_is_acted_on() -> None:
    frame = pl.DataFrame({"a": ["staff EMP-1234 here", "EMP-9"]})
    detection = Detection("STAFF", "mask", ("a",), pattern=r"\bEMP-[0-9]{4}\b")
    assert apply(frame, [detection], ring)[0]["a"].to_list() == ["staff **** here", "EMP-9"]


def test_dictionaries_of_text_are_text() -> None:
    frame = pl.DataFrame({"a": pl.Series(["x@y.org", "z", None], dtype=pl.Categorical)})
    after, findings = apply(frame, [Detection("EMAIL", "redact")], ring)
    assert after["a"].to_list() == [None, "z", None]
    assert findings[0].matches == 1


def test_kinds_nobody_declared_are_advised() -> None:
    frame = pl.DataFrame({"a": ["x@y.org"], "b": ["123-45-6789"]})
    found = advise(frame, [Detection("EMAIL", "mask", ("a",))])
    assert [(f.column, f.kind, f.advised) for f in found] == [("b", "SSN", True)]


def test_no_key_is_asked_for_unless_something_is_tokenized() -> None:
    def missing() -> keys.KeyRing:
        raise keys.SfctlError("no key", code="SF450")

    frame = pl.DataFrame({"a": ["x@y.org"]})
    assert apply(frame, [Detection("EMAIL", "mask")], missing)[0]["a"][0] == "***@y.org"
    with pytest.raises(keys.SfctlError, match="no key"):
        apply(frame, [Detection("EMAIL", "tokenize")], missing)


@settings(deadline=None)
@given(
    st.lists(st.one_of(st.none(), st.text(max_size=30)), max_size=30), st.sampled_from(list(KINDS))
)
def test_python_and_polars_read_a_pattern_alike(values: list[str | None], kind: str) -> None:
    series = pl.Series("c", values, dtype=pl.String)
    ours = series.str.contains(KINDS[kind].rust).to_list()
    theirs = [None if v is None else bool(KINDS[kind].python.search(v)) for v in values]
    assert ours == theirs


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["", "x ", "(", "né "]),
            st.sampled_from(
                ["a@b.org", "+1 212 555 0147", "123-45-6789", "4111111111111111", "10.0.0.1", "-"]
            ),
            st.sampled_from(["", " y", ")", "."]),
        ),
        max_size=20,
    ),
    st.sampled_from(["mask", "redact", "tokenize"]),
)
def test_nothing_that_was_found_survives(parts: list[tuple[str, str, str]], action: str) -> None:
    frame = pl.DataFrame({"c": ["".join(p) for p in parts]}, schema={"c": pl.String})
    detections = [Detection(kind, action) for kind in KINDS]  # type: ignore[arg-type]
    after, _ = apply(frame, detections, ring)
    assert after.height == frame.height
    assert find(after, detections) == ()


@pytest.mark.parametrize(
    ("kind", "text", "masked"),
    [
        ("IBAN", "IBAN DE89 3704 0044 0532 0130 00 BIC X", "IBAN ****3000 BIC X"),
        ("CREDIT_CARD", "4111 1111 1111 1111 12/27", "****-****-****-1111 12/27"),
        ("CREDIT_CARD", "2024 4111111111111111", "2024 ****-****-****-1111"),
        ("CREDIT_CARD", "4111 1111 1111 1112 12/27", "4111 1111 1111 1112 12/27"),
    ],
)
def test_a_number_is_found_beside_words_that_look_like_a_part_of_it(
    kind: str, text: str, masked: str
) -> None:
    frame = pl.DataFrame({"t": [text]})
    detection = Detection(kind=kind, action="mask", columns=("t",))
    done, _ = apply(frame, (detection,), ring)
    assert done["t"].to_list() == [masked]


def test_repeated_values_count_as_often_as_they_stand() -> None:
    values = ["write to anna@b.org", "nothing to be found here", None, "4111 1111 1111 1111"]
    frame = pl.DataFrame({"rows": values * 500, "short": ["a@b.cd", None, "x", "y"] * 500})
    found = find(frame, [Detection(kind, "none") for kind in ("EMAIL", "CREDIT_CARD")])
    assert [(f.column, f.kind, f.matches, f.evaluated) for f in found] == [
        ("rows", "EMAIL", 500, 1500),
        ("short", "EMAIL", 500, 1500),
        ("rows", "CREDIT_CARD", 500, 1500),
    ]


@settings(deadline=None)
@given(st.text(alphabet="0123456789-+(). @abAB", max_size=40))
def test_a_probe_finds_what_its_pattern_finds(text: str) -> None:
    series = pl.Series([text])
    for kind in KINDS.values():
        assert series.str.contains(kind.probe).equals(series.str.contains(kind.rust)), kind.name


@pytest.mark.parametrize(
    ("pattern", "probe"),
    [
        (r"\((a)[(](b)", r"\((?:a)[(](?:b)"),
        (r"[]()](c)(?:d)\\(e)", r"[]()](?:c)(?:d)\\(?:e)"),
        (r"[^]()](x)", r"[^]()](?:x)"),
    ],
)
def test_a_probe_opens_no_group(pattern: str, probe: str) -> None:
    assert Kind("CUSTOM", pattern, "****").probe == probe


def test_a_column_may_be_named_as_one_pleases() -> None:
    counts: dict[str, Counts] = {}
    count_columns([pl.DataFrame({"n": ["4111 1111 1111 1111"]})], [KINDS["CREDIT_CARD"]], counts)
    assert counts["n"].matches == {"CREDIT_CARD": 1}


@given(st.lists(st.text("ab1 @.<>é\n", max_size=12), min_size=1, max_size=4))
def test_a_pattern_of_ones_own_is_tokenized_where_it_stands(texts: list[str]) -> None:
    pattern = r"\b(a+)+b?\b"
    found = acted(list(texts), "STAFF", "tokenize", pattern=pattern)
    tokenizer = Tokenizer(RING)
    assert found == [
        re.sub(pattern, lambda m: tokenizer.token(m[0], "STAFF"), text, flags=re.ASCII)
        for text in texts
    ]


def test_no_row_makes_a_pattern_of_ones_own_explode() -> None:
    begun = time.process_time()
    (found,) = acted(["ab " + "a" * 5_000 + "!"], "STAFF", "tokenize", pattern="(a+)+b")
    assert found is not None
    assert found.endswith(" " + "a" * 5_000 + "!")
    assert time.process_time() - begun < 5


@given(
    st.lists(
        st.one_of(
            st.ip_addresses().map(str),
            st.from_regex(r"\A[0-9a-f:.]{3,24}\Z"),
            st.from_regex(r"\Aat [0-2][0-9]:[0-5][0-9]:[0-5][0-9](\.[0-9]{3})?Z?\Z"),
            st.from_regex(r"\Av[0-9]{1,3}(\.[0-9]{1,3}){2,4}\Z"),
        ),
        max_size=20,
    )
)
def test_what_spares_asking_of_each_value_changes_no_answer(values: list[str]) -> None:
    """Cells that are surely an address, or surely none, get the answer of the slow way."""
    frame = pl.DataFrame({"text": values}, schema={"text": pl.String})
    found = sum(each.matches for each in find(frame, [Detection("IP")]))
    assert found == sum(next(KINDS["IP"].matches(text), None) is not None for text in values)
