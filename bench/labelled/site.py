"""A made-up company with a chain of datasets, its own stores, and the events it sends."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sfctl import wiring
from sfctl.clock import format_instant
from sfctl.commands.engine_pass import advance_all
from sfctl.evidence.codec import Accepted, accept
from sfctl.evidence.embedded import EmbeddedBus
from sfctl.graph.embedded import EmbeddedGraph
from sfctl.model import facts, topology
from sfctl.model.evidence import Evidence, Expected
from sfctl.model.incident import ALIASES
from sfctl.model.manifest import (
    ConsumerEntry,
    DatasetEntry,
    JobEntry,
    LineageEntry,
    Manifest,
    ServiceEntry,
    SpecEntry,
    TargetEntry,
    TeamEntry,
)
from sfctl.model.run import RunContext, run_id_for
from sfctl.model.verdict import GateResult
from sfctl.rca.subject import incident_of
from sfctl.state.embedded import EmbeddedState

NIGHT = datetime(2024, 3, 5, 2, tzinfo=UTC)
"""When the nightly chain starts on the bad day."""
COMPILED = NIGHT - timedelta(days=20)
DAY, HOUR, MINUTE, SECOND = (timedelta(**{u: 1}) for u in ("days", "hours", "minutes", "seconds"))
ROWS = 1_000
_DOMAINS = ("orders", "claims", "trips", "meters", "loans", "visits", "parcels", "sensors")
_FIELDS = ("customer_id", "amount", "currency", "region", "device", "status", "channel", "email")
_PLACES = ("raw", "events", "landed", "clean", "joined", "daily", "facts", "report")
SIGNED = "sha256:" + "a" * 64
OTHER = "sha256:" + "b" * 64


class Site:
    """`depth` datasets, each made from the one before by a job, the first by a service."""

    def __init__(self, folder: Path, seed: int, depth: int) -> None:
        dice = random.Random(seed)
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.bus = EmbeddedBus(folder / "bus.db")
        self.state = EmbeddedState(folder / "state.db")
        self.graph = EmbeddedGraph(folder / "graph.db")
        self.domain = dice.choice(_DOMAINS)
        self.field = dice.choice(_FIELDS)
        self.chain = [f"urn:dp:{self.domain}:{place}" for place in _PLACES[:depth]]
        self.service, self.team = f"{self.domain}-svc", f"{self.domain}-team"
        self.jobs = [f"{self.domain}_to_{place}" for place in _PLACES[:depth]]
        self.decoys: list[str] = []
        self.now = NIGHT
        self._numbers = 0

    def close(self) -> None:
        """Let go of the stores."""
        for store in (self.bus, self.state, self.graph):
            store.close()

    @property
    def last(self) -> str:
        """The dataset at the end of the chain."""
        return self.chain[-1]

    def configure(
        self,
        *,
        owned: bool = True,
        schedules: bool = False,
        slo: dict[str, object] | None = None,
        since: datetime = COMPILED,
    ) -> None:
        """Announce the project: without `owned` nobody says which service makes the data."""
        datasets = {
            name: DatasetEntry(name.rpartition(":")[2], name, self.team, 1, slo=slo or {})
            for name in self.chain
        }
        jobs = {}
        for index in range(1, len(self.chain)):
            more = {"schedule": "0 2 * * *"} if schedules else {}
            jobs[self.jobs[index]] = JobEntry(
                self.jobs[index],
                inputs=(self.chain[index - 1],),
                outputs=tuple(f"{self.chain[index]}#{s}" for s in ("bronze", "silver", "gold")),
                owner=self.team,
                **more,
            )
        reports = "urn:dp:board:summary"
        services = [
            ServiceEntry("urn:service:board-svc", "board", (reports,)),
            ServiceEntry("urn:service:sibling-svc", self.team, ("urn:dp:other:things",)),
            ServiceEntry("urn:service:stranger-svc", "strangers", ("urn:dp:strange:land",)),
        ]
        if owned:
            services.append(
                ServiceEntry(f"urn:service:{self.service}", self.team, (self.chain[0],))
            )
        lineage = LineageEntry(
            specs=(SpecEntry("make_summary", (self.last,), (reports,)),),
            services=tuple(services),
            consumers=(ConsumerEntry("urn:dashboard:top", "Dashboard", 1, "ceo", (reports,)),),
            teams=(TeamEntry(f"urn:team:{self.team}"),),
        )
        manifest = Manifest(
            self.domain,
            TargetEntry("prod", "prod", "lake"),
            datasets,
            jobs,
            lineage,
            compiled_at=format_instant(since),
            digest="sha256:1",
        )
        self.bus.publish([topology.to_event(manifest)])

    def deploy(
        self,
        service: str,
        version: str,
        at: datetime,
        *,
        before: str = "",
        environment: str = "prod",
        decoy: bool = False,
    ) -> str:
        """Send a deployment and return its id."""
        self._send(
            {
                "kind": "DeploymentEvent",
                "timestamp": format_instant(at),
                "service": service,
                "version": version,
                "previous_version": before,
                "deployed_at": format_instant(at),
                "commit": f"c{self._number():07x}",
                "environment": environment,
            }
        )
        id = f"urn:deployment:{service}:{version}"
        if decoy:
            self.decoys.append(id)
        return id

    def surround(self, at: datetime) -> None:
        """Send deployments that have nothing to do with a failure at `at`, all shortly before."""
        others = ("stranger-svc", "board-svc", "sibling-svc")
        for number, other in enumerate(others, 1):
            self.deploy(other, f"v{number}.9", at - number * 7 * SECOND, decoy=True)

    def records(
        self,
        at: datetime,
        number: int,
        *,
        failure: str = "",
        producer: str = "",
        version: str = "",
        dataset: str = "",
        result: str = "",
    ) -> None:
        """Send the evidence of records of a stream, one a second from `at`."""
        word = result or ("FAIL" if failure else "PASS")
        for index in range(number):
            gate = {"gate": "G4_CONTRACT", "result": word}
            if failure:
                gate["reason_code"] = failure
            who = {"id": producer, "confidence": "HIGH", "version": version}
            self._send(
                {
                    "kind": "GATE",
                    "timestamp": format_instant(at + index * SECOND),
                    "dataset_urn": dataset or self.chain[0],
                    "producer": who if producer else {"id": "UNKNOWN", "confidence": "NONE"},
                    "validation": {
                        "result": word,
                        "gates": [{"gate": "G3_SCHEMA", "result": "PASS"}, gate],
                        "failed_gates": ["G4_CONTRACT"] if word == "FAIL" else [],
                        "reason_codes": [failure] if failure else [],
                    },
                    "source": {"offset": self._number()},
                }
            )

    def run(
        self,
        index: int,
        start: datetime,
        *,
        failed: dict[str, dict[str, int]] | None = None,
        error: str = "",
        ended: bool = True,
        skipped: str = "",
        expects: bool = False,
        gates: bool = True,
        policy: str = SIGNED,
        shape: str = "sha256:shape",
        code: str = "",
        deploy: str = "",
        producer: dict[str, str] | None = None,
    ) -> str:
        """Send a run of the job that writes `chain[index]` and return its run id.

        `failed` maps a stage to its failures with their counts; bronze stops the run. `skipped` is
        the reason that gates were off.
        """
        job, data = self.jobs[index], self.chain[index]
        date = start.date().isoformat()
        run = RunContext(
            run_id_for(job, date, 1), job, attempt=1, logical_date=date,
            started_at=format_instant(start), code_ref=code, deploy_ref=deploy,
        )  # fmt: skip
        told = (("bronze", "G3_SCHEMA"), ("silver", "G4_CONTRACT"), ("gold", "DQ"))
        promised = [Expected(data, stage, (gate,)) for stage, gate in told] if expects else ()
        source = self.chain[index - 1] if index else ""
        events = [
            facts.job_started(run, start, inputs=[source] if source else [],
                              outputs=[f"{data}#{s}" for s, _ in told], expects=promised)
        ]  # fmt: skip
        if source:
            events.append(facts.dataset_read(run, start + SECOND, dataset_urn=source, version=4))
        at, blocked = start + 2 * SECOND, False
        for number, (stage, gate) in enumerate(told):
            if error or not ended or blocked:
                break
            at = start + (3 + number) * SECOND
            bad = (failed or {}).get(stage, {})
            count = min(sum(bad.values()), ROWS)
            word = "SKIP" if skipped else "FAIL" if bad else "PASS"
            blocked = bool(bad) and stage == "bronze"
            if gates:
                events.append(
                    facts.gate_event(
                        run,
                        at,
                        GateResult(
                            gate,  # type: ignore[arg-type]
                            word,  # type: ignore[arg-type]
                            ROWS, count, 1 - count / ROWS,
                            (skipped,) if skipped else tuple(bad), bad,
                        ),
                        dataset_urn=data, stage=stage, rows=ROWS, policy_digest=policy,
                        schema_fingerprint=shape, producer=producer,
                    )
                )  # fmt: skip
            if not blocked:
                events.append(
                    facts.write_committed(run, at, dataset_urn=data, stage=stage,
                                          commit_version=start.day, rows_written=ROWS - count)
                )  # fmt: skip
        why = error or ("JOB_ERROR:PublishBlocked:main" if blocked else "")
        if why:
            events.append(facts.job_failed(run, at + SECOND, failure_reason=why, duration=9.0))
        elif ended:
            events.append(facts.job_completed(run, at + SECOND, duration=9.0, rows_written=ROWS))
        self.bus.publish(events)
        return run.run_id

    def publish(self, *events: Evidence) -> None:
        """Send events that are made already."""
        self.bus.publish(list(events))

    def settle(self, now: datetime) -> None:
        """Do what `sfctl engine run --now` does."""
        advance_all(wiring.stages(self.folder, self.bus, self.state, self.graph), now)

    def incident(self, dataset: str, *, newest: bool = False) -> str:
        """Return the first (or newest) incident of a dataset, the dataset where there is none."""
        known = sorted(self.state.query(ALIASES, "INC-"), key=lambda item: item.key)
        for item in reversed(known) if newest else known:
            found = incident_of(item.key, self.state)
            if found is not None and dataset in (found[0].dataset_urn, *found[0].datasets):
                return item.key
        return dataset

    def _send(self, document: dict[str, Any]) -> None:
        outcome = accept(document, NIGHT)
        if not isinstance(outcome, Accepted):
            raise TypeError(f"the made-up event was refused: {outcome}")
        self.bus.publish([outcome.event])

    def _number(self) -> int:
        self._numbers += 1
        return self._numbers
