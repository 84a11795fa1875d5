"""What is read from an earlier study's log."""

import pytest

from tuner.spec import TuningStudySpec
from tuner.transfer.reading import source_study, task_hash
from tuner.transfer.record import Source


def read(bucket, *, study="a", until=10**12):
    return source_study(bucket.store, Source(study=study, uid="u1", until=until), namespace="ml")


def test_trials_come_with_curves_times_and_types(bucket):
    log = bucket.study("a")
    bucket.trial(log, 0, loss=0.5, lr=0.02, words=200, type_="large", curve=[(1, 0.9), (5, 0.7)])
    study = read(bucket)
    assert study.uid == "a.u1"
    assert study.space.names == ("lr", "words")
    assert study.maximize == frozenset()
    assert set(study.type_features) == {"small", "large"}
    (trial,) = study.trials
    assert dict(trial.parameters) == {"lr": 0.02, "words": 200}
    assert dict(trial.instance_types) == {"prepare": "large", "train": "large"}
    assert [(one.fidelity, dict(one.metrics)) for one in trial.observations] == [
        (0.1, {"loss": 0.9}),
        (0.5, {"loss": 0.7}),
        (1.0, {"loss": 0.5}),
    ]
    assert dict(trial.seconds) == {"prepare": 20.0, "train": 200.0}


def test_curves_of_what_a_later_stage_reports_anew_are_left_out(bucket):
    """At a rung of `prepare` the loss is another one than after `train`."""
    log = bucket.study("a", fidelity={"name": "epoch", "stage": "prepare", "max": 10})
    bucket.trial(log, 0, loss=0.5, curve=[(1, 0.9), (5, 0.7)])
    (trial,) = read(bucket).trials
    assert [(one.fidelity, dict(one.metrics)) for one in trial.observations] == [
        (1.0, {"loss": 0.5})
    ]


def test_times_of_cached_stages_teach_nothing(bucket):
    log = bucket.study("a")
    bucket.trial(log, 0, loss=0.5)
    bucket.trial(log, 1, loss=0.4)
    first, second = read(bucket).trials
    assert set(first.seconds) == {"prepare", "train"}
    assert set(second.seconds) == {"train"}


def test_a_log_counts_only_as_far_as_it_had_come(bucket):
    log = bucket.study("a")
    bucket.trial(log, 0, loss=0.5)
    until = round(bucket.now * 1000)
    bucket.trial(log, 1, loss=0.4)
    assert len(read(bucket, until=until).trials) == 1
    assert len(read(bucket).trials) == 2


def test_what_is_maximised_is_told(bucket):
    objectives = [{"metric": "accuracy", "direction": "Maximize"}]
    bucket.trial(bucket.study("a", objectives=objectives), 0, loss=0.5)
    assert read(bucket).maximize == {"accuracy"}


@pytest.mark.parametrize("marker", [None, {"spec": {"parameters": 1}}, {"spec": None}])
def test_a_study_that_cannot_be_read_is_left_out(bucket, marker, caplog):
    log = bucket.study("a")
    bucket.trial(log, 0, loss=0.5)
    if marker is None:
        bucket.store.delete([f"{log.prefix}/study.json"])
    else:
        log.put_marker(marker)
    assert read(bucket) is None
    assert "nothing is learned from study a.u1" in caplog.text


def test_markers_of_earlier_versions_describe_no_types(bucket):
    log = bucket.study("a")
    bucket.trial(log, 0, loss=0.5)
    log.put_marker({**log.get_marker(), "instanceTypes": {"small": {"pricePerHour": "dear"}}})
    assert read(bucket).type_features == {}


def spec(**changes):
    base = {
        "objectives": [{"metric": "loss", "direction": "Minimize"}],
        "parameters": [{"name": "x", "float": {"min": 0, "max": 1}}],
        "inputs": [{"name": "clicks", "version": "1", "uri": "/data"}],
        "hardware": {"instanceTypes": ["small"]},
        "pipeline": {
            "image": "example/image:1",
            "stages": [{"name": "train", "command": ["train"], "inputs": ["clicks"]}],
        },
        "budget": {"maxTrials": 3},
    }
    return TuningStudySpec.model_validate({**base, **changes})


def test_studies_of_the_same_code_and_data_are_one_task():
    other_budget = spec(budget={"maxTrials": 9}, searcher={"type": "Random"})
    assert task_hash(spec()) == task_hash(other_budget)
    other_data = spec(inputs=[{"name": "clicks", "version": "2", "uri": "/data"}])
    other_code = spec(
        pipeline={
            "image": "example/image:2",
            "stages": [{"name": "train", "command": ["train"], "inputs": ["clicks"]}],
        }
    )
    assert len({task_hash(one) for one in (spec(), other_data, other_code)}) == 3
