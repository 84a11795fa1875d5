"""A prior as bytes and back: safetensors, with everything but the arrays in the metadata.

The format holds arrays only, so reading it runs nothing. What was read is still not believed:
shapes are checked, and anything that does not fit is a SurrogateError.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from tuner.errors import SurrogateError
from tuner.surrogates.points import Points
from tuner.surrogates.prior.emulators import Atlas
from tuner.surrogates.prior.margins import Margin
from tuner.surrogates.prior.moments import Residual
from tuner.surrogates.prior.network import Network
from tuner.surrogates.prior.output import OutputPrior
from tuner.surrogates.prior.prior import VERSION, Prior, describe

MAX_BYTES = 1 << 28
_FORMAT = "tuner-prior"
_ENTRY = "prior"
_UNFIT = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What reading words and arrays of the wrong kind raises."""

Arrays = dict[str, NDArray[Any]]


def encode_prior(prior: Prior) -> bytes:
    """The prior as bytes; equal priors give equal bytes."""
    arrays: Arrays = {
        "groups": prior.groups.astype(np.int64),
        **_point_arrays("portfolio", prior.points),
        **_point_arrays("seen", prior.seen),
    }
    outputs = []
    for number, (name, output) in enumerate(prior.outputs.items()):
        arrays |= {f"{number}.{key}": value for key, value in _arrays(output).items()}
        outputs.append({"name": name, **_words(output)})
    words = {
        "format": _FORMAT,
        "version": VERSION,
        "key": prior.key,
        "studies": list(prior.studies),
        "types": {name: dict(one) for name, one in prior.types.items()},
        "outputs": outputs,
        "about": describe(prior),
    }
    # one entry only: the library writes several in any order
    header = {_ENTRY: json.dumps(words, sort_keys=True)}
    return save({k: np.ascontiguousarray(v) for k, v in arrays.items()}, metadata=header)


def decode_prior(data: bytes) -> Prior:
    """The prior that bytes hold.

    Raises:
        SurrogateError: They hold none, one of another version, or a damaged one.
    """
    if len(data) > MAX_BYTES:
        raise SurrogateError(f"a prior of {len(data)} bytes is larger than {MAX_BYTES}")
    try:
        words = _words_of(data)
        arrays = load(data)
    except (SafetensorError, RecursionError, *_UNFIT) as error:
        raise SurrogateError(f"these bytes hold no prior: {error}") from error
    if words.get("format") != _FORMAT:
        raise SurrogateError("these bytes hold no prior: another format")
    if words.get("version") != VERSION:
        raise SurrogateError(
            f"a prior of version {words.get('version')}; this is version {VERSION}: train it again"
        )
    try:
        return _prior(words, _checked(arrays))
    except _UNFIT as error:
        raise SurrogateError(f"a damaged prior: {type(error).__name__}: {error}") from error


def _words_of(data: bytes) -> dict[str, Any]:
    length = int.from_bytes(data[:8], "little")
    if len(data) < 8 or length > len(data) - 8:
        raise ValueError("shorter than its header says")
    return dict(json.loads(json.loads(data[8 : 8 + length])["__metadata__"][_ENTRY]))


def _checked(arrays: Mapping[str, NDArray[Any]]) -> Arrays:
    for name, array in arrays.items():
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise ValueError(f"{name} is not finite")
    return dict(arrays)


def _prior(meta: Mapping[str, Any], arrays: Arrays) -> Prior:
    groups = arrays["groups"].astype(np.intp)
    outputs = {}
    for number, words in enumerate(meta["outputs"]):
        prefix = f"{number}."
        own = {k.removeprefix(prefix): v for k, v in arrays.items() if k.startswith(prefix)}
        outputs[str(words["name"])] = _output(own, words, columns=len(groups))
    return Prior(
        key=str(meta["key"]),
        groups=groups,
        outputs=outputs,
        points=_points("portfolio", arrays),
        seen=_points("seen", arrays),
        types={
            str(name): {str(feature): float(value) for feature, value in one.items()}
            for name, one in meta["types"].items()
        },
        studies=tuple(map(str, meta["studies"])),
    )


def _point_arrays(name: str, points: Points) -> Arrays:
    return {
        f"{name}.unit": points.unit,
        f"{name}.active": points.active,
        f"{name}.types": points.types.astype(np.int64),
    }


def _points(name: str, arrays: Arrays) -> Points:
    unit = arrays[f"{name}.unit"]
    types = arrays[f"{name}.types"].astype(np.intp)
    return Points(unit, arrays[f"{name}.active"], types, np.ones(len(unit)))


def _arrays(output: OutputPrior) -> Arrays:
    atlas = output.atlas
    found: Arrays = {
        "weights": atlas.weights,
        "anchors": atlas.anchors,
        "values": atlas.values,
        "doubt": atlas.doubt,
        "margins": np.array([(each.floor, each.unit) for each in output.margins]),
        "residual": np.array(
            [getattr(output.residual, name) for name in ("amplitude", "reach", "noise", "span")]
        ),
    }
    if output.network is not None:
        found |= _network_arrays(output.network)
    return found


def _words(output: OutputPrior) -> dict[str, object]:
    return {
        "tasks": list(output.tasks),
        "groups": list(output.task_groups),
        "bounded": output.margins[0].bounded,
        "layers": 0 if output.network is None else len(output.network.layers),
    }


def _output(arrays: Arrays, words: Mapping[str, Any], *, columns: int) -> OutputPrior:
    tasks, groups = tuple(map(str, words["tasks"])), tuple(map(str, words["groups"]))
    atlas = Atlas(*(arrays[name] for name in ("weights", "anchors", "values", "doubt")))
    m, count = atlas.values.shape
    expected = {
        "weights": (columns,),
        "anchors": (m, columns),
        "doubt": (m, count),
        "margins": (count, 2),
        "residual": (4,),
    }
    for name, shape in expected.items():
        if arrays[name].shape != shape:
            raise ValueError(f"{name} has shape {arrays[name].shape}, expected {shape}")
    if not len(tasks) == len(groups) == count > 0 or m == 0:
        raise ValueError(f"{len(tasks)} tasks, {len(groups)} groups, values of shape {(m, count)}")
    if (arrays["margins"][:, 1] <= 0.0).any() or (arrays["residual"] <= 0.0).any():
        raise ValueError("a scale is not above zero")
    amplitude, reach, noise, span = map(float, arrays["residual"])
    return OutputPrior(
        tasks=tasks,
        task_groups=groups,
        margins=tuple(
            Margin(float(floor), float(unit), bool(words["bounded"]))
            for floor, unit in arrays["margins"]
        ),
        atlas=atlas,
        residual=Residual(amplitude=amplitude, reach=reach, noise=noise, span=span),
        network=_network(arrays, int(words["layers"]), columns=columns),
    )


def _network_arrays(network: Network) -> Arrays:
    scales = [network.log_amplitude, network.log_residual, network.log_noise]
    return {
        **{f"layer{place}": layer for place, layer in enumerate(network.layers)},
        "readout": network.readout,
        "scales": np.array(scales),
        "lengthscales": network.log_lengthscales,
    }


def _network(arrays: Arrays, layers: int, *, columns: int) -> Network | None:
    if layers == 0:
        return None
    amplitude, residual, noise = map(float, arrays["scales"])
    network = Network(
        layers=tuple(arrays[f"layer{place}"] for place in range(layers)),
        readout=arrays["readout"],
        log_amplitude=amplitude,
        log_residual=residual,
        log_lengthscales=arrays["lengthscales"],
        log_noise=noise,
    )
    if network.log_lengthscales.shape != (columns,):
        raise ValueError(f"lengthscales have shape {network.log_lengthscales.shape}")
    # raises ValueError where shapes do not fit
    network.mean(network.features(np.zeros((1, columns))))
    return network
