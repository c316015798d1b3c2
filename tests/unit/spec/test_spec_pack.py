"""Packs of rules: found, filled in, put into bundles; each value typed, each id told apart."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from sfctl.compiler.check import policy_for_check
from sfctl.compiler.compile import Compiled, compile_project
from sfctl.errors import SpecError, told_once
from sfctl.model.policy import Policy
from sfctl.spec.pack import MOST_INCLUDES
from sfctl.spec.project import load

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CODES = """\
parameters:
  column: column
  codes: {type: list, default: [US, CA]}
required_fields: ["{{ param('column') }}"]
rules:
  - field: "{{ param('column') }}"
    rules: [{accepted_values: "{{ param('codes') }}"}, {length: {max: 2, id: short}}]
pii: {detection: [{pattern: EMAIL, columns: "{{ param('column') }}", action: mask}]}
"""


def project(root: Path, bundle: str, packs: dict[str, str], header: str = "") -> Path:
    folder = root / "datasets" / "orders"
    folder.mkdir(parents=True)
    (root / "packs").mkdir()
    default = "name: shop\ntargets: {default: dev, dev: {environment: dev, lake: ./lake}}\n"
    (root / "sfctl.yml").write_text(header or default)
    (folder / "dataset.yaml").write_text("{urn: ds://shop/orders, owner_team: s, tier: TIER_3}")
    (folder / "policy_bundle.yaml").write_text(bundle)
    for name, text in packs.items():
        (root / "packs" / f"{name}.yaml").write_text(text)
    return root


def compiled(root: Path, target: str | None = None) -> Compiled:
    return compile_project(load(root, target), now=NOW)


def policy(root: Path, target: str | None = None) -> Policy:
    found = compiled(root, target)
    assert [str(p) for p in found.errors] == []
    return found.policies["orders"]


def test_a_pack_brings_rules_required_fields_and_detections(tmp_path: Path) -> None:
    bundle = """\
include: [{pack: codes, with: {column: country}}]
contract_lite: {required_fields: [country, id]}
dq: {rules: ["id > 0"]}
"""
    found = policy(project(tmp_path, bundle, {"codes": CODES}))
    assert [(rule.id, rule.gate) for rule in found.rules] == [
        ("required:country", "G4_CONTRACT"),
        ("required:id", "G4_CONTRACT"),
        ("id_gt_0", "DQ"),
        ("accepted_values:country", "DQ"),
        ("codes:country.short", "DQ"),
    ]
    assert [(d.kind, d.columns) for d in found.pii] == [("EMAIL", ("country",))]
    assert [rule.source for rule in found.rules[3:]] == [
        "packs/codes.yaml:7:13",
        "packs/codes.yaml:7:56",
    ]


def test_a_pack_included_twice_keeps_its_ids_apart_and_takes_what_the_include_says(
    tmp_path: Path,
) -> None:
    bundle = """\
include:
  - {pack: codes, with: {column: country}}
  - {pack: codes, with: {column: origin, codes: [X]}, severity: warn, threshold: 3, tags: a}
  - {pack: codes, with: {column: country, codes: [US]}, as: home, into: contract, where: id > 1}
contract_lite: {required_fields: [id]}
"""
    rules = [
        rule
        for rule in policy(project(tmp_path, bundle, {"codes": CODES.rpartition("pii")[0]})).rules
        if rule.kind == "length"
    ]
    assert [(r.id, r.severity, r.threshold.count, r.tags, r.gate) for r in rules] == [
        ("home.short", "error", 0, (), "G4_CONTRACT"),
        ("codes:country.short", "error", 0, (), "DQ"),
        ("codes:origin.short", "warn", 3, ("a",), "DQ"),
    ]
    assert rules[0].where is not None


def test_packs_within_packs_hand_their_arguments_on(tmp_path: Path) -> None:
    outer = """\
parameters: {who: column}
include: [{pack: codes, with: {column: "{{ param('who') }}"}, severity: warn}]
rules: [{kind: not_null, field: "{{ param('who') }}", id: there}]
"""
    bundle = "include: [{pack: outer, with: {who: country}, tags: x}]\n"
    found = policy(project(tmp_path, bundle, {"codes": CODES, "outer": outer}))
    assert [(r.id, r.severity, r.tags) for r in found.rules][1:] == [
        ("accepted_values:country", "warn", ("x",)),
        ("outer:country.codes:country.short", "warn", ("x",)),
        ("outer:country.there", "error", ("x",)),
    ]


def test_what_a_policy_is_made_of_names_its_packs(tmp_path: Path) -> None:
    bundle = "include: [{pack: codes, with: {column: country}}]\n"
    root = project(tmp_path, bundle, {"codes": CODES, "spare": "rules: ['a > 1']"})
    before = compiled(root).manifest.datasets["urn:dp:shop:orders"]
    assert "packs/codes.yaml" in before.files
    assert "packs/spare.yaml" not in before.files
    pack = root / "packs/codes.yaml"
    pack.write_text(CODES.replace("US, CA", "US, MX"))
    after = compiled(root).manifest.datasets["urn:dp:shop:orders"]
    assert after.source_digest != before.source_digest
    assert after.digest != before.digest


def test_a_pack_that_nobody_includes_is_judged_all_the_same(tmp_path: Path) -> None:
    spare = """\
parameters: {column: column, form: text}
rules:
  - {kind: format, field: "{{ param('column') }}", format: "{{ param('form') }}"}
  - {kind: range, field: "{{ param('column') }}", min: 5, max: 1}
"""
    found = compiled(
        project(
            tmp_path,
            "dq: {rules: ['id > 0']}\ncontract_lite: {required_fields: [id]}\n",
            {"spare": spare},
        )
    )
    assert [(p.path, p.line, p.code) for p in found.problems] == [("packs/spare.yaml", 4, "SF220")]


def test_one_mistake_in_a_pack_is_told_once_however_many_include_it(tmp_path: Path) -> None:
    bundle = "include: [broken]\n"
    root = project(tmp_path, bundle, {"broken": 'rules: [{kind: pattern, field: a, pattern: "("}]'})
    for name in ("b", "c"):
        other = root / "datasets" / name
        other.mkdir()
        (other / "dataset.yaml").write_text(
            f"{{urn: ds://shop/{name}, owner_team: s, tier: TIER_3}}"
        )
        text = f"{bundle}contract_lite: {{required_fields: [a]}}"
        (other / "policy_bundle.yaml").write_text(text)
    (root / "datasets/orders/policy_bundle.yaml").write_text(text)
    found = compiled(root).errors
    assert {p.bundle for p in found} == {
        f"datasets/{name}/policy_bundle.yaml" for name in ("b", "c", "orders")
    }
    (once,) = told_once(found)
    assert once.included == "datasets/b/policy_bundle.yaml:1:11 and 2 more places"


def test_packs_that_double_are_stopped(tmp_path: Path) -> None:
    packs = {f"p{n}": f"include: [p{n + 1}, p{n + 1}]" for n in range(12)}
    packs["p12"] = "rules: ['id > 0']"
    found = compiled(project(tmp_path, "include: [p0]", packs))
    limit = [p for p in found.errors if p.code == "SF272"]
    assert len(limit) == 1
    assert str(MOST_INCLUDES) in limit[0].message


@pytest.mark.parametrize(
    "name", ["/etc/passwd", "../packs/codes", "a/b", "codes.yaml", ".hidden", "C:x", ""]
)
def test_a_pack_has_a_name_and_no_path(name: str, tmp_path: Path) -> None:
    found = compiled(project(tmp_path, f"include: ['{name}']", {"codes": CODES}))
    assert [p.code for p in found.errors] == ["SF114"]


@pytest.mark.parametrize("name", ["two words", "größe", "a@b", "a.b"])
def test_a_file_that_nobody_could_include_is_told(name: str, tmp_path: Path) -> None:
    found = compiled(project(tmp_path, "version: 1", {name: CODES}))
    assert [(p.path, p.code) for p in found.errors] == [(f"packs/{name}.yaml", "SF114")]


def test_a_link_out_of_the_project_is_refused_and_one_within_is_not(tmp_path: Path) -> None:
    outside = tmp_path / "outside.yaml"
    outside.write_text("rules: ['id > 0']")
    bundle = "include: [far, near]\ncontract_lite: {required_fields: [id]}"
    root = project(tmp_path / "repo", bundle, {"real": "rules: ['id > 0']"})
    (root / "packs/far.yaml").symlink_to(outside)
    (root / "packs/near.yaml").symlink_to(root / "packs/real.yaml")
    found = compiled(root)
    assert [(p.path, p.code) for p in found.errors] == [("packs/far.yaml", "SF273")]
    assert any(rule.source.startswith("packs/near") for rule in found.policies["orders"].rules)


def test_a_bundle_that_is_checked_alone_finds_its_packs(tmp_path: Path) -> None:
    (tmp_path / "packs").mkdir()
    (tmp_path / "packs/codes.yaml").write_text(CODES)
    file = tmp_path / "bundle.yaml"
    file.write_text("include: [{pack: codes, with: {column: country}}]")
    assert len(policy_for_check(file)[0].rules) == 3
    file.write_text("include: [cods]")
    with pytest.raises(SpecError) as raised:
        policy_for_check(file)
    assert "did you mean `codes`?" in str(raised.value.problems[0])


HEADER = """\
name: shop
vars: {codes: [US, CA], most: 7, exact: "0.10", flag: true, where: all}
targets:
  default: dev
  dev: {environment: dev, lake: ./lake}
  prod: {environment: prod, lake: ./lake, vars: {most: 9.5, codes: [MX]}}
"""
BUNDLE = """\
schema: {constraints: [{field: n, type: "DECIMAL(9,2)"}, {field: c, type: STRING}]}
dq:
  rules:
    - {kind: range, field: n, min: "{{ var('exact') }}", max: "{{ var('most') }}"}
    - {kind: accepted_values, field: c, values: "{{ var('codes') }}"}
    - "c <> '{{ var('where') }}' OR {{ var('flag') }}"
    - {kind: row_count, min: "{{ var('absent', 3) }}"}
"""


def test_vars_keep_their_types_and_a_target_says_more(tmp_path: Path) -> None:
    root = project(tmp_path, BUNDLE, {}, HEADER)
    dev, prod = (repr(policy(root, target).rules) for target in ("dev", "prod"))
    assert "Constant(text='7'" in dev
    assert "Constant(text='0.10'" in dev
    assert "Constant(text='CA'" in dev
    assert "minimum='3'" in dev
    assert "Constant(text='9.5'" in prod
    assert "Constant(text='MX'" in prod
    assert "Constant(text='CA'" not in prod


@pytest.mark.parametrize(
    ("text", "line", "hint"),
    [
        ("{{ var('mst') }}", 5, "did you mean `most`?"),
        ("a {{ var('codes') }}", 5, "let the template be the whole value"),
        ("{{ param('x') }}", 5, "var('x') gives what sfctl.yml declares"),
    ],
)
def test_a_var_that_is_not_there_is_named_with_the_nearest(
    text: str, line: int, hint: str, tmp_path: Path
) -> None:
    bundle = f'description: |\n  x\ndq:\n  rules:\n    - {{kind: row_count, min: "{text}"}}\n'
    found = compiled(project(tmp_path, bundle, {}, HEADER))
    assert (found.errors[0].line, found.errors[0].hint) == (line, hint)


def test_no_var_reaches_the_manifest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_SECRET", "hunter-two")
    header = HEADER.replace("most: 9.5", "key: \"{{ env_var('SHOP_SECRET') }}\", most: 9.5")
    found = compiled(project(tmp_path, BUNDLE, {}, header), "prod")
    assert "hunter-two" not in repr(found.manifest)


def test_defaults_may_be_vars_and_types_may_not_be_parameters(tmp_path: Path) -> None:
    pack = """\
parameters: {most: {type: number, default: "{{ var('most') }}"}}
rules: [{kind: range, field: n, max: "{{ param('most') }}"}]
"""
    bundle = "include: [limits]\nschema: {constraints: [{field: n, type: INT32}]}"
    root = project(tmp_path, bundle, {"limits": pack}, HEADER)
    assert "Constant(text='7'" in repr(policy(root, "dev").rules)
    (root / "packs/limits.yaml").write_text(pack.replace("number", "\"{{ param('x') }}\""))
    assert [p.code for p in compiled(root, "dev").errors] == ["SF122"]
