"""One stage of the text pipeline: the functions that were recorded, on files.

Each does its work WORK times over: beside a stage of half a second, starting Python would count.
"""

import os
import pickle
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

import tuner
from benchmarks.recordings.text import STAGES, read

NAMES = [stage.name for stage in STAGES]


def main(name: str) -> None:
    index = NAMES.index(name)
    given = given_to(index)
    for _ in range(int(os.environ["WORK"])):
        output, metrics = STAGES[index].run(vars(tuner.parameters()), given)
    if metrics:
        tuner.report(**metrics)
    with (tuner.output_dir() / "output.pickle").open("wb") as file:
        pickle.dump(output, file)


def given_to(index: int) -> Any:
    """What the stage before made, or the messages."""
    if index == 0:
        return read(Path(os.environ["DATA"]))["spam"]
    with (tuner.stage_dir(NAMES[index - 1]) / "output.pickle").open("rb") as file:
        return pickle.load(file)


if __name__ == "__main__":
    main(sys.argv[1])
