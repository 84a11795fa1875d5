"""Promotion in a whole study: pauses, promotions, places and ends, in virtual time."""

import math
from collections import Counter
from dataclasses import replace

import pytest

from tuner.backends.simulated import Fault
from tuner.schedulers import RungRecord, make_scheduler
from tuner.searchers import make_searcher
from tuner.study.chronicle import Chronicle
from tuner.study.history import history_of
from tuner.trial import Outcome
from tuner.worker.loop import Demand
from tuner.worker.simulation import Simulation

PROMOTION = {"type": "Hyperband", "variant": "Promotion"}


def chronicle_of(world):
    chronicle = Chronicle()
    chronicle.add(world.open_log().read_all())
    return chronicle


def rungs_of(world, bracket=0):
    return make_scheduler(world.spec, bracket=bracket).rungs()


def decisions(world, level, *, bracket=0):
    log = world.open_log()
    return {
        one.trial: log.get_decision(bracket, level, trial=one.trial)
        for one in log.list_rung(bracket, level)
    }


def test_a_study_pauses_promotes_and_ends(world):
    here = world(scheduler=PROMOTION, budget={"maxTrials": 27}, parallelTrials=4, workers=2)
    assert Simulation(here).run().reason == "MaxTrialsReached"
    stories = chronicle_of(here).stories
    assert Counter(str(one.state) for one in stories).keys() == {"Completed", "Stopped"}
    assert all(one.reason == "Rung" for one in stories if one.completed is None)
    completed = [one for one in stories if one.completed is not None]
    # Of 27 at the first rung 9 go on, of those 3, and so on; what rises late adds a few.
    assert 1 <= len(completed) <= 5
    for level, share in zip(rungs_of(here), (27, 9), strict=True):
        reached = here.open_log().list_rung(0, level)
        assert len(reached) >= share
        gone_on = [one for one in stories if max(one.curve, default=0) > level]
        assert len(gone_on) >= len(reached) // 3
    assert {level for one in stories for level in one.promotions} == set(rungs_of(here))


def test_who_goes_on_was_promoted_or_continued_and_nobody_else_went_on(world):
    here = world(scheduler=PROMOTION, budget={"maxTrials": 18}, parallelTrials=3)
    Simulation(here).run()
    for level in rungs_of(here):
        taken = decisions(here, level)
        assert taken
        for name, decision in taken.items():
            story = chronicle_of(here).story(name)
            beyond = max(story.curve) > level
            assert beyond == (decision.verb == "Continue" or level in story.promotions)


def test_a_promotion_follows_from_the_rung_records_that_it_names(world):
    here = world(scheduler=PROMOTION, budget={"maxTrials": 18}, parallelTrials=3, workers=2)
    Simulation(here).run()
    scheduler = make_scheduler(here.spec)
    promotions = [p for s in chronicle_of(here).stories for p in s.promotions.values()]
    assert promotions
    for one in promotions:
        entries = here.open_log().list_rung(one.bracket, one.level)
        saw = [
            entry
            for entry in entries
            if any(name.startswith(f"{entry.trial}.") for name in one.saw)
        ]
        rung = [RungRecord(trial=entry.trial, vector=entry.vector) for entry in saw]
        assert len(rung) == one.of
        (standing,) = scheduler.standings(rung, waiting={one.trial})
        assert standing.rank == one.rank
        assert standing.promotable or standing.unbeaten


def test_a_resumed_trial_goes_on_from_its_checkpoint_on_its_type(world):
    here = world(scheduler=PROMOTION, budget={"maxTrials": 12})
    Simulation(here).run()
    resumed = [one for one in chronicle_of(here).stories if one.promotions and one.completed]
    assert resumed
    for story in resumed:
        seconds = [one.seconds for one in story.verdicts.values()]
        speed = 2.0 if story.trial.instance_types["train"] == "large" else 1.0
        prepare = story.stages["prepare"][2].seconds
        # Restoring the output of the stage before is all that a pause costs.
        assert sum(seconds) <= prepare + 9 * 60.0 / speed + 1.0 * len(seconds) + 1e-6
        assert story.completed.metrics["runtime"] == pytest.approx(30.0 + 9 * 60.0 / speed)
        assert {one.instance_type for one in story.verdicts.values()} == {
            story.trial.instance_types["train"]
        }


def test_a_paused_trial_holds_no_place(world):
    here = world(scheduler=PROMOTION, budget={"maxTrials": 9}, parallelTrials=1)
    simulation = Simulation(here)
    most = 0
    while simulation.backend.end is None:
        simulation.step()
        running = [one for one in simulation.backend.open_trials() if one.state == "Running"]
        assert len(running) <= 1
        paused = [one for one in simulation.backend.open_trials() if one.state == "Paused"]
        most = max(most, len(paused))
    assert most >= 2


def test_searchers_are_told_who_waits_where(world):
    here = world(scheduler=PROMOTION, budget={"maxTrials": 9}, parallelTrials=1)
    simulation = Simulation(here)
    while not any(one.waits_at for one in chronicle_of(here).stories):
        simulation.step()
    (name, level), *_ = history_of(chronicle_of(here)).paused.items()
    assert level == 1
    assert name in history_of(chronicle_of(here)).open_trials


def test_crashes_of_everything_change_no_decision(world):
    def faults(trial, attempt):
        return Fault(after_seconds=45.0 * attempt) if attempt % 2 else None

    here = world(scheduler=PROMOTION, budget={"maxTrials": 12}, faults=faults)
    steps = 0
    end = None
    while end is None:
        # Workers and controller die after every few steps.
        end = Simulation(here).run(max_steps=3 + steps % 4)
        steps += 1
        assert steps < 2000
    assert end.reason == "MaxTrialsReached"
    for story in chronicle_of(here).stories:
        assert story.state in ("Completed", "Stopped")
        for level in rungs_of(here):
            decision = decisions(here, level).get(story.name)
            if decision is not None and decision.verb == "Pause" and level not in story.promotions:
                assert max(story.curve) <= level


def test_two_workers_that_promote_the_same_trial_are_harmless(world):
    here = world(scheduler=PROMOTION, budget={"maxTrials": 18}, parallelTrials=6, workers=6)
    simulation = Simulation(here)
    assert simulation.run().reason == "MaxTrialsReached"
    records = [one for one in here.open_log().read_all() if one.kind == "promoted"]
    keys = [(one.trial, one.part) for one in records]
    assert len(keys) == len(set(keys))


def test_however_few_trials_there_are_one_runs_to_its_end(world):
    here = world(scheduler=PROMOTION, budget={"maxTrials": 4}, parallelTrials=2, workers=2)
    assert Simulation(here).run().reason == "MaxTrialsReached"
    states = Counter(str(one.state) for one in chronicle_of(here).stories)
    assert states["Completed"] >= 1
    assert states["Completed"] + states["Stopped"] == 4


def test_before_the_end_what_is_unbeaten_at_its_rung_runs_to_its_end(world):
    here = world(scheduler=PROMOTION, budget={"maxTrials": 12}, parallelTrials=3)
    Simulation(here).run()
    scheduler = make_scheduler(here.spec)
    stories = {one.name: one for one in chronicle_of(here).stories}
    left = set()
    for level in rungs_of(here):
        entries = here.open_log().list_rung(0, level)
        rung = [RungRecord(trial=one.trial, vector=one.vector) for one in entries]
        waiting = {name for name, one in stories.items() if level not in one.promotions}
        paused = {
            name
            for name in waiting
            if (taken := decisions(here, level).get(name)) is not None and taken.verb == "Pause"
        }
        left |= paused
        assert not [one for one in scheduler.standings(rung, waiting=paused) if one.unbeaten]
    assert left, "everything ran to its end"


def test_money_that_is_left_runs_what_waits_once_the_space_is_exhausted(world):
    few = {"parameters": [{"name": "lr", "ordinal": {"values": [k / 10 for k in range(1, 8)]}}]}
    budgets = {"plenty": {"maxCost": 1e6}, "trials": {"maxTrials": 14}}
    states = {}
    for name, budget in budgets.items():
        here = world(scheduler=PROMOTION, budget=budget, parallelTrials=2, **few)
        Simulation(here).run()
        states[name] = Counter(str(one.state) for one in chronicle_of(here).stories)
    assert states["plenty"] == {"Completed": 14}
    assert states["trials"]["Stopped"] > 0


def test_nothing_is_over_while_no_trial_may_run(world):
    here = world(scheduler=PROMOTION, budget={"maxTrials": 3}, parallelTrials=1)
    simulation = Simulation(here)
    (worker,) = simulation._workers
    worker._demand = lambda: Demand(slots=0, max_trials=0)
    worker.step()
    assert worker.idle is None


def test_a_raised_bound_goes_on_with_new_trials(world):
    first = world(scheduler=PROMOTION, budget={"maxTrials": 4}, parallelTrials=1)
    Simulation(first).run()
    more = world(
        scheduler=PROMOTION,
        budget={"maxTrials": 9},
        parallelTrials=1,
        store=first.store,
        clock=first.clock,
    )
    assert Simulation(more).run().reason == "MaxTrialsReached"
    assert len(chronicle_of(more).stories) == 9


def test_trials_begin_in_the_brackets_of_hyperband(world):
    here = world(
        scheduler={"type": "Hyperband", "brackets": 3},
        budget={"maxTrials": 30},
        workers=2,
        parallelTrials=4,
    )
    assert Simulation(here).run().reason == "MaxTrialsReached"
    stories = chronicle_of(here).stories
    begun = Counter(one.trial.bracket for one in stories)
    assert begun[0] > begun[1] >= begun[2] > 0
    for bracket in range(3):
        levels = rungs_of(here, bracket)
        for level in (1.0, 3.0):
            reached = here.open_log().list_rung(bracket, level)
            assert bool(reached) == (level in levels)
            assert {one.trial for one in reached} <= {
                one.name for one in stories if one.trial.bracket == bracket
            }
    # The last bracket has no rung: its trials train to the end.
    assert all(one.completed for one in stories if one.trial.bracket == 2)


def choosy(spec, **given):
    """Draws at random, and says of trials from which rung on ending them saves something."""
    drawn = make_searcher(spec, **given)
    levels = (0.0, 3.0, math.inf)

    class Choosy:
        def suggest(self, history, *, number, rng):
            found = drawn.suggest(history, number=number, rng=rng)
            return replace(found, rungs_from=levels[number % 3])

    return Choosy()


@pytest.mark.parametrize("variant", ["Stopping", "Promotion"])
def test_a_searcher_passes_over_rungs_that_save_nothing(world, variant):
    here = world(
        scheduler={"type": "Hyperband", "variant": variant},
        budget={"maxTrials": 18},
        factory=choosy,
    )
    assert Simulation(here).run().reason == "MaxTrialsReached"
    stories = chronicle_of(here).stories
    assert all(one.trial.bracket == one.trial.number % 3 for one in stories)
    assert all(one.completed for one in stories if one.trial.bracket == 2)
    for level, brackets in ((1.0, {0}), (3.0, {0, 1})):
        rungs = {bracket: here.open_log().list_rung(bracket, level) for bracket in range(3)}
        assert {bracket for bracket, reached in rungs.items() if reached} == brackets


@pytest.mark.parametrize("variant", ["Stopping", "Promotion"])
def test_what_begins_anew_at_each_rung_pays_for_each(world, variant):
    fidelity = {"name": "epoch", "stage": "train", "max": 9, "mode": "Restart"}
    here = world(
        fidelity=fidelity,
        scheduler={"type": "Hyperband", "variant": variant},
        budget={"maxTrials": 12},
    )
    Simulation(here).run()
    completed = [one for one in chronicle_of(here).stories if one.completed]
    assert completed
    for story in completed:
        speed = 2.0 if story.trial.instance_types["train"] == "large" else 1.0
        train = story.stages["train"][2]
        assert train.first_run_seconds == pytest.approx((1 + 3 + 9) * 60.0 / speed)
        assert story.completed.metrics["runtime"] == pytest.approx(30 + 13 * 60.0 / speed)
        assert story.seconds >= 13 * 60.0 / speed - 1e-6


def test_ends_of_attempts_are_told_from_ends_of_trials(world):
    here = world(scheduler=PROMOTION, budget={"maxTrials": 9})
    Simulation(here).run()
    assert any(story.pauses for story in chronicle_of(here).stories)
    for story in chronicle_of(here).stories:
        for attempt, result in story.pauses.items():
            assert result.outcome is Outcome.PAUSED
            assert result.rung in rungs_of(here)
            assert math.isfinite(result.metrics["loss"])
            assert attempt <= story.attempts
