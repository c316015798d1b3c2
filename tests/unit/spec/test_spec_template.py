from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from sfctl.errors import Problem
from sfctl.spec.context import Context
from sfctl.spec.document import check
from sfctl.spec.documents.job import JOB
from sfctl.spec.jinja import MAX_FILE, MAX_TEMPLATE
from sfctl.spec.template import render
from sfctl.spec.tree import Node
from sfctl.spec.yaml import parse


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return Context(
        tmp_path,
        project_name="shop",
        target="dev",
        environment="staging",
        variables={"n": 5, "flag": True, "bucket": "lake"},
        environ={"TEAM": "orders", "NUMBER": "7"},
    )


def rendered(text: str, context: Context) -> tuple[Node, list[Problem]]:
    node, problems = parse(text, "f.yaml")
    assert node is not None
    assert problems == []
    return render(node, context)


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ("\"{{ env_var('TEAM') }}\"", "orders"),
        ("\"{{ env_var('NUMBER') }}\"", "7"),
        ("\"{{ env_var('NUMBER') | int }}\"", 7),
        ("\"{{ env_var('NOPE', 'other') }}\"", "other"),
        ("\"{{ var('n') }}\"", 5),
        ("\"{{- var('n') -}}\"", 5),
        ('"{{ -5 }}"', -5),
        ("\"{{ var('nope', 1) }}\"", 1),
        ("\"{{ var('flag') }}\"", True),
        ("\"{{ var('n') }}0\"", "50"),
        ("s3://{{ var('bucket') }}/x", "s3://lake/x"),
        ("1{{ var('n') }}", 15),
        ('"{{ target.name }}-{{ target.environment }}"', "dev-staging"),
        ('"{{ project_name | upper }}"', "SHOP"),
        ("\"{% if target.environment == 'prod' %}a{% else %}b{% endif %}\"", "b"),
        ("\"{{ 'a' if var('flag') else 'b' }}\"", "a"),
        ("\"{{ 'a' ~ 'b' }}\"", "ab"),
    ],
)
def test_templates_give_values(template: str, value: object, context: Context) -> None:
    node, problems = rendered(f"a: 1\nk: {template}\n", context)
    assert problems == []
    assert node["k"].value == value
    assert type(node["k"].value) is type(value)
    assert node["k"].rendered
    assert not node["a"].rendered
    assert (node["k"].line, node["k"].col) == (2, 4)


def test_templates_reach_every_depth(context: Context) -> None:
    node, problems = rendered("a: [{b: \"{{ var('n') }}\"}, c]\nd: {e: f}\n", context)
    assert problems == []
    assert node.plain() == {"a": [{"b": 5}, "c"], "d": {"e": "f"}}


def test_an_alias_is_rendered_once(context: Context) -> None:
    node, problems = rendered("a: &x \"{{ env_var('NOPE') }}\"\nb: [*x, *x]\n", context)
    assert len(problems) == 1
    assert node["b"].plain() == ["{{ env_var('NOPE') }}"] * 2


def test_a_file_gives_its_text_without_the_last_line_end(context: Context) -> None:
    (context.root / "token").write_text("abc\n")
    node, problems = rendered("k: \"{{ file('token') }}\"", context)
    assert (node["k"].value, problems) == ("abc", [])


@pytest.mark.parametrize(
    ("template", "code", "said"),
    [
        ("{{ env_var('NOPE') }}", "SF125", "environment variable `NOPE` is not set"),
        ("{{ var('m') }}", "SF122", "target `dev` has no var `m`"),
        ("{{ nope }}", "SF122", "unknown name `nope`"),
        ("{{ target.x }}", "SF122", "unknown key `x` of `target`"),
        ("{{ target.name | shout }}", "SF122", "unknown filter `shout`"),
        ("{{ target() }}", "SF123", "can be called"),
        ("{{ ''.join(['a']) }}", "SF123", "`.join` is not allowed"),
        ("{{ project_name['x'] }}", "SF123", "`getitem` is not allowed"),
        ("{{ 2 ** 99999999 }}", "SF123", "`pow` is not allowed"),
        ("{% for x in range(9) %}{% endfor %}", "SF123", "`for` is not allowed"),
        ("{% macro a() %}{% endmacro %}", "SF123", "`macro` is not allowed"),
        ("{% include 'x' %}", "SF123", "`include` is not allowed"),
        ("{{ env_var( }}", "SF121", "not a template"),
        ("{{ }}", "SF121", "not a template"),
        ("{{ env_var() }}", "SF121", "TypeError"),
        ("{{ target }}", "SF121", "no single value"),
        ("{{ env_var('TEAM') | int('a') | float('b') | int | nothing }}", "SF122", "nothing"),
        ("{{ file('/etc/passwd') }}", "SF124", "outside the project"),
        ("{{ file('../x') }}", "SF124", "outside the project"),
        ("{{ file('missing') }}", "SF124", "cannot be read"),
        ("{{ file('.') }}", "SF124", "cannot be read"),
        ("{{ file('big') }}", "SF124", "too large"),
        ("{{ file('bytes') }}", "SF124", "not UTF-8"),
        ("{{ file('link') }}", "SF124", "outside the project"),
        ("{{ " + "(" * 1900 + "1" + ")" * 1900 + " }}", "SF123", "nested too deep"),
        ("{{ 'x' }}" + " " * MAX_TEMPLATE, "SF123", "too long"),
    ],
)
def test_what_a_template_cannot_do_is_one_problem(
    template: str, code: str, said: str, context: Context
) -> None:
    (context.root / "big").write_text("x" * (MAX_FILE + 1))
    (context.root / "bytes").write_bytes(b"\xff\xfe")
    (context.root / "link").symlink_to("/etc/hostname")
    node, problems = rendered(f'k: "{template}"', context)
    assert len(problems) == 1
    assert problems[0].code == code
    assert said in problems[0].message
    assert problems[0].severity == "error"
    assert node["k"].value == template


def test_offline_an_absent_credential_is_a_warning(context: Context) -> None:
    text = 'k: "{{ env_var(\'NOPE\') }}"\nf: "{{ file(\'nope\') }}"\nn: "{{ nope }}"\n'
    node, problems = rendered(text, replace(context, offline=True))
    assert [(p.code, p.severity) for p in problems] == [
        ("SF125", "warning"),
        ("SF124", "warning"),
        ("SF122", "error"),
    ]
    assert node["k"].value == "{{ env_var('NOPE') }}"


def test_problems_point_into_the_value(context: Context) -> None:
    _, problems = rendered("k: \"s3://{{ var('n') }}/{{ vra('n') }}\"\n", context)
    assert [(p.line, p.col) for p in problems] == [(1, 28)]
    assert problems[0].hint == "did you mean `var`?"


def test_what_a_template_gave_is_never_shown(context: Context) -> None:
    text = "owner: \"{{ var('n') }}\"\nentrypoint: a.py\nretries: \"{{ env_var('NUMBER') }}\"\n"
    node, _ = parse(text, "f.yaml")
    assert node is not None
    document = check(node, JOB, context)
    assert [problem.code for problem in document.problems] == ["SF112", "SF112"]
    assert not any("5" in p.message + p.hint or "7" in p.message for p in document.problems)
    assert "| int" in document.problems[1].hint


def test_without_a_template_jinja_is_not_imported() -> None:
    code = (
        "import sys; from pathlib import Path; from sfctl.spec.context import Context;"
        "from sfctl.spec.template import render;"
        "from sfctl.spec.yaml import parse;"
        "render(parse('a: {b: c}', 'f')[0], Context(Path('.'), '', '', ''));"
        "assert 'jinja2' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
