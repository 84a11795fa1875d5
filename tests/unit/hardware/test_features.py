import math

import pytest

from tuner.hardware import instance_features
from tuner.spec import InstanceTypeSpec


def features(**spec):
    return instance_features(InstanceTypeSpec.model_validate(spec))


def test_sizes_and_prices_are_logarithms():
    given = features(pricePerHour=0.5, resources={"cpu": "4", "memory": "16Gi"})
    assert given == pytest.approx(
        {"log2_cpus": 2.0, "log2_memory_gib": 4.0, "accelerators": 0.0, "log_price": math.log(0.5)}
    )


@pytest.mark.parametrize(
    ("spec", "count"),
    [
        ({"accelerator": {"product": "A100", "count": 8}}, 8.0),
        ({"resources": {"nvidia.com/gpu": "2"}}, 2.0),
        (
            {
                "accelerator": {"product": "A100", "count": 4},
                "resources": {"nvidia.com/gpu": "4"},
            },
            4.0,
        ),
        ({}, 0.0),
    ],
)
def test_accelerators_are_those_described_or_else_reserved(spec, count):
    assert features(**spec)["accelerators"] == count


def test_what_a_type_does_not_say_is_left_out():
    assert features() == {"accelerators": 0.0}
    assert "log_price" not in features(pricePerHour=0)
    assert features(resources={"cpu": "500m"})["log2_cpus"] == -1.0
