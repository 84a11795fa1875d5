import pytest

from benchmarks.live_text.__main__ import METHODS, Live, manifests
from benchmarks.problems.registry import load
from tuner.spec import TuningStudy


@pytest.mark.parametrize(("method", "cached"), METHODS)
def test_the_live_study_is_valid_and_its_space_is_the_recorded_one(tmp_path, method, cached):
    one = Live(method=method, cached=cached, seed=1, usd=50.0)
    document, core = manifests(one, data=tmp_path, trials=None)
    study = TuningStudy.model_validate(document)
    recorded = load("text").declared
    assert [stage.parameters for stage in study.spec.pipeline.stages] == [
        stage.parameters for stage in recorded.stages
    ]
    names = [parameter.name for parameter in study.spec.parameters]
    assert names == [parameter["name"] for parameter in recorded.parameters]
    for ours, theirs in zip(document["spec"]["parameters"], recorded.parameters, strict=True):
        assert ours == theirs
    assert {stage.cache for stage in study.spec.pipeline.stages} == {"Reuse" if cached else "Never"}
    assert (study.spec.searcher.type, study.spec.searcher.seed) == (method, 1)
    assert study.spec.budget.max_cost == 50.0
    assert core["kind"] == "InstanceType"
