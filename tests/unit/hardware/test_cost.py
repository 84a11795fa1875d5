from tuner.hardware import price_per_hour, resources_of
from tuner.spec import InstanceType


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
