"""docs/stages.md names every variable of the stage contract and every function of the SDK."""

import re
from pathlib import Path

from tuner import sdk
from tuner.agent import reports
from tuner.spec import contract

GUIDE = (Path(__file__).parents[3] / "docs" / "stages.md").read_text()


def test_every_variable_is_described_and_no_other():
    families = {f"{one}NAME" for one in contract.FAMILIES}
    families = {f"{one}_DIR" if "STAGE" in one else one for one in families}
    wanted = {*contract.CONTEXT, *families, contract.FIDELITY, contract.ARGS}
    assert set(re.findall(r"TUNER_[A-Z_]*[A-Z]", GUIDE)) == wanted


def test_every_function_of_the_sdk_is_described_and_no_other():
    assert set(re.findall(r"`tuner\.([a-z_]+)\(", GUIDE)) == set(sdk.__all__)


def test_limits_of_reports_are_those_of_the_agent():
    limits = reports.MAX_LINE_BYTES // 1024, reports.MAX_METRICS, reports.MAX_NAME_LENGTH
    assert "{} KiB a line, {} metrics a report, {} characters a name".format(*limits) in GUIDE
