"""What the made-up study leaves in the log is what workers, agents and the operator would write."""

from itertools import islice

import pytest

from benchmarks.study_log import made_up
from benchmarks.study_log.made_up import history, line
from tuner.log.keys import parse_log_name
from tuner.log.reading import records_of_lines
from tuner.log.seen import Seen
from tuner.log.segments import SegmentName, new_block
from tuner.spec.trial import TrialState
from tuner.study.chronicle import Chronicle

END = 1.7e9


@pytest.fixture
def written(monkeypatch):
    """Of 40 trials, of which only the first 7 have values of their own."""
    monkeypatch.setattr(made_up, "POOL", 7)
    return list(history(40, workers=6, rate=2.0, end=END, verdicts=8))


def test_every_trial_is_told_of_as_its_own(written):
    block = new_block(
        SegmentName(0, round(1000 * END), "c0-x"), [line(name, data) for _, name, data in written]
    )
    chronicle = Chronicle()
    for rows in block.pieces(16):
        chronicle.add(records_of_lines(rows, seen=Seen()))
    assert len(chronicle.stories) == 40
    for story in chronicle.stories:
        assert story.state is TrialState.COMPLETED
        assert story.name == f"deep-{story.trial.worker}-{story.trial.number}"
        assert story.completed.trial == story.name
    values = {tuple(story.trial.parameters.values()) for story in chronicle.stories}
    assert len(values) == 7


def test_names_tell_when_it_was_written(written):
    for at, name, _ in islice(written, 0, None, 5):
        assert parse_log_name(name).milliseconds == round(1000 * at)
    assert max(at for at, *_ in written) < END
