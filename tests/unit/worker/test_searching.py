"""The searcher of a worker's pod, and how it follows its study."""

import json
from dataclasses import replace

import pytest

from tuner.artifacts import FolderStore, S3Settings
from tuner.errors import TunerError
from tuner.pipeline import StudyIdentity
from tuner.searchers import History, proposal_rng
from tuner.transfer.record import get_record
from tuner.trial import Trial
from tuner.worker.pod import PodSettings, StudyWatch
from tuner.worker.searching import pod_searcher

SETTINGS = PodSettings(
    study=StudyIdentity(name="s", namespace="ml", uid="u1"),
    ordinal=0,
    workers=1,
    store=S3Settings(endpoint="minio:9000", bucket="tuner"),
)


class Pod:
    """What a worker's pod sees."""

    def __init__(self, folder, study):
        self.folder = folder
        self.store = FolderStore(folder / "store")
        self.found = {
            "metadata": {"uid": "u1"},
            "spec": study.spec.model_dump(mode="json", by_alias=True, exclude_none=True),
        }
        seconds = iter(range(0, 10_000, 10))
        self.watch = StudyWatch(lambda: self.found, SETTINGS, monotonic=lambda: next(seconds))

    def offer(self, *types, **limits):
        stages = {"prepare": types, "train": types}
        described = {name: {"pricePerHour": 1.0} for name in types}
        for name, limit in limits.items():
            described[name]["maxParallelTrials"] = limit
        (self.folder / "stages.json").write_text(json.dumps(stages))
        (self.folder / "instance-types.json").write_text(json.dumps(described))

    def searcher(self):
        return pod_searcher(self.watch, store=self.store, settings=SETTINGS, folder=self.folder)


@pytest.fixture
def pod(tmp_path, manifest):
    return Pod(tmp_path, manifest())


def types_of(searcher, numbers=range(8), history=None):
    answers = [
        searcher.suggest(
            history or History(), number=number, rng=proposal_rng(3, worker=0, number=number)
        )
        for number in numbers
    ]
    return {answer.instance_types["train"] for answer in answers}


def test_a_worker_follows_the_hardware_of_its_study(pod):
    pod.offer("small")
    searcher = pod.searcher()
    assert types_of(searcher) == {"small"}
    pod.offer("large", "huge")
    assert types_of(searcher) == {"large", "huge"}


def test_types_that_the_operator_calls_scarce_are_left_out_until_they_come_back(pod):
    pod.offer("small", "large")
    searcher = pod.searcher()
    assert types_of(searcher) == {"small", "large"}
    pod.found["status"] = {"scarce": [{"instanceType": "large", "room": 0, "reason": "NoNodes"}]}
    assert types_of(searcher) == {"small"}
    rng = proposal_rng(3, worker=0, number=0)
    assert searcher.suggest(History(), number=0, rng=rng).why["closed"] == ["large"]
    pod.found["status"] = {}
    assert types_of(searcher) == {"small", "large"}


def running(*types):
    """A history of open trials on these types."""
    trials = [
        Trial(
            name=f"s-0-{number}",
            worker=0,
            number=number,
            parameters={},
            instance_types={"prepare": name, "train": name},
        )
        for number, name in enumerate(types)
    ]
    return History(trials=trials, open_trials=frozenset(one.name for one in trials))


def test_a_type_takes_as_many_trials_as_it_may_with_those_of_other_workers(pod):
    pod.offer("small", "large", large=2)
    searcher = pod.searcher()
    assert types_of(searcher, history=running("large", "small")) == {"small", "large"}
    assert types_of(searcher, history=running("large", "large")) == {"small"}
    # Another study has one of the two places.
    pod.found["status"] = {"scarce": [{"instanceType": "large", "room": 1, "reason": "Full"}]}
    assert types_of(searcher, history=running("large")) == {"small"}
    assert types_of(searcher, history=running("small")) == {"small", "large"}


def test_a_paused_trial_leaves_its_place_to_others(pod):
    pod.offer("small", "large", large=1)
    searcher, history = pod.searcher(), running("large")
    assert types_of(searcher, history=history) == {"small"}
    paused = replace(history, paused={"s-0-0": 3.0})
    assert types_of(searcher, history=paused) == {"small", "large"}


def test_without_instance_types_the_worker_waits(pod):
    with pytest.raises(TunerError, match="resolved instance types cannot be read"):
        pod.searcher()


def test_without_its_study_the_worker_waits(pod):
    pod.offer("small")
    pod.found = None
    with pytest.raises(TunerError, match="the study is gone"):
        pod.searcher()


def test_a_worker_says_which_studies_it_did_not_find(pod, caplog):
    pod.offer("small")
    pod.found["spec"] |= {"transfer": {"studies": ["nope"]}, "searcher": {"type": "Auto"}}
    assert types_of(pod.searcher(), numbers=[0]) == {"small"}
    assert "names study nope" in caplog.text
    assert "no earlier study with trials was found" in caplog.text
    record = get_record(pod.store, SETTINGS.study.study_prefix)
    assert record.missing == ("nope",)
