import pytest

from tuner.errors import SpaceError
from tuner.hardware import Group, ProblemReason, resolve
from tuner.spec import InstanceType, TuningStudySpec


def instance_type(name, *, price=1.0, labels=None, **spec):
    priced = {} if price is None else {"pricePerHour": price}
    return InstanceType.model_validate(
        {"metadata": {"name": name, "labels": labels or {}}, "spec": {**priced, **spec}}
    )


def study(*, hardware, stages=None, **changes):
    return TuningStudySpec.model_validate(
        {
            "objectives": [{"metric": "loss", "direction": "Minimize"}],
            "parameters": [{"name": "lr", "float": {"min": 0, "max": 1}}],
            "hardware": hardware,
            "pipeline": {
                "image": "example",
                "stages": [
                    {"name": name, "command": ["run"], **({"hardware": own} if own else {})}
                    for name, own in (stages or {"train": None}).items()
                ],
            },
            "budget": {"maxTrials": 3},
            **changes,
        }
    )


CATALOGUE = [
    instance_type("small", labels={"pool": "cpu"}),
    instance_type("large", price=4.0, labels={"pool": "cpu"}),
    instance_type("gpu", price=9.0, labels={"pool": "gpu"}, allowedNamespaces=["ml"]),
    instance_type("unpriced", price=None),
]


def resolved(spec, namespace="ml"):
    return resolve(spec, catalogue=CATALOGUE, namespace=namespace)


def test_stages_without_hardware_share_one_choice():
    choices = resolved(
        study(
            hardware={"instanceTypes": ["large", "small"]},
            stages={
                "prepare": None,
                "tokenize": {"instanceTypes": ["small"]},
                "train": None,
                "measure": {"instanceTypes": ["gpu", "small"]},
            },
        )
    )
    assert choices.groups == (
        Group(("prepare", "train"), ("large", "small")),
        Group(("tokenize",), ("small",)),
        Group(("measure",), ("gpu", "small")),
    )
    assert choices.problems == ()
    assert choices.cardinality == 4
    assert choices.types == ("large", "small", "gpu")
    assert choices.allowed("train") == ("large", "small")
    assert choices.allowed("none") == ()
    assert choices.assign(["large", "small", "gpu"]) == {
        "prepare": "large",
        "train": "large",
        "tokenize": "small",
        "measure": "gpu",
    }


def test_a_selector_takes_what_it_matches_and_the_namespace_may_use():
    assert resolved(study(hardware={"selector": {"matchLabels": {"pool": "cpu"}}})).types == (
        "large",
        "small",
    )
    assert resolved(study(hardware={"selector": {}})).types == ("gpu", "large", "small", "unpriced")
    assert "gpu" not in resolved(study(hardware={"selector": {}}), "web").types


@pytest.mark.parametrize(
    ("hardware", "namespace", "message"),
    [
        (
            {"instanceTypes": ["gpu-x", "small"]},
            "ml",
            "instance type `gpu-x` does not exist; "
            "apply it or remove it from spec.hardware.instanceTypes",
        ),
        (
            {"instanceTypes": ["gpu"]},
            "web",
            "instance type `gpu` is not allowed in namespace `web`; "
            "ask for it or remove it from spec.hardware.instanceTypes",
        ),
        (
            {"selector": {"matchLabels": {"pool": "tpu"}}},
            "ml",
            "no instance type allowed in namespace `ml` matches spec.hardware.selector; "
            "apply one or change the selector",
        ),
    ],
)
def test_a_type_that_cannot_be_used_is_a_problem_that_says_what_to_do(hardware, namespace, message):
    (problem,) = resolved(study(hardware=hardware), namespace).problems
    assert (problem.reason, str(problem)) == (ProblemReason.UNKNOWN_INSTANCE_TYPE, message)


def test_a_problem_of_a_stage_names_the_stage():
    choices = resolved(
        study(hardware={"selector": {}}, stages={"train": {"instanceTypes": ["tpu"]}})
    )
    assert "spec.pipeline.stages[train].hardware.instanceTypes" in str(choices.problems[0])
    assert len(choices.problems) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"budget": {"maxCost": 5.0}},
        {"trialLimits": {"maxCost": 5.0}},
        {"objectives": [{"metric": "cost", "direction": "Minimize"}]},
        {"constraints": [{"metric": "cost", "max": 3.0}]},
    ],
)
def test_a_study_that_counts_dollars_needs_prices(changes):
    spec = study(hardware={"instanceTypes": ["unpriced", "small"]}, **changes)
    (problem,) = resolved(spec).problems
    assert problem.reason is ProblemReason.PRICE_MISSING
    assert "`unpriced` has no spec.pricePerHour" in problem.message


def test_a_study_that_counts_no_dollars_needs_no_prices():
    assert resolved(study(hardware={"instanceTypes": ["unpriced"]})).problems == ()


@pytest.fixture
def choices():
    return resolved(
        study(
            hardware={"instanceTypes": ["large", "small"]},
            stages={"prepare": None, "train": None, "measure": {"instanceTypes": ["gpu", "small"]}},
        )
    )


def test_one_stage_of_a_group_speaks_for_all(choices):
    assert choices.partial({"train": "small"}) == ("small", None)


@pytest.mark.parametrize(
    ("instance_types", "message"),
    [
        ({"tarin": "small"}, 'there is no stage "tarin"'),
        ({"train": "gpu"}, 'stage "train" may not run on gpu, only on large, small'),
        ({"train": "small", "prepare": "large"}, "prepare, train run on one type"),
        ({"train": "small", "prepare": "small"}, 'stage "measure" has none'),
    ],
)
def test_a_trial_with_other_types_is_refused(choices, instance_types, message):
    with pytest.raises(SpaceError, match=message):
        choices.check(instance_types)


def test_a_trial_with_allowed_types_passes(choices):
    assert choices.check({"prepare": "small", "train": "small", "measure": "gpu"}) is None
