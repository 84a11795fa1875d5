import math

import pytest

from tuner.hardware import price_per_hour, resources_of, worst_case_cost
from tuner.spec import InstanceType, TuningStudySpec

PRICES = {"cheap": 1.0, "dear": 10.0, "free": 0.0}


def study(timeouts, **limits):
    return TuningStudySpec.model_validate(
        {
            "objectives": [{"metric": "loss", "direction": "Minimize"}],
            "parameters": [{"name": "lr", "float": {"min": 0, "max": 1}}],
            "hardware": {"selector": {}},
            "pipeline": {
                "image": "example",
                "stages": [
                    {"name": name, "command": ["run"], **({"timeout": limit} if limit else {})}
                    for name, limit in timeouts.items()
                ],
            },
            "budget": {"maxTrials": 3},
            "trialLimits": limits,
        }
    )


@pytest.mark.parametrize(
    ("timeouts", "limits", "worst"),
    [
        ({"a": "1h", "b": "30m"}, {}, 6.0),
        ({"a": "1h", "b": None}, {}, math.inf),
        ({"a": None, "b": None}, {"maxDuration": "2h"}, 20.0),
        ({"a": None, "b": "30m"}, {"maxDuration": "2h"}, 6.5),
        ({"a": "1h", "b": None}, {"maxCost": 4.0}, 4.0),
        ({"a": "1h", "b": "30m"}, {"maxCost": 40.0}, 6.0),
    ],
)
def test_the_worst_case_spends_the_time_on_the_dearest_stages(timeouts, limits, worst):
    cost = worst_case_cost(
        study(timeouts, **limits),
        instance_types={"a": "cheap", "b": "dear"},
        prices_per_hour=PRICES,
    )
    assert cost == pytest.approx(worst)


def test_free_stages_cost_nothing_however_long():
    spec = study({"a": None, "b": "30m"})
    cost = worst_case_cost(spec, instance_types={"a": "free", "b": "dear"}, prices_per_hour=PRICES)
    assert cost == pytest.approx(5.0)


def machine(**spec):
    return InstanceType.model_validate({"metadata": {"name": "m"}, "spec": spec})


def test_quantities_are_read_as_numbers():
    resources = resources_of(
        machine(resources={"cpu": "500m", "memory": "2Gi", "nvidia.com/gpu": 2})
    )
    assert resources.cpus == 0.5
    assert resources.memory_bytes == 2 * 1024**3
    assert resources.others == {"nvidia.com/gpu": 2.0}
    assert resources_of(machine()).cpus is None


def test_a_type_without_a_price_counts_nothing():
    assert price_per_hour(machine()) == 0.0
    assert price_per_hour(machine(pricePerHour=1.5)) == 1.5
