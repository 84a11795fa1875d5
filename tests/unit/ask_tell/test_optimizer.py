import math
from concurrent.futures import ThreadPoolExecutor

import pytest
import yaml

from tuner.ask_tell import NotTold, Optimizer, StudyEnded
from tuner.errors import ManifestError
from tuner.log import Kind
from tuner.study.bodies import result_of
from tuner.study.verdict import Verdict
from tuner.trial import Outcome, StageOutcome

SECONDS = {"prepare": 10.0, "train": 90.0}


def test_the_loop_ends_with_the_budget(make):
    opt = make(budget={"maxTrials": 5})
    for trial in opt:
        opt.tell(trial, {"loss": trial.parameters["x"] ** 2})
    assert opt.summary().counts.completed == 5
    with pytest.raises(StudyEnded, match="MaxTrialsReached: 5 trials have ended"):
        opt.ask()


def test_a_loop_without_a_budget_is_refused(make):
    with pytest.raises(ManifestError, match="budget: give one"):
        next(iter(make()))


def test_best_and_front_are_those_of_all_that_was_told(make):
    opt = make(objectives={"loss": "Minimize", "speed": "Maximize"})
    assert opt.best is None
    told = {}
    for loss, speed in [(3, 3), (1, 1), (2, 2), (3, 1)]:
        trial = opt.ask()
        opt.tell(trial, {"loss": loss, "speed": speed})
        told[trial.name] = (loss, speed)
    assert [told[point.trial] for point in opt.front()] == [(1, 1), (2, 2), (3, 3)]
    assert told[opt.best.trial] == (1, 1)
    assert opt.best.objectives == {"loss": 1, "speed": 1}


def test_several_asked_for_at_once_are_told_in_any_order(make):
    opt = make()
    trials = [opt.ask() for _ in range(4)]
    assert len({trial.parameters["x"] for trial in trials}) == 4
    for trial in reversed(trials):
        opt.tell(trial.name, {"loss": trial.parameters["x"]})
    assert opt.best.parameters["x"] == min(trial.parameters["x"] for trial in trials)


def test_threads_share_an_optimizer(make):
    opt = make(budget={"maxTrials": 40})

    def work(_):
        trial = opt.ask()
        opt.tell(trial, {"loss": trial.parameters["x"] ** 2})
        return trial.name

    with ThreadPoolExecutor(8) as pool:
        names = list(pool.map(work, range(40)))
    assert len(set(names)) == 40
    assert opt.summary().counts.completed == 40


@pytest.mark.parametrize("searcher", ["Random", "Sobol", "Auto"])
def test_the_same_calls_give_the_same_proposals(make, searcher):
    def proposals():
        opt = make(searcher=searcher, seed=7)
        open_trials = [opt.ask(), opt.ask()]
        for _ in range(4):
            open_trials.append(opt.ask())
            trial = open_trials.pop(0)
            opt.tell(trial, {"loss": trial.parameters["x"] ** 2}, stage_seconds={"train": 2.0})
        return [story.trial.parameters for story in opt._desk.view.chronicle.stories]

    assert proposals() == proposals()


@pytest.mark.parametrize("seconds", [None, {"train": 3.0}])
def test_models_are_used_with_and_without_times(make, seconds):
    opt = make(searcher="Auto", budget={"maxTrials": 14})
    for trial in opt:
        opt.tell(trial, {"loss": (trial.parameters["x"] - 0.3) ** 2}, stage_seconds=seconds)
    assert trial.why["searcher"] == "Auto"
    assert trial.why["predicted"]["loss"].keys() == {"mean", "sd"}
    assert ("spend" in trial.why) == (seconds is not None)
    assert opt.best.objectives["loss"] < 0.003


def test_a_study_without_trials_left_says_so(make):
    opt = make(parameters={"words": {"ordinal": {"values": [100, 200]}}})
    for _ in range(2):
        opt.tell(opt.ask(), {"loss": 1})
    with pytest.raises(StudyEnded, match="every configuration has been tried"):
        opt.ask()


def test_the_last_trials_may_still_be_open(make):
    opt = make(budget={"maxTrials": 2})
    first, second = opt.ask(), opt.ask()
    with pytest.raises(StudyEnded, match="MaxTrials: all 2 have been asked for, 2 are open"):
        opt.ask()
    opt.tell(first, {"loss": 1})
    opt.cancel(second, "the machine is needed")
    third = opt.ask()
    assert third.parameters != second.parameters


def test_goals_that_are_met_end_the_study(make):
    opt = make(objectives={"loss": {"direction": "Minimize", "goal": 0.1}})
    opt.tell(opt.ask(), {"loss": 0.05})
    with pytest.raises(StudyEnded, match="GoalsReached"):
        opt.ask()


def test_money_that_is_spent_ends_the_study(staged):
    opt = staged(fidelity=None, budget={"maxCost": 0.11})
    trial = opt.ask()
    price = {"small": 1.0, "large": 3.6}[trial.instance_types["train"]]
    opt.tell(trial, {"loss": 1}, stage_seconds=SECONDS)
    assert opt.summary().cost.spent == pytest.approx(100 * price / 3600)
    opt.tell(opt.ask(), {"loss": 1}, stage_seconds={"prepare": 0, "train": 360})
    with pytest.raises(StudyEnded, match="BudgetExhausted"):
        opt.ask()


def test_cost_and_runtime_follow_from_the_seconds(staged):
    opt = staged(fidelity=None, objectives={"loss": "Minimize", "cost": "Minimize"})
    trial = opt.ask()
    opt.tell(trial, {"loss": 1}, stage_seconds=SECONDS)
    price = {"small": 1.0, "large": 3.6}[trial.instance_types["train"]]
    assert opt.best.objectives["cost"] == pytest.approx(100 * price / 3600)


def test_a_cached_stage_costs_what_restoring_takes_and_counts_what_it_took(staged, records):
    opt = staged(fidelity=None, parameters={"words": {"ordinal": {"values": [100, 200]}}})
    trials = [opt.ask() for _ in range(4)]
    words = trials[0].parameters["words"]
    again = next(one for one in trials[1:] if one.parameters["words"] == words)
    opt.tell(trials[0], {"loss": 1}, stage_seconds=SECONDS)
    opt.tell(again, {"loss": 2}, stage_seconds={"prepare": 1, "train": 90}, cached=["prepare"])
    (prepare, train) = result_of(
        next(one for one in records(opt) if one.kind == Kind.RESULT and one.trial == again.name)
    ).stages
    assert (prepare.outcome, prepare.seconds, prepare.first_run_seconds) == (
        StageOutcome.CACHED,
        1,
        10,
    )
    assert train.outcome is StageOutcome.RUN
    assert opt.summary().cache.hits == 1


def test_a_stage_that_nobody_told_of_cannot_be_cached(staged):
    opt = staged(fidelity=None)
    with pytest.raises(NotTold, match='cached: no trial that was told ran stage "prepare"'):
        opt.tell(opt.ask(), {"loss": 1}, stage_seconds={"train": 1}, cached=["prepare"])


def test_a_stage_that_is_never_cached_cannot_be(make):
    opt = make(stages={"train": {"cache": "Never"}})
    with pytest.raises(NotTold, match='cached: stage "train" has cache: Never'):
        opt.tell(opt.ask(), {"loss": 1}, cached=["train"])


def test_poor_trials_are_stopped_at_rungs(staged):
    opt = staged(objectives={"loss": "Minimize"})
    good, poor = opt.ask(), opt.ask()
    assert opt.report(good, 1, {"loss": 0.1})
    assert opt.report(poor, 0.5, {"loss": 0.9})
    assert not opt.report(poor, 1, {"loss": 0.9})
    assert opt.summary().counts.stopped == 1
    with pytest.raises(NotTold, match=rf"{poor.name} has ended already: Stopped, Rung"):
        opt.tell(poor, {"loss": 0.9})
    opt.tell(good, {"loss": 0.05})
    assert opt.best.trial == good.name


def test_a_report_that_is_not_finite_counts_as_the_worst(staged):
    opt = staged(objectives={"loss": "Minimize"})
    opt.report(opt.ask(), 1, {"loss": 0.1})
    assert not opt.report(opt.ask(), 1, {"loss": math.nan})


def test_what_was_reported_at_full_fidelity_need_not_be_told_again(staged):
    opt = staged(objectives={"loss": {"direction": "Minimize", "value": "Best"}})
    trial = opt.ask()
    for epoch, loss in [(1, 0.3), (3, 0.2), (9, 0.25)]:
        assert opt.report(trial, epoch, {"loss": loss})
    opt.tell(trial)
    assert opt.best.objectives == {"loss": 0.2}


def test_a_value_at_a_rung_never_stands_for_a_final_one(staged):
    opt = staged(objectives={"loss": "Minimize"})
    trial = opt.ask()
    opt.report(trial, 3, {"loss": 0.2})
    with pytest.raises(NotTold, match='metrics: "loss" is missing'):
        opt.tell(trial)


def test_cost_counts_at_rungs(staged):
    opt = staged()
    trial = opt.ask()
    with pytest.raises(NotTold, match='stage_seconds: "cost" follows from the seconds'):
        opt.report(trial, 1, {"loss": 0.2})
    assert opt.report(trial, 1, {"loss": 0.2}, stage_seconds={"prepare": 3, "train": 9})
    (entry,) = opt._opened.log.list_rung(0, 1)
    price = {"small": 1.0, "large": 3.6}[trial.instance_types["train"]]
    assert entry.vector == pytest.approx((0.2, 12 * price / 3600))


def test_what_a_stopped_trial_took_is_paid(staged):
    opt = staged()
    seconds = {"prepare": 3.0, "train": 9.0}
    opt.report(opt.ask(), 1, {"loss": 0.2}, stage_seconds={"prepare": 0, "train": 0})
    poor = opt.ask()
    assert not opt.report(poor, 1, {"loss": 0.9}, stage_seconds=seconds)
    price = {"small": 1.0, "large": 3.6}[poor.instance_types["train"]]
    assert opt.summary().cost.spent == pytest.approx(12 * price / 3600)


@pytest.mark.parametrize(
    ("cause", "reason", "failure"),
    [
        ("out of memory", "OutOfMemory", "OutOfMemory in train"),
        (MemoryError(), "OutOfMemory", "OutOfMemory in train"),
        (RuntimeError("CUDA out of memory. Tried 2 GiB"), "OutOfMemory", "OutOfMemory in train"),
        (ValueError("bad shape"), "Failed", "ValueError: bad shape"),
        ("diverged", "Failed", "diverged"),
    ],
)
def test_a_failure_is_an_observation_with_its_reason(make, records, cause, reason, failure):
    opt = make()
    opt.fail(opt.ask(), cause, stage_seconds={"train": 4})
    result = result_of(next(one for one in records(opt) if one.kind == Kind.RESULT))
    verdict = Verdict.from_body(next(one for one in records(opt) if one.kind == Kind.VERDICT).body)
    assert (result.outcome, result.reason) == (Outcome.FAILED, reason)
    assert [stage.outcome for stage in result.stages] == [StageOutcome.FAILED]
    assert (verdict.reason, verdict.failure) == (reason, failure)
    assert opt.summary().counts.failed == 1


def test_three_first_failures_alike_end_the_study(make):
    opt = make()
    for _ in range(3):
        opt.fail(opt.ask(), ImportError("no module named torch"))
    with pytest.raises(StudyEnded, match="the first 3 trials failed alike"):
        opt.ask()


def test_failures_in_other_words_do_not(make):
    opt = make()
    for word in ("one", "two", "three", "four", "five", "six"):
        opt.fail(opt.ask(), word)
    opt.tell(opt.ask(), {"loss": 1})


def test_failures_may_be_bounded(make):
    opt = make(max_failed_trials=2)
    opt.fail(opt.ask(), "one")
    opt.fail(opt.ask(), "two")
    with pytest.raises(StudyEnded, match="maxFailedTrials is 2"):
        opt.ask()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (({},), 'metrics: "loss" is missing'),
        (({"losss": 1},), 'metrics: "loss" is missing; "losss" was told'),
        (({"loss": "0.1"},), "metrics: \"loss\" should be a number, not '0.1'"),
        (({"loss": True},), 'metrics: "loss" should be a number, not True'),
        (({"loss": None},), 'metrics: "loss" should be a number, not None'),
        (({"loss": math.nan},), 'metrics: "loss" is nan; tell a trial without a result by fail()'),
        (({"loss": 1, "cost": 2},), 'metrics: "cost" is built in; tell stage_seconds'),
        (({"loss": 1}, {"trian": 1}), 'stage_seconds: there is no stage "trian"; did you mean'),
        (({"loss": 1}, {"train": -1}), 'stage_seconds: "train" took -1 seconds'),
        (({"loss": 1}, {"train": math.inf}), 'stage_seconds: "train" is inf'),
        (({"loss": 1}, {"train": 1}), 'stage_seconds: stage "prepare" is missing'),
        (({"loss": 1}, {"prepare": 1}), 'stage_seconds: stage "train" is missing'),
        (({"loss": 1}, {}), 'stage_seconds: "cost" follows from the seconds of every stage'),
    ],
)
def test_what_breaks_a_rule_is_refused_by_name_and_leaves_nothing(
    staged, records, arguments, message
):
    opt = staged()
    trial = opt.ask()
    before = records(opt)
    metrics, *seconds = arguments
    with pytest.raises(NotTold) as refusal:
        opt.tell(trial, metrics, stage_seconds=(seconds or [SECONDS])[0])
    assert message in str(refusal.value)
    assert records(opt) == before
    opt.tell(trial, {"loss": 1}, stage_seconds=SECONDS)


def test_times_are_told_of_leading_stages(staged):
    opt = staged()
    trial = opt.ask()
    with pytest.raises(NotTold, match='stage "prepare" is missing'):
        opt.fail(trial, "lost", stage_seconds={"train": 3})
    opt.fail(trial, "lost", stage_seconds={"prepare": 3})


@pytest.mark.parametrize("fidelity", [0, -1, 10, math.nan, "3", True])
def test_a_fidelity_lies_between_nothing_and_full(staged, records, fidelity):
    opt = staged(objectives={"loss": "Minimize"})
    trial = opt.ask()
    before = records(opt)
    with pytest.raises(NotTold, match="fidelity: should be above 0 and at most 9"):
        opt.report(trial, fidelity, {"loss": 1})
    assert records(opt) == before


def test_a_report_needs_a_fidelity(make):
    opt = make()
    with pytest.raises(NotTold, match="fidelity: the study has none"):
        opt.report(opt.ask(), 1, {"loss": 1})


def test_only_open_trials_can_be_told_of(make):
    opt = make()
    trial = opt.ask()
    opt.tell(trial, {"loss": 1})
    for act in (
        lambda: opt.tell(trial, {"loss": 2}),
        lambda: opt.fail(trial, "late"),
        lambda: opt.cancel(trial),
    ):
        with pytest.raises(NotTold, match="has ended already: Completed"):
            act()
    with pytest.raises(NotTold, match="study study has no trial study-0-99"):
        opt.tell("study-0-99", {"loss": 1})
    assert opt.best.objectives == {"loss": 1}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"parameters": {"x": {"float": {"min": 2, "max": 1}}}}, "spec.parameters[x].float"),
        ({"parameters": {"x": {"flaot": {"min": 1}}}}, 'did you mean "float"?'),
        ({"parameters": {"x": 3}}, "spec.parameters[x] should be a mapping"),
        ({"objectives": {"loss": "minimise"}}, 'did you mean "Minimize"?'),
        ({"objectives": {}}, "spec.objectives"),
        ({"searcher": "Tpe"}, "spec.searcher.type"),
        ({"transfer": {"studies": ["last-year"]}}, "spec.transfer: give the folder"),
        ({"worker": 1}, "worker: should be from 0 to 0, not 1"),
        ({"initial_trials": {"now": {"parameters": {"x": 9}}}}, "spec.initialTrials[now]"),
        ({"budget": {"maxTrials": 0}}, "spec.budget.maxTrials"),
        (
            {"objectives": {"cost": "Minimize"}, "instance_types": {"big": {}}},
            "instance type `big` has no spec.pricePerHour",
        ),
    ],
)
def test_a_study_that_breaks_a_rule_is_refused_by_name(make, changes, message):
    with pytest.raises(ManifestError) as refusal:
        make(**changes)
    assert message in str(refusal.value)


def test_initial_trials_come_first(make):
    opt = make(initial_trials={"production": {"parameters": {"x": 0.25}}})
    trial = opt.ask()
    assert trial.parameters == {"x": 0.25}
    assert trial.why == {"searcher": "initialTrials", "name": "production"}


DOCUMENTS = [
    {
        "apiVersion": "tuner.dev/v1alpha1",
        "kind": "TuningStudy",
        "metadata": {"name": "ranker"},
        "spec": {
            "objectives": [{"metric": "loss", "direction": "Minimize"}],
            "parameters": [{"name": "lr", "float": {"min": 0, "max": 1}}],
            "hardware": {"instanceTypes": ["small"]},
            "pipeline": {
                "image": "example:1",
                "stages": [{"name": "train", "command": ["python", "train.py", "$(TUNER_ARGS)"]}],
            },
            "budget": {"maxTrials": 3},
        },
    },
    {
        "apiVersion": "tuner.dev/v1alpha1",
        "kind": "InstanceType",
        "metadata": {"name": "small"},
        "spec": {"pricePerHour": 1},
    },
]


def test_a_manifest_is_taken_as_tuner_run_takes_it(tmp_path):
    path = tmp_path / "study.yaml"
    path.write_text(yaml.safe_dump_all(DOCUMENTS))
    for opt in (Optimizer.from_manifest(path), Optimizer.from_manifest(*DOCUMENTS)):
        trials = list(opt)
        assert [trial.name for trial in trials] == ["ranker-0-0", "ranker-0-1", "ranker-0-2"]
        assert trials[0].instance_types == {"train": "small"}


def test_a_manifest_that_breaks_a_rule_is_refused_with_its_line(tmp_path):
    path = tmp_path / "study.yaml"
    path.write_text(yaml.safe_dump_all(DOCUMENTS).replace("max: 1", "max: -1"))
    with pytest.raises(ManifestError, match=r"study\.yaml:\d+ spec\.parameters\[lr\]"):
        Optimizer.from_manifest(path)
