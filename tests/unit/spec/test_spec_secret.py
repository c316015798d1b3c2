from __future__ import annotations

import pytest

from sfctl.spec.secret import find_secrets
from sfctl.spec.yaml import parse

RANDOM = "9f86d081884c7d659a2feaa0c55ad015"


def places(text: str) -> list[tuple[int, int]]:
    node, _ = parse(text, "f.yaml")
    assert node is not None
    problems = find_secrets(node)
    assert all(problem.code == "SF120" for problem in problems)
    return [(problem.line, problem.col) for problem in problems]


@pytest.mark.parametrize(
    "value",
    [
        "AKIAIOSFODNN7EXAMPLE",
        "use ASIAIOSFODNN7EXAMPLE now",
        "-----BEGIN PRIVATE KEY-----",
        "-----BEGIN OPENSSH PRIVATE KEY-----",
        "ghp_" + "a1" * 18,
        "xoxb-123456789012-abcdefghij",
        "AIza" + "a" * 35,
        "eyJhbGciOiJI.eyJzdWIiOiIx.SflKxwRJSMeKKF",
        "sk_live_" + "4eC39HqLyjWDarjt",
        "https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX",
        "postgres://app:pa55word@db/orders",
        "Server=db;Password=pa55word;",
    ],
)
def test_known_forms_are_secrets_anywhere(value: str) -> None:
    assert places(f"a: 1\ndescription: '{value}'\nlist: ['{value}']\n") == [(2, 14), (3, 8)]


@pytest.mark.parametrize(
    "entry",
    [
        "password: hunter2",
        "db_password: 12345",
        "DB-PASSWD: x",
        "clientSecret: abc",
        "secret: abc",
        f"token: {RANDOM}",
        f"api_key: {RANDOM}",
        f"aws_secret_access_key: {RANDOM}",
        f"credentials: [{RANDOM}]",
    ],
)
def test_literals_under_secret_keys_are_secrets(entry: str) -> None:
    assert places(f"a: {{b: {{{entry}}}}}")


@pytest.mark.parametrize(
    "entry",
    [
        "password: \"{{ env_var('X') }}\"",
        "password: ''",
        "password: true",
        "secret:",
        "token: order_id",
        "api_key: see the wiki page 5 for it",
        "primary_key: [order_id]",
        "partition_key: dt",
        f"digest: sha256:{RANDOM}",
        f"public_key: {RANDOM}",
        "kind: foreign_key",
        "url: https://example.org/@team",
        "field: password",
        "secrets_of_success: work",
    ],
)
def test_what_only_reminds_of_a_secret_passes(entry: str) -> None:
    assert places(entry) == []


def test_the_value_is_never_in_the_message() -> None:
    node, _ = parse("password: hunter2", "f.yaml")
    assert node is not None
    (problem,) = find_secrets(node)
    assert "hunter2" not in str(problem)
    assert "env_var('PASSWORD')" in problem.hint
