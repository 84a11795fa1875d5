from tuner.backends import BackendEvent
from tuner.cli.live import LineDisplay, LiveDisplay
from tuner.study.summary import Cost, Counts, Summary

SUMMARY = Summary(
    study="s",
    counts=Counts(total=3, completed=1, stopped=1, running=1),
    cost=Cost(spent=1.5),
)


def event(state, *, cost=0.0, message=""):
    return BackendEvent(trial="s-0-0", state=state, attempt=1, cost_usd=cost, message=message)


def test_lines_tell_changes_and_not_what_only_got_dearer(capsys):
    display = LineDisplay()
    display.show([event("Running")], summary=SUMMARY)
    display.show([event("Running", cost=1)], summary=SUMMARY)
    display.show([event("Completed", cost=2)], summary=SUMMARY)
    display.close()
    captured = capsys.readouterr()
    lines = captured.err.splitlines()
    assert [line.split(",")[0] for line in lines] == ["s-0-0 Running", "s-0-0 Completed"]
    assert "2 of 3 trials ended (1 stopped, 0 failed), spent $1.50" in lines[1]
    assert captured.out == ""


def test_the_table_takes_any_text(capsys):
    display = LiveDisplay()
    display.show([event("Failed", message="[red] {not markup}\nsecond")], summary=SUMMARY)
    display.say("said [bold] as it is")
    display.close()
    captured = capsys.readouterr()
    assert "said [bold] as it is" in captured.err
    assert captured.out == ""
