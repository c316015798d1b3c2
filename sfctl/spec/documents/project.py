"""The shape of `sfctl.yml`: the project's name and its targets."""

from __future__ import annotations

from sfctl.spec.shape import Either, Field, Fields, MapOf, Seq, Shape, Tagged, may, need
from sfctl.spec.values import Boolean, Enum, Literal, Secret, Text, one_or_more

_URL = Text("a URL")
_PATH = Text("a path or a URL")
_KEY = Fields(
    "the source of a key",
    {
        "env": may(
            Text("the name of a variable", r"[A-Za-z_][A-Za-z0-9_]*"), "From this variable."
        ),
        "file": may(Text("a path"), "From this file."),
    },
    [("one", ("env", "file"))],
)
_PUBLIC_KEYS = one_or_more(Text("a public key"), "a public key, or a list of them")


def _port(name: str, adapters: dict[str, dict[str, Field]]) -> Tagged:
    shapes: dict[str, Shape] = {
        kind: Fields(
            f"the `{kind}` adapter", {"type": need(Enum(kind), "Which adapter."), **fields}
        )
        for kind, fields in {"embedded": {}, **adapters}.items()
    }
    return Tagged(f"`{name}`", "type", shapes)


_BUS = _port(
    "bus",
    {
        "kafka": {
            "bootstrap_servers": need(
                one_or_more(Text("host:port"), "host:port, or a list of them"), "The brokers."
            ),
            "topic": may(Text("a topic"), "Evidence topic."),
            "batch_topic": may(Text("a topic"), "Topic of batch evidence, where apart."),
            "group_prefix": may(Text(), "Prefix of consumer groups."),
            "client_id": may(Text(), "How brokers know us."),
            "security_protocol": may(
                Enum("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"), "Transport."
            ),
            "sasl_mechanism": may(
                Enum("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"), "Login."
            ),
            "sasl_username": may(Text(), "Login name."),
            "sasl_password": may(Secret(), "Login password."),
            "ssl_ca_location": may(Text("a path"), "Certificate authority."),
        },
    },
)
_STATE = _port(
    "state",
    {
        "dynamodb": {
            "table_prefix": may(Text(), "Prefix of the tables."),
            "region": may(Text("a region"), "Region of the tables."),
            "endpoint_url": may(_URL, "Another endpoint."),
        },
    },
)
_GRAPH = _port(
    "graph",
    {
        "gremlin": {
            "url": need(_URL, "WebSocket address of the server."),
            "traversal_source": may(Text(), "Name of the traversal source; g unless given."),
            "username": may(Text(), "Login name."),
            "password": may(Secret(), "Login password."),
            "iam": may(Boolean(), "Sign requests for Neptune."),
            "region": may(Text("a region"), "Region for signing."),
        },
    },
)

VAR = Either(
    "text, a number, a boolean, or a list of them",
    scalar=Literal(),
    sequence=Seq(Literal(), what="a list of values"),
)
VARS = MapOf(VAR, "a mapping from name to value")
_REGISTRY = _port("registry", {})

TARGET = Fields(
    "a target",
    {
        "environment": need(
            Text("an environment such as dev or prod", r"[a-z][a-z0-9_-]*"), "Only prod is prod."
        ),
        "lake": need(_PATH, "Root of relative storage paths."),
        "bus": may(_BUS, "Evidence bus; embedded unless given."),
        "state": may(_STATE, "Operational state; embedded unless given."),
        "graph": may(_GRAPH, "Causal graph; embedded unless given."),
        "registry": may(_REGISTRY, "Schema registry; files of the data repo unless given."),
        "vars": may(VARS, "What var('x') gives here, before what the project says."),
        "minimums": may(
            Either(
                "a path, or a mapping with `path`",
                scalar=_PATH,
                mapping=Fields(
                    "pinned minimums",
                    {
                        "path": need(_PATH, "Where the organisation's minimums lie."),
                        "digest": may(
                            Text("sha256:…", r"sha256:[0-9a-f]{64}"), "The content expected."
                        ),
                    },
                ),
            ),
            "Organisation minimums; policies/minimum.yaml unless given.",
        ),
        "trusted_keys": may(_PUBLIC_KEYS, "Public keys that approve policies."),
        "revoked_keys": may(
            one_or_more(Text("a public key or its short name"), "a key, or a list of them"),
            "Keys that no longer do.",
        ),
        "quarantine_key": may(Text("a public key"), "Public key that quarantine is sealed to."),
        "pii_key": may(_KEY, "Key of tokenization."),
    },
)

PROJECT = Fields(
    "a project",
    {
        "name": need(
            Text("a name of letters, digits, _ and -", r"[A-Za-z][A-Za-z0-9_-]*"), "The project."
        ),
        "description": may(Text(), "What it is, for people."),
        "vars": may(VARS, "What var('x') gives, on every target."),
        "targets": need(
            MapOf(
                TARGET,
                "targets",
                reserved={"default": need(Text("the name of a target"), "Used unless told.")},
            ),
            "Where the project runs.",
        ),
    },
)
