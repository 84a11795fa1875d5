"""Queue, probes, metrics, settings, events, and the books on a folder in place of a bucket."""

from __future__ import annotations

import asyncio
import json
import socket
from http import HTTPStatus

import pytest

from tuner.artifacts import FolderStore
from tuner.errors import ManifestError, StoreError
from tuner.log import Kind, StudyLog
from tuner.log.keys import log_key
from tuner.spec.instance_type import InstanceTypeSpec
from tuner.spec.status import TuningStudyStatus
from tuner.spec.trial import TrialState
from tuner.study.verdict import Verdict
from tuner.transfer.record import TransferRecord, put_record
from tuner_operator.actions import ArtifactsOf, LastSign, Ref, Tell, WriteVerdict
from tuner_operator.book import StudyBook
from tuner_operator.bucket import Bucket
from tuner_operator.client import NotFound
from tuner_operator.events import event_of
from tuner_operator.facts import Facts
from tuner_operator.health import Health, Pulse, serve
from tuner_operator.memory import Memory
from tuner_operator.metrics import Metrics
from tuner_operator.passes import StudyQueue
from tuner_operator.settings import Settings, settings_from
from tuner_operator.summary import marker_of
from tuner_operator.sweep import Sweep

KEY = ("ns", "s")


# The queue.


def test_marks_during_a_pass_lead_to_one_more():
    async def scenario():
        passes = []

        async def work(key):
            passes.append(key)
            if len(passes) == 1:
                queue.mark(key)
                queue.mark(key)
            return True

        queue = StudyQueue(work)
        queue.mark(KEY)
        queue.mark(KEY)
        await asyncio.sleep(0.5)
        await queue.close()
        return passes

    assert asyncio.run(scenario()) == [KEY, KEY]


def test_a_pass_that_failed_is_repeated_and_others_go_on(caplog):
    async def scenario():
        passes = []

        async def work(key):
            passes.append(key)
            if key == KEY and passes.count(key) == 1:
                raise ValueError("broken")
            return True

        queue = StudyQueue(work)
        queue.mark(KEY)
        queue.mark(("ns", "other"))
        await asyncio.sleep(0.6)
        await queue.close()
        return passes

    passes = asyncio.run(scenario())
    assert passes.count(KEY) == 2
    assert passes.count(("ns", "other")) == 1


# Probes and metrics.


def test_the_pulse_fails_only_when_a_version_does_not_come_back():
    now = [0.0]
    pulse = Pulse(clock=lambda: now[0], late_seconds=60)
    pulse.sent(7)
    pulse.sent(9)
    now[0] = 59
    assert pulse.is_alive
    now[0] = 61
    assert not pulse.is_alive
    pulse.seen(8)
    assert pulse.is_alive
    pulse.sent(8)
    now[0] = 1000
    assert pulse.is_alive


def test_probes_and_metrics_are_served():
    alive = [True]
    health = Health(alive=lambda: alive[0], ready=lambda: False, metrics=lambda: b"tuner 1\n")

    async def ask(port, path):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        answer = await reader.read()
        writer.close()
        return answer.split(b" ")[1], answer.split(b"\r\n\r\n")[1]

    async def scenario():
        (server,) = await serve(health, ports=(0,))
        v4 = next(one for one in server.sockets if one.family == socket.AF_INET)
        port = v4.getsockname()[1]
        async with server:
            paths = ("/healthz", "/readyz", "/metrics?x=1", "/x")
            return [await ask(port, path) for path in paths]

    codes = asyncio.run(scenario())
    assert [code for code, _ in codes] == [b"200", b"503", b"200", b"404"]
    assert codes[2][1] == b"tuner 1\n"
    alive[0] = False
    assert health.answer("/livez")[0] is HTTPStatus.SERVICE_UNAVAILABLE


def test_a_studys_series_go_with_the_study():
    metrics = Metrics()
    status = TuningStudyStatus.model_validate(
        {"trials": {"total": 3, "completed": 2}, "cost": {"spent": 1.5}, "hypervolume": 0.5}
    )
    metrics.observe("ns", "s", status=status)
    metrics.observe("ns", "other", status=status)
    text = metrics.render().decode()
    assert 'tuner_study_trials{namespace="ns",state="completed",study="s"} 2.0' in text
    assert 'tuner_study_cost_usd{kind="spent",namespace="ns",study="s"} 1.5' in text
    metrics.keep_only({("ns", "other")})
    assert 'study="s"' not in metrics.render().decode()
    assert 'study="other"' in metrics.render().decode()


# Settings and events.


def test_settings_come_from_the_environment():
    settings = settings_from(
        {
            "TUNER_WATCH_NAMESPACES": "a, b",
            "TUNER_STORE": '{"folder": "/x"}',
            "TUNER_SUMMARY_SECONDS": "2.5",
            "TUNER_PULL_SECRETS": "",
            "POD_NAME": "operator-1",
        }
    )
    assert settings.namespaces == ("a", "b")
    assert settings.summary_seconds == 2.5
    assert settings.pull_secrets == ()
    assert settings.identity == "operator-1"


def test_a_setting_that_is_no_number_is_named():
    with pytest.raises(ManifestError, match="TUNER_LEASE_SECONDS"):
        settings_from({"TUNER_LEASE_SECONDS": "soon"})


def test_the_same_words_make_the_same_event():
    ref = Ref(kind="TuningTrial", namespace="ns", name="s-0-1", uid="u")
    tell = Tell(ref, reason="TrialFailed", message="x" * 5000, warning=True)
    event = event_of(tell, now=1.8e9)
    assert event["metadata"]["name"] == event_of(tell, now=1.9e9)["metadata"]["name"]
    assert event["type"] == "Warning"
    assert len(event["message"]) <= 1024
    assert event["involvedObject"]["uid"] == "u"


# Books.


@pytest.fixture
def store(tmp_path):
    return FolderStore(tmp_path / "store")


@pytest.fixture
def book(store):
    return StudyBook(store, key=KEY, uid="uid")


def test_a_verdict_is_known_at_once_and_written_once(book, store, spec):
    verdict = Verdict(state=TrialState.COMPLETED, cost_usd=0.5, start=1.0, seconds=5.0)
    action = WriteVerdict("s-0-1", attempt=1, verdict=verdict)

    async def scenario():
        await book.write_verdict(action)
        at_once = (await book.view(spec(), prices={})).ended
        known = dict(at_once)
        await book.write_verdict(action)
        await book.read()
        return known, (await book.view(spec(), prices={})).ended

    known, read = asyncio.run(scenario())
    assert known == {"s-0-1": (verdict,)}
    assert dict(read) == known
    assert len(StudyLog(store, book.prefix).read_all()) == 1


def test_a_withdrawn_trial_has_a_record_beside_its_attempts(book, store):
    paused = Verdict(state=TrialState.PAUSED, cost_usd=0.5, start=1.0, seconds=5.0)
    withdrawn = Verdict(state=TrialState.CANCELLED, reason="GoalsReached")

    async def scenario():
        for verdict in (paused, withdrawn):
            await book.write_verdict(WriteVerdict("s-0-1", attempt=1, verdict=verdict))

    asyncio.run(scenario())
    parts = {one.part for one in StudyLog(store, book.prefix).read_all()}
    assert parts == {"0", "end"}


def test_the_last_sign_is_of_that_very_attempt(book, store):
    log = StudyLog(store, book.prefix)
    log.put_heartbeat("s-0-1", attempt=2)
    first, second = (
        asyncio.run(book.last_sign(LastSign(trial="s-0-1", attempt=attempt))) for attempt in (1, 2)
    )
    assert first.seen is None
    assert second.seen is not None


def test_what_an_attempt_wrote_is_a_sign_of_life_before_its_first_heartbeat(book, store):
    log = StudyLog(store, book.prefix)
    key = log.append(Kind.REPORTS, trial="s-0-1", attempt=1, body={"reports": []})
    written = log_key(key).milliseconds / 1000
    question = LastSign(trial="s-0-1", attempt=1)
    assert asyncio.run(book.last_sign(question)).seen == written
    log.put_heartbeat("s-0-1", attempt=1)
    assert asyncio.run(book.last_sign(question)).seen >= written
    assert asyncio.run(book.last_sign(LastSign(trial="s-0-1", attempt=2))).seen is None


def test_what_a_verdict_has_charged_stands_whatever_the_attempt_wrote_afterwards(book, store):
    verdict = Verdict(state=TrialState.QUEUED, reason="PodGone", start=100.0, seconds=7.25)
    log = StudyLog(store, book.prefix)
    log.append(Kind.VERDICT, trial="s-0-1", attempt=1, part="0", body=verdict.to_body())
    for attempt in (1, 2):
        log.append(Kind.REPORTS, trial="s-0-1", attempt=attempt, body={"reports": []})
    signs = [
        asyncio.run(book.last_sign(LastSign(trial="s-0-1", attempt=attempt))) for attempt in (1, 2)
    ]
    assert signs[0].seen == 107.25
    assert signs[1].seen is not None
    assert signs[1].seen > 107.25


def test_what_workers_learned_from_is_read_where_it_is_asked_for(book, store, spec):
    asks = spec(transfer={"studies": ["a"]})
    assert asyncio.run(book.view(asks, prices={})).transfer is None
    record = TransferRecord(missing=("a",))
    put_record(store, "studies/ns/s.uid", record=record)
    assert asyncio.run(book.view(asks, prices={})).transfer == record
    assert asyncio.run(book.view(spec(), prices={})).transfer is None
    store.put("studies/ns/s.uid/transfer.json", b"{")
    assert asyncio.run(book.view(asks, prices={})).transfer is None


@pytest.mark.parametrize(
    ("hardware", "described"),
    [
        ({"instanceTypes": ["small"]}, {"small"}),
        ({"selector": {}}, {"small", "large"}),
    ],
)
def test_the_marker_describes_the_types_for_those_who_learn_from_the_study(
    observed, spec, hardware, described
):
    of = spec(hardware=hardware)
    types = {
        "small": InstanceTypeSpec(price_per_hour=1.0),
        "large": InstanceTypeSpec(),
        "private": InstanceTypeSpec(allowed_namespaces=("other",)),
    }
    body = marker_of(KEY, observed(of=of).study, of, types)
    assert set(body["instanceTypes"]) == described
    assert body["instanceTypes"]["small"]["pricePerHour"] == 1.0


def test_artifacts_are_looked_up_by_their_key(book, store):
    store.put("cache/ns/stages/aa/1.json", b"{}")
    found = asyncio.run(book.artifacts(ArtifactsOf(keys=("aa", "bb"))))
    assert found == {"aa"}


# Stores.


class Secrets:
    """An API server that has Secrets only."""

    def __init__(self, data=None):
        self.data = data

    async def get(self, kind, *, name, namespace=""):
        if self.data is None:
            raise NotFound(name, status=404)
        return {"data": self.data}


@pytest.mark.parametrize("data", [None, {}, {"accessKey": "YQ=="}])
def test_a_missing_secret_is_told_with_what_to_do(data):
    facts = Facts(clock=lambda: 0.0)
    settings = Settings(store=json.dumps({"endpoint": "host:9000", "bucket": "b"}))
    bucket = Bucket(
        Secrets(data),
        settings=settings,
        facts=facts,
        uid_of=lambda key: "uid",
        changed=lambda key: None,
    )
    view = asyncio.run(bucket.check("ns"))
    assert (view.reachable, view.reason) == (False, "SecretMissing")
    assert "tuner-object-store" in view.message


# The sweep.


@pytest.mark.parametrize(("policy", "left"), [("Delete", False), ("Retain", True)])
def test_a_deleted_study_leaves_what_its_policy_says(tmp_path, policy, left):
    store = FolderStore(tmp_path)
    log = StudyLog(store, "studies/ns/s.uid")
    log.put_marker({"v": 1, "deletionPolicy": policy})
    log.put_heartbeat("s-0-1", attempt=1)
    now = [0.0]

    class Stores:
        async def store(self, namespace):
            if namespace != "tuner":
                raise StoreError("no credentials")
            return store

    sweep = Sweep(
        bucket=Stores(),
        memory=Memory(changed=lambda key: None, types_changed=lambda: None),
        own_namespace="tuner",
        watched=(),
        after_seconds=3600,
        clock=lambda: now[0],
    )
    assert asyncio.run(sweep.once()) == 0
    now[0] = 3599.0
    assert asyncio.run(sweep.once()) == 0
    assert list(store.list("studies/"))
    now[0] = 3600.0
    assert asyncio.run(sweep.once()) == (0 if left else 1)
    assert bool(list(store.list("studies/"))) is left
