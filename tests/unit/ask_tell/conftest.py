import pytest

from tuner.ask_tell import Optimizer


@pytest.fixture
def make():
    """An optimizer of one parameter and one objective, with fields changed or added."""

    def build(**changes):
        fields = {
            "parameters": {"x": {"float": {"min": -1, "max": 2}}},
            "objectives": {"loss": "Minimize"},
            "searcher": "Sobol",
        }
        return Optimizer(**{**fields, **changes})

    return build


@pytest.fixture
def staged(make):
    """One with two stages, two priced types, epochs, and cost as an objective."""

    def build(**changes):
        fields = {
            "parameters": {
                "words": {"ordinal": {"values": [100, 200]}},
                "lr": {"float": {"min": 1e-5, "max": 1e-1, "scale": "Log"}},
            },
            "objectives": {"loss": "Minimize", "cost": "Minimize"},
            "stages": {"prepare": {"parameters": ["words"]}, "train": {}},
            "instance_types": {"small": {"pricePerHour": 1.0}, "large": {"pricePerHour": 3.6}},
            "fidelity": {"name": "epoch", "max": 9},
        }
        return make(**{**fields, **changes})

    return build


@pytest.fixture
def records():
    """Every record of an optimizer's log."""
    return lambda opt: opt._opened.log.read_all()
