"""`target/manifest.json`: what compile leaves for the run; the standard library can read it."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from sfctl.model import codec


class Gap(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a consumer expects of a dataset that its producer does not promise."""

    consumer: str
    owner: str
    """The consumer's team."""
    says: str


class DatasetEntry(msgspec.Struct, frozen=True, omit_defaults=True):
    """One dataset. `paths` maps stage to an absolute path or URL. `policy` is relative to target/.

    `acted` names the columns with a PII action; `acts_on_all_strings` is true where an action
    has no columns. `slo` is the dataset's own slo block.
    """

    name: str
    urn: str
    owner: str = ""
    tier: int = 3
    paths: dict[str, str] = {}
    format: str = "delta"
    formats: dict[str, str] = {}
    """Table format by stage."""
    partition_by: dict[str, tuple[str, ...]] = {}
    """Partition columns by stage."""
    policy: str = ""
    digest: str = ""
    version: int = 1
    """Of the policy that is active."""
    earlier: str = ""
    """Digest of the version that is checked beside it in its first days."""
    draft: str = ""
    """Digest of what the YAML says, where that is not what is active."""
    draft_because: str = ""
    """`unapproved`, or `rolled_back`."""
    gaps: tuple[Gap, ...] = ()
    """What consumers expect and do not get."""
    source_digest: str = ""
    """Digest of the YAML this was compiled from, so that a run can say the source has changed."""
    level: str = "G2"
    acted: tuple[str, ...] = ()
    acts_on_all_strings: bool = False
    aliases: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    slo: dict[str, object] = {}
    accepted_values: dict[str, tuple[str, ...]] = {}
    """What a column may hold, by its rules; none of columns whose values are personal."""
    on_stale: str = "serve_certified"
    files: tuple[str, ...] = ()


class JobEntry(msgspec.Struct, frozen=True, omit_defaults=True):
    """One job file, resolved. `inputs` and `outputs` are canonical URNs (outputs with stage)."""

    name: str
    runtime: str = "python"
    entrypoint: str = ""
    args: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    modes: dict[str, str] = {}
    """Write mode by output, where the job file says one."""
    timeout: str = ""
    schedule: str = ""
    owner: str = ""
    retries: int = 0
    calendar: str = ""
    expected_duration: str = ""
    tags: tuple[str, ...] = ()
    env: dict[str, str] = {}
    env_from: dict[str, str] = {}
    """Variables of the job that are taken from another variable when it starts: maybe secrets."""
    submit: tuple[str, ...] = ()
    """The options of spark-submit, where the job runs on Spark."""
    delta: bool = False
    """Whether Delta's jars and settings are put before those options."""
    level: str = ""
    """How deep sfctl stands in the job: observe, post-commit, in-job; empty for post-commit."""


class SpecEntry(msgspec.Struct, frozen=True, omit_defaults=True):
    """A declared movement of data. `producer` is a job or service; names are canonical URNs."""

    producer: str
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    columns: tuple[dict[str, object], ...] = ()
    """Mappings `{"from": [column…], "to": column}`."""
    confidence: str = "HIGH"
    commit: str = ""


class AssetEntry(msgspec.Struct, frozen=True, omit_defaults=True):
    """A dataset that is kept elsewhere, known by its URN alone."""

    urn: str
    tier: int = 3
    owner: str = ""


class ServiceEntry(msgspec.Struct, frozen=True, omit_defaults=True):
    """A service and the datasets it produces."""

    urn: str
    owner: str = ""
    owns: tuple[str, ...] = ()


class ConsumerEntry(msgspec.Struct, frozen=True, omit_defaults=True):
    """A dashboard or pipeline and the datasets it reads. `kind` is Dashboard or Pipeline."""

    urn: str
    kind: str
    tier: int = 3
    owner: str = ""
    consumes: tuple[str, ...] = ()


class ChannelEntry(msgspec.Struct, frozen=True, omit_defaults=True):
    """One way to tell a team: pagerduty, slack, jira, webhook, teams, email or file.

    An address that may be a secret is not kept: `address_from` is the template that it is made
    from when something is sent; its values come from `env_var('NAME')` and `file('path')`.
    """

    type: str
    address: str = ""
    address_from: str = ""


class TeamEntry(msgspec.Struct, frozen=True, omit_defaults=True):
    """A team and how it is told."""

    urn: str
    channels: tuple[ChannelEntry, ...] = ()


class LineageEntry(msgspec.Struct, frozen=True, omit_defaults=True):
    """All that the files under lineage/ declare."""

    specs: tuple[SpecEntry, ...] = ()
    assets: tuple[AssetEntry, ...] = ()
    services: tuple[ServiceEntry, ...] = ()
    consumers: tuple[ConsumerEntry, ...] = ()
    teams: tuple[TeamEntry, ...] = ()


class TargetEntry(msgspec.Struct, frozen=True, omit_defaults=True):
    """The target everything was compiled for."""

    name: str
    environment: str
    lake: str
    bus: dict[str, object] = {}
    state: dict[str, object] = {}
    graph: dict[str, object] = {}
    registry: dict[str, object] = {}
    settings: dict[str, object] = {}


class Manifest(msgspec.Struct, frozen=True, omit_defaults=True):
    """The whole compiled project."""

    project: str
    target: TargetEntry
    datasets: dict[str, DatasetEntry] = {}
    """By canonical URN."""
    jobs: dict[str, JobEntry] = {}
    lineage: LineageEntry = LineageEntry()
    compiled_at: str = ""
    compiler: str = ""
    digest: str = ""
    schema: str = "sfctl.manifest.v1"


def digest_of(manifest: Manifest) -> str:
    """Return the digest of all that a manifest says but when, and by what, it was compiled."""
    return codec.digest(replace(manifest, digest="", compiled_at="", compiler=""))
