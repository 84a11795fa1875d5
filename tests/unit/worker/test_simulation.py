from dataclasses import replace

import pytest

from tuner.backends.simulated import Fault
from tuner.searchers import make_searcher
from tuner.study.chronicle import Chronicle
from tuner.study.history import history_of
from tuner.study.summary import summarize
from tuner.study.terms import terms_of
from tuner.trial import Outcome
from tuner.worker.simulation import Simulation


def chronicle_of(world):
    chronicle = Chronicle()
    chronicle.add(world.open_log().read_all())
    return chronicle


def summary_of(world):
    return summarize(
        chronicle_of(world),
        study="simulated",
        terms=terms_of(world.spec),
        prices={one.metadata.name: one.spec.price_per_hour for one in world.instance_types},
    )


def test_a_study_ends_with_a_front_and_stopped_trials(world):
    here = world(budget={"maxTrials": 20})
    end = Simulation(here).run()
    assert end.reason == "MaxTrialsReached"
    summary = summary_of(here)
    assert summary.counts.total == 20
    assert summary.counts.completed >= 2
    assert summary.counts.stopped >= 5
    assert summary.counts.completed + summary.counts.stopped == 20
    assert len(summary.front) >= 2
    assert summary.cost.saved_by_stopping > 0
    assert summary.cache.hits >= 10
    assert summary.cost.saved_by_cache > 0
    assert summary.hypervolume > 0


def test_same_seed_same_study(world):
    summaries = []
    for _ in range(2):
        here = world()
        Simulation(here).run()
        summaries.append(summary_of(here))
    assert summaries[0] == summaries[1]


def test_several_workers_share_one_budget(world):
    here = world(workers=3, parallelTrials=6, budget={"maxTrials": 12})
    assert Simulation(here).run().reason == "MaxTrialsReached"
    stories = chronicle_of(here).stories
    assert {story.trial.worker for story in stories} == {0, 1, 2}
    assert sum(story.state != "Cancelled" for story in stories) == 12


def test_a_dollar_budget_is_never_exceeded(world):
    here = world(budget={"maxCost": 2.0}, parallelTrials=4)
    assert Simulation(here).run().reason == "BudgetExhausted"
    assert 1.0 < summary_of(here).cost.spent <= 2.0 + 1e-9


def test_preempted_attempts_go_on_from_their_checkpoint(world):
    def faults(trial, attempt):
        return Fault(after_seconds=100) if attempt == 1 else None

    here = world(faults=faults, scheduler={"type": "None"})
    Simulation(here).run()
    calm = world(scheduler={"type": "None"})
    Simulation(calm).run()
    summary, undisturbed = summary_of(here), summary_of(calm)
    assert summary.front == undisturbed.front
    assert summary.cost.preempted > 0
    assert summary.counts.failed == 0
    # What was lost is less than a unit of fidelity an attempt; nothing was run from scratch.
    lost = summary.cost.spent - undisturbed.cost.spent
    assert 0 < lost < summary.counts.total * 60 * 3 / 3600


def test_attempts_lost_too_often_fail_the_trial(world):
    def faults(trial, attempt):
        return Fault(after_seconds=1) if trial == "simulated-0-0" else None

    here = world(faults=faults, trialLimits={"maxAttempts": 2})
    Simulation(here).run()
    story = chronicle_of(here).story("simulated-0-0")
    assert (story.state, story.reason, story.attempts) == ("Failed", "MaxAttempts", 3)


def test_a_finite_space_is_exhausted(world):
    here = world(
        parameters=[{"name": "lr", "ordinal": {"values": [0.01, 0.1]}}],
        pipeline={"image": "i", "stages": [{"name": "train", "command": ["train"]}]},
        searcher={"type": "Sobol"},
    )
    assert Simulation(here).run().reason == "SpaceExhausted"
    assert len(chronicle_of(here).stories) == 4


def test_goals_end_a_study_early(world):
    here = world(
        objectives=[{"metric": "loss", "direction": "Minimize", "goal": 10.0}],
        budget={"maxTrials": 50},
    )
    assert Simulation(here).run().reason == "GoalsReached"
    assert summary_of(here).goals_met
    assert summary_of(here).counts.total < 10


def test_trials_of_several_segments(world):
    here = world(
        pipeline={
            "image": "i",
            "stages": [
                {
                    "name": "prepare",
                    "command": ["prepare"],
                    "parameters": ["words"],
                    "hardware": {"instanceTypes": ["small"]},
                },
                {
                    "name": "train",
                    "command": ["train"],
                    "parameters": ["lr"],
                    "hardware": {"instanceTypes": ["large"]},
                },
            ],
        },
        budget={"maxTrials": 4},
    )
    Simulation(here).run()
    story = chronicle_of(here).stories[0]
    verdicts = [story.verdicts[key] for key in sorted(story.verdicts)]
    assert [(one.segment, one.instance_type) for one in verdicts] == [(0, "small"), (1, "large")]
    assert story.accepted.outcome is Outcome.COMPLETED


def test_history_sees_curves_and_ends(world):
    here = world()
    Simulation(here).run()
    history = history_of(chronicle_of(here))
    assert not history.open_trials
    full = {one.trial for one in history.observations if one.full}
    assert full.isdisjoint(history.failed)
    assert full | set(history.failed) == {trial.name for trial in history.trials}


def test_an_instance_type_that_is_gone_withdraws_the_trials_that_need_it(world, instance_types):
    here = world(budget={"maxTrials": 8}, parallelTrials=8)
    Simulation(here).step()
    needed = {
        story.name
        for story in chronicle_of(here).stories
        if "large" in story.trial.instance_types.values()
    }
    changed = {"hardware": {"instanceTypes": ["small"]}, "budget": {"maxTrials": 8}}
    left = world(**changed, parallelTrials=8, store=here.store, clock=here.clock)
    left.instance_types = tuple(instance_types[:1])
    assert Simulation(left).run().reason == "MaxTrialsReached"
    stories = chronicle_of(left).stories
    assert needed
    assert {story.name for story in stories if story.reason == "InstanceType"} == needed
    assert {story.name for story in stories if story.state == "Cancelled"} == needed
    assert len(stories) == 8 + len(needed)


def test_the_studys_clock_stands_still_while_nobody_runs_it(world):
    here = world(budget={"maxTrials": 8, "maxDuration": "10h"}, parallelTrials=1)
    simulation = Simulation(here)
    first = simulation.backend
    while first.study.count().completed + first.study.count().stopped < 2:
        simulation.step()
    first.change(replace(terms_of(here.spec), suspended=True))
    while first.study.running:
        first.poll(timeout_seconds=1.0)
    before = first.study.clock_seconds
    assert before > 0
    here.clock.seconds += 24 * 3600.0
    again = Simulation(here)
    assert again.backend.study.clock_seconds == pytest.approx(before, abs=1)
    assert again.run().reason == "MaxTrialsReached"


class Remembers:
    """Proposes as another searcher does, and keeps what it was told."""

    def __init__(self, searcher):
        self.searcher = searcher
        self.histories = []

    def suggest(self, history, *, number, rng):
        self.histories.append(history)
        return self.searcher.suggest(history, number=number, rng=rng)


def test_any_searcher_runs_in_the_world_and_is_told_of_stages_money_and_time(world):
    made = []

    def factory(spec, **given):
        made.append((Remembers(make_searcher(spec, **given)), given))
        return made[-1][0]

    here = world(factory=factory, stored=lambda parameters, types: 0)
    Simulation(here).run()
    ((searcher, given),) = made
    assert given["instance_types"]["large"].price_per_hour == 3.0
    assert given["stored"]({}, {}) == 0
    last = searcher.histories[-1]
    assert last.spent_usd > 0
    assert last.elapsed_seconds > 0
    assert last.started > 2
    stages = {one.stage for looks in last.stages.values() for one in looks}
    assert stages == {"prepare", "train"}
    spent = [history.spent_usd for history in searcher.histories]
    assert spent == sorted(spent)
