"""The simulator of many workers: what goes in comes out, once."""

import json
import sys
from dataclasses import replace

import pytest

from benchmarks.utilization import __main__ as command
from benchmarks.utilization import regret
from benchmarks.utilization.authors import CENTRALIZED, DECENTRALIZED, reproduced
from benchmarks.utilization.controls import centralized, random, synchronous
from benchmarks.utilization.decentralized import simulate
from benchmarks.utilization.measure import Measured, measure
from benchmarks.utilization.setting import (
    Costs,
    Delays,
    Faults,
    Setting,
    constant,
    interpolated,
    normal,
)
from benchmarks.utilization.stream import Stream
from tuner.log.records import Kind

FREE = Costs(proposal=lambda count: 0.0)


def setting(places=4, **more):
    base = {"draw": constant(10.0), "delays": Delays(put=0.0, sync=0.0), "costs": FREE}
    return Setting(places=places, horizon=100.0, **{**base, **more})


def test_without_delays_every_place_is_always_busy():
    for run in (simulate, centralized, random, synchronous):
        outcome = run(setting())
        assert outcome.utilization == pytest.approx(1.0)
        assert outcome.finished in (36, 40)


def test_a_worker_waits_for_its_proposals_and_nobody_elses():
    costly = setting(costs=Costs(proposal=lambda count: 10.0))
    assert simulate(costly).utilization == pytest.approx(0.5)
    # Of one process four places wait for each other; a manager is such a process.
    shared = simulate(replace(costly, places_per_worker=4)).utilization
    assert shared == pytest.approx(0.225, abs=0.03)
    assert centralized(costly).utilization == pytest.approx(shared, abs=0.03)


def test_a_proposal_made_ahead_costs_no_waiting():
    costly = setting(costs=Costs(proposal=lambda count: 5.0), look_ahead=True)
    assert simulate(costly).utilization == pytest.approx(0.95)


def test_delays_of_the_store_the_notice_and_the_beginning_are_waited_for():
    slow = setting(delays=Delays(put=1.0, sync=2.0, notice=3.0, begin=3.0))
    # Of twenty seconds: read, write, begin, ten of evaluation, write, notice.
    assert simulate(slow).utilization == pytest.approx(0.5)


def test_reading_costs_by_what_others_wrote():
    alone = simulate(setting(places=1, costs=Costs(proposal=lambda count: 0.0, reading=1.0)))
    many = simulate(setting(places=10, costs=Costs(proposal=lambda count: 0.0, reading=1.0)))
    assert alone.reading_seconds == pytest.approx(1.0, abs=0.2)
    assert many.reading_seconds > 5 * alone.reading_seconds
    assert many.utilization < alone.utilization


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("places_per_worker", [1, 4])
def test_whoever_dies_nothing_is_lost_and_nothing_ends_twice(seed, places_per_worker):
    calm = setting(
        places=40,
        draw=normal(10.0, 3.0),
        delays=Delays(put=0.2, sync=0.3, notice=0.5, begin=0.5),
        costs=Costs(proposal=lambda count: 0.4),
        places_per_worker=places_per_worker,
        seed=seed,
    )
    workers = 40 // places_per_worker
    deaths = [(worker, 3.0 + 7.3 * place) for place, worker in enumerate(range(0, workers, 4))]
    hit = simulate(
        replace(
            calm,
            faults=Faults(deaths=deaths, dead_seconds=6.0, away=(50.0, 60.0), retry_seconds=1.0),
        )
    )
    assert (hit.lost, hit.twice) == (0, 0)
    # Still open at the end: at most one trial a place.
    assert 0 <= hit.proposed - hit.finished <= 40
    without = simulate(calm)
    assert without.utilization - 0.25 < hit.utilization < without.utilization
    assert hit.repeated > 0


def test_rounds_wait_for_the_slowest():
    uneven = setting(places=50, draw=normal(10.0, 4.0))
    assert synchronous(uneven).utilization < 0.7 < simulate(uneven).utilization


def test_the_published_runs_are_reproduced_with_their_own_evaluation_times():
    for places, theirs in CENTRALIZED.items():
        ours = reproduced(places, evaluation_seconds=theirs.busy_seconds(places))
        assert ours.utilization == pytest.approx(theirs.utilization, abs=0.1)
        assert ours.finished == pytest.approx(theirs.evaluations, rel=0.15)
    assert DECENTRALIZED[1_920].busy_seconds(1_920) == pytest.approx(468, abs=1)


def test_costs_between_what_was_measured():
    cost = interpolated([(100, 1.0), (10_000, 3.0)])
    assert [cost(count) for count in (1, 100, 1_000, 10**6)] == pytest.approx([1, 1, 2, 3])


def test_the_stream_is_a_log_in_the_order_of_time():
    steps = Stream(workers=5, evaluation_seconds=60.0).steps()
    records = [one for _ in range(20) for one in next(steps)]
    assert [one.milliseconds for one in records] == sorted(one.milliseconds for one in records)
    kinds = [one.kind for one in records]
    assert kinds.count(Kind.PROPOSED) == 20
    assert kinds.count(Kind.VERDICT) == kinds.count(Kind.RESULT) == 15
    assert kinds.count(Kind.STAGE) == 45


def test_proposals_are_measured():
    (one,) = measure(3, lengths=[30], proposals=1)
    assert (one.trials, len(one.proposals)) == (30, 1)
    assert one.mean > 0
    assert one.reading > 0
    assert one.told == 33


def test_a_short_study_is_measured_with_so_few_places_that_something_has_ended():
    (one,) = measure(1_000, lengths=[20], proposals=1)
    assert one.told == 24


def test_the_command_tells_figures_and_draws(tmp_path, monkeypatch, capsys):
    costs = tmp_path / "costs.json"
    rows = [
        {"trials": n, "proposals": [0.1], "reading": 1e-4, "told": 9, "megabytes": 1.0}
        for n in (100, 500_000)
    ]
    costs.write_text(json.dumps(rows))
    assert command.measure.load(costs)[1] == Measured(
        trials=500_000, proposals=(0.1,), reading=1e-4, told=9, megabytes=1.0
    )
    monkeypatch.setattr(command, "PLACES", (40, 160))
    monkeypatch.setattr(command, "SHORT_PLACES", (160,))
    monkeypatch.setattr(
        sys, "argv", ["utilization", "--quick", "--costs", str(costs), "--plots", str(tmp_path)]
    )
    command.main()
    told = json.loads(capsys.readouterr().out)
    assert told["benchmark"] == "utilization"
    assert (tmp_path / "utilization.svg").read_text().startswith("<svg")


def test_regret_is_compared_seed_by_seed(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(regret, "HORIZONS", {10: 100.0})
    runs = tmp_path / "runs.jsonl"
    words = ["regret", "--quick", "--seeds", "1", "--runs", str(runs)]
    monkeypatch.setattr(sys, "argv", [*words, "--method", "ours", "--method", "random"])
    regret.main()
    told = json.loads(capsys.readouterr().out)
    assert [one["name"] for one in told["figures"]] == [
        "10 places: log10 regret, ours less random (1 seeds)"
    ]
    assert len(runs.read_text().splitlines()) == 2
    regret.main()
    assert json.loads(capsys.readouterr().out) == told, "what is there is not run again"
