"""Who is told of what, how often, and what happens when nobody answers."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from sfctl.incidents import lifecycle, outbox, store
from sfctl.incidents.delivery import Limits
from sfctl.incidents.notifiers import webhook
from sfctl.incidents.notifiers.webhook import Refused
from sfctl.model.manifest import ConsumerEntry
from tests.incident_rig import World, at, bad, deployment, good, project

SEVERITIES = {"SEV-1": 1, "SEV-2": 2, "SEV-3": 3}


class Sink:
    """A real HTTP server that keeps what it is sent, and answers as told."""

    def __init__(self) -> None:
        self.got: list[tuple[str, dict[str, Any], dict[str, str]]] = []
        self.answers: list[int] = []
        self.stall = threading.Event()
        self.stalls = False
        sink = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if sink.stalls:
                    sink.stall.wait(10)
                sink.got.append((self.path, json.loads(body), dict(self.headers)))
                self.send_response(sink.answers.pop(0) if sink.answers else 202)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def bodies(self, path: str = "") -> list[dict[str, Any]]:
        return [body for where, body, _ in self.got if where.startswith(path)]

    def close(self) -> None:
        self.stall.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def sink() -> Iterator[Sink]:
    made = Sink()
    yield made
    made.close()


def lines(world: World, name: str = ".sfctl/notices.jsonl") -> list[dict[str, Any]]:
    path = world.root / name
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_pagerduty_is_told_as_the_requirement_prints_it(
    world: World, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SFCTL_PAGERDUTY_URL", sink.url + "/v2/enqueue")
    monkeypatch.setenv("SFCTL_RCA_URL", "https://observability.internal/rca/")
    channels = {"orders": [("pagerduty", "data-platform-oncall")]}
    world.publish(project({"orders:created": 1}, channels=channels))
    world.publish(deployment("orders-svc", "v3.17", 57.75))
    signature = "MISSING_FIELD:customer_id"
    world.introduced("orders-svc", "v3.17", signature, "orders:created")
    counted = {"evidence_count": 1247, "fail_count": 1120}
    signal = bad("orders:created", 60, metrics=counted, producer="orders-svc", version="v3.17")
    world.publish(signal)
    world.advance()
    assert sink.bodies("/v2/enqueue") == [
        {
            "routing_key": "data-platform-oncall",
            "event_action": "trigger",
            "dedup_key": "INC-1",
            "payload": {
                "summary": "[SEV-1] Contract Violation - orders:created - 89.8% failure rate",
                "severity": "critical",
                "source": "signal-factory",
                "custom_details": {
                    "incident_id": "INC-1",
                    "dataset": "urn:dp:orders:created",
                    "failure_signature": signature,
                    "suspected_cause": "orders-svc v3.17 deployment at 09:58 AM",
                    "rca_link": "https://observability.internal/rca/INC-1",
                },
            },
        }
    ]
    world.publish(good("orders:created", 65))
    world.advance(66)
    assert sink.bodies()[1] == {
        "routing_key": "data-platform-oncall",
        "event_action": "resolve",
        "dedup_key": "INC-1",
    }


def test_the_suspected_cause_names_what_was_deployed_not_who_judged(
    world: World, sink: Sink
) -> None:
    channels = {"ops": [("slack", f"{sink.url}/chat")]}
    world.publish(project({"ops:flights": 2}, channels=channels))
    world.publish(deployment("carrier-feed", "v5.2", 57.75))
    world.introduced("carrier-feed", "v5.2", "MISSING_FIELD:dest", "ops:flights")
    counted = {"evidence_count": 911, "fail_count": 911}
    signature, job = "MISSING_FIELD:dest", "urn:job:daily"
    world.publish(bad("ops:flights", 60, signature, metrics=counted, producer=job))
    world.advance()
    (told,) = sink.bodies("/chat")
    expected = "Suspected cause: carrier-feed v5.2 deployment at 09:58 AM (confidence MEDIUM)"
    assert expected in told["text"]


def test_each_severity_goes_to_its_own_channel_and_webhooks_get_all(
    world: World, sink: Sink
) -> None:
    channels = [
        ("pagerduty", f"{sink.url}/pager#key"),
        ("slack", f"{sink.url}/slack"),
        ("jira", f"{sink.url.replace('//', '//bot:s3cret@')}/jira"),
        ("webhook", f"{sink.url}/all"),
        ("file", "told/all.jsonl"),
    ]
    world.publish(project({f"a:{n}": n for n in (1, 2, 3)}, channels={"a": channels}))
    world.publish(*(bad(f"a:{n}", 5, f"MISSING_FIELD:f{n}") for n in (1, 2, 3)))
    world.advance()
    assert [body["dedup_key"] for body in sink.bodies("/pager")] == ["INC-1"]
    assert [body["text"].splitlines()[0][:7] for body in sink.bodies("/slack")] == ["[SEV-2]"]
    (ticket,) = sink.bodies("/jira")
    assert ticket["fields"]["labels"] == ["sfctl", "SEV-3", "INC-3"]
    for told in ("Impact:", "Evidence:", "confidence", "sfctl rca INC-3"):
        assert told in ticket["fields"]["description"]
    assert [body["severity"] for body in sink.bodies("/all")] == list(SEVERITIES)
    assert [body["severity"] for body in lines(world, "told/all.jsonl")] == list(SEVERITIES)
    headers = next(headers for path, _, headers in sink.got if path == "/jira")
    assert headers["Authorization"].startswith("Basic ")
    assert not any("s3cret" in line for line in world.stage.told)
    assert lines(world) == []


def test_without_a_channel_the_file_has_it_and_a_line_is_told(world: World) -> None:
    world.publish(bad("a:t", 5))
    world.advance()
    (notice,) = lines(world)
    assert (notice["event"], notice["incident"]["incident_id"]) == ("trigger", "INC-1")
    assert notice["incident"]["rca_link"] == "sfctl rca INC-1"
    assert world.stage.told == ["INC-1: trigger told by file"]


def test_a_name_that_is_no_integration_key_is_never_sent_anywhere(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SFCTL_PAGERDUTY_URL", raising=False)
    channels = {"a": [("pagerduty", "data-platform-oncall")]}
    world.publish(project({"a:t": 1}, channels=channels), bad("a:t", 5))
    world.advance()
    assert len(lines(world)) == 1
    assert "no integration key" in world.stage.told[0]


def test_a_failing_channel_is_tried_again_with_the_same_key(world: World, sink: Sink) -> None:
    channels = [("webhook", f"{sink.url}/hook"), ("file", "told.jsonl")]
    world.publish(project({"a:t": 1}, channels={"a": channels}), bad("a:t", 5))
    sink.answers = [500]
    world.advance(60)
    assert world.stage.told == ["INC-1: trigger waits (webhook: 127.0.0.1 answered 500)"]
    world.advance(60.1)
    assert len(sink.got) == 1
    world.advance(61)
    assert [body["dedup_key"] for body in sink.bodies()] == ["INC-1", "INC-1"]
    assert len(lines(world, "told.jsonl")) == 1
    world.advance(90)
    assert len(sink.got) == 2
    assert world.state.query(outbox.TABLE) == []


def test_a_dead_port_and_a_silent_server_hold_nothing_up(world: World, sink: Sink) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        dead = free.getsockname()[1]
    with pytest.raises(Refused, match="cannot be reached"):
        webhook.post(f"http://127.0.0.1:{dead}/s3cret", {})
    sink.stalls = True
    started = time.monotonic()
    with pytest.raises(Refused, match="did not answer within 0.2 s"):
        webhook.post(f"{sink.url}/s3cret?token=s3cret", {}, timeout=0.2)
    assert time.monotonic() - started < 5
    channels = {"a": [("webhook", f"http://user:s3cret@127.0.0.1:{dead}/s3cret")]}
    world.publish(project({"a:t": 1}, channels=channels), bad("a:t", 5))
    world.advance()
    assert world.one().status == "OPEN"
    assert "s3cret" not in "".join(world.stage.told)
    assert b"s3cret" not in json.dumps([i.value for i in world.state.query(outbox.TABLE)]).encode()


@pytest.mark.parametrize(
    "address",
    ["ftp://host/x", "file:///etc/passwd", "http://", "gopher://x", "not a url", "http://[::1"],
)
def test_other_addresses_are_refused(address: str) -> None:
    with pytest.raises(Refused):
        webhook.post(address, {})


@pytest.mark.parametrize("address", ["../outside.jsonl", "/etc/told.jsonl", "file:///etc/told"])
def test_files_outside_the_project_are_refused(world: World, address: str) -> None:
    world.publish(project({"a:t": 1}, channels={"a": [("file", address)]}), bad("a:t", 5))
    world.advance()
    assert not (world.root.parent / "outside.jsonl").exists()
    assert "not inside the project" in world.stage.told[0]
    assert len(lines(world)) == 1


def test_the_same_incident_three_times_in_five_minutes_is_one_alert(world: World) -> None:
    world.publish(bad("a:t", 5))
    world.advance(60)
    world.publish(good("a:t", 6), bad("a:t", 7))
    world.advance(61)
    world.publish(good("a:t", 8), bad("a:t", 9))
    world.advance(62)
    assert [told["event"] for told in lines(world)].count("trigger") == 1
    world.publish(good("a:t", 10), bad("a:t", 11))
    world.advance(70)
    assert [told["event"] for told in lines(world)].count("trigger") == 2


def test_fifty_incidents_in_an_hour_are_ten_alerts_and_one_digest(world: World) -> None:
    names = [f"a:t{n:02}" for n in range(50)]
    world.publish(project(dict.fromkeys(names, 2) | {"a:t49": 1, "b:other": 3}))
    world.publish(*(bad(name, 5, f"MISSING_FIELD:{name[2:]}") for name in (*names, "b:other")))
    world.advance(60)
    told = [each for each in lines(world) if each["team"] == "a"]
    assert [each["event"] for each in told] == ["trigger"] * 10 + ["digest"]
    assert told[0]["severity"] == "SEV-1"
    alerted = {each["incident"]["incident_id"] for each in told[:10]}
    assert len(alerted) == 10
    assert len(told[10]["incidents"]) == 40
    assert not alerted & set(told[10]["incidents"])
    assert [each["team"] for each in lines(world)].count("b") == 1
    world.advance(85)
    assert len([each for each in lines(world) if each["team"] == "a"]) == 11


def test_how_many_alerts_an_hour_is_a_setting(world: World) -> None:
    world.stage.limits = Limits(alerts_per_hour=2)
    world.publish(*(bad(f"a:t{n}", 5, f"MISSING_FIELD:{n}") for n in range(5)))
    world.advance()
    assert [each["event"] for each in lines(world)] == ["trigger", "trigger", "digest"]


def test_what_nobody_acknowledges_goes_to_a_second_channel_once(world: World, sink: Sink) -> None:
    channels = [("pagerduty", f"{sink.url}/pager#key"), ("slack", f"{sink.url}/slack")]
    names = {"a:t": 1, "a:u": 1}
    world.publish(project(names, channels={"a": channels}))
    world.publish(bad("a:t", 5, "MISSING_FIELD:x"), bad("a:u", 5, "MISSING_FIELD:y"))
    world.advance(60)
    second, version = _loaded(world, "INC-2")
    done = lifecycle.acknowledged(second, at(61), "ann")
    world.state.transact(store.writes_of(done, version))
    world.advance(89)
    assert sink.bodies("/slack") == []
    for minute in (91, 92, 200):
        world.advance(minute)
    (told,) = sink.bodies("/slack")
    assert "Not acknowledged: INC-1" in told["text"]
    assert len(sink.bodies("/pager")) == 2


def test_what_was_over_before_anybody_was_told_is_not_told(world: World) -> None:
    world.publish(bad("a:t", 5), good("a:t", 10))
    world.advance()
    assert lines(world) == []
    assert world.state.query(outbox.TABLE) == []


def test_a_notice_level_wakes_nobody(world: World, sink: Sink) -> None:
    channels = [("pagerduty", f"{sink.url}/pager#key"), ("slack", f"{sink.url}/slack")]
    world.publish(project({"a:t": 1}, channels={"a": channels}, level="G1"), bad("a:t", 5))
    world.advance()
    assert [path for path, _, _ in sink.got] == ["/slack"]


def test_consumers_downstream_hear_of_a_warning_once_an_hour(world: World) -> None:
    consumers = tuple(
        ConsumerEntry(f"urn:dashboard:x:d{n}", "Dashboard", owner=f"o{n}", consumes=("urn:dp:a:t",))
        for n in range(5)
    )
    world.publish(project({"a:t": 2}, consumers=consumers))
    world.publish(bad("a:t", 5, state="WARNING"))
    world.advance(10)
    assert [told["event"] for told in lines(world)] == ["upstream"] * 5
    assert {told["team"] for told in lines(world)} == {f"o{n}" for n in range(5)}
    world.publish(bad("a:t", 15, state="WARNING"))
    world.advance(20)
    assert len(lines(world)) == 5
    world.publish(bad("a:t", 66, state="WARNING"))
    world.advance(70)
    assert len(lines(world)) == 10
    assert world.incidents == []


def test_one_slow_pass_leaves_the_rest_for_the_next(world: World) -> None:
    world.stage.limits = Limits(budget_s=-1.0)
    world.publish(bad("a:t", 5))
    world.advance()
    assert lines(world) == []
    assert len(world.state.query(outbox.TABLE)) == 1


def _loaded(world: World, name: str) -> Any:
    loaded = store.load(world.state, store.resolve_name(world.state, name)[0])
    assert loaded is not None
    return loaded
