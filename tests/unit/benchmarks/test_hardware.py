from dataclasses import replace

import numpy as np
import pytest

from benchmarks.hardware.clusters import until_both
from benchmarks.hardware.controls import asha, cheap_first, corrected, order_of, random_in_full
from benchmarks.hardware.found import PENALTY, Judge
from benchmarks.hardware.methods import METHODS, Setting, average_order
from benchmarks.hardware.runs import Run, Task
from benchmarks.hardware.searched import searched
from benchmarks.hardware.steps import charged, steps_of
from benchmarks.hardware.trained import Trained, controls_of, figures_of, plots_of
from benchmarks.problems.protocol import Declared, ProblemStage
from benchmarks.problems.tables import STAGE, Table
from benchmarks.simulate import product

LEVELS = (1000.0, 3000.0, 9000.0)
RATES = (1e-4, 1e-3, 1e-2, 1e-1)
PRICES = {"small": 36.0, "medium": 72.0, "large": 180.0}
SLOWER = {"small": 3.0, "medium": 2.0, "large": 1.0}


@pytest.fixture
def table() -> Table:
    """Four learning rates on three types, the large one three times as fast as the small one."""
    rows = [(rate, kind) for rate in RATES for kind in PRICES]
    slow = np.array([SLOWER[kind] for _, kind in rows])
    errors = np.array([0.1 + 0.05 * abs(np.log10(rate) + 2) for rate, _ in rows])
    return Table(
        declared=Declared(
            name="made-up",
            parameters=[{"name": "rate", "ordinal": {"values": list(RATES)}}],
            stages=[ProblemStage(STAGE, ("rate",))],
            objectives=[
                {"metric": name, "direction": "Minimize"} for name in ("error", "runtime", "cost")
            ],
            instance_types={
                kind: {"pricePerHour": price, "resources": {"cpu": f"{price / 36:g}"}}
                for kind, price in PRICES.items()
            },
            fidelity={"name": "step", "min": 1000, "max": 9000, "stage": STAGE},
        ),
        parameters=[{"rate": rate} for rate, _ in rows],
        types=[kind for _, kind in rows],
        levels=LEVELS,
        taken=slow[:, None] * np.array([100.0, 300.0, 900.0]),
        values={"error": errors[:, None] + np.array([0.2, 0.1, 0.0])},
    )


@pytest.fixture
def judge(table: Table) -> Judge:
    return Judge(table)


def test_a_table_answers_as_a_problem(table: Table) -> None:
    values = {"rate": 1e-2}
    assert table.seconds(STAGE, values, instance_type="large", fidelity=9000) == 900
    assert table.seconds(STAGE, values, instance_type="small", fidelity=1000) == 300
    told = table.metrics(STAGE, values, instance_type="large", fidelity=3000)
    assert told == {"error": pytest.approx(0.2)}


def test_a_fidelity_between_two_levels_is_the_lower_one(table: Table) -> None:
    assert [table.level(one) for one in (1000, 2999, 3000, 9000)] == [0, 0, 1, 2]


def test_a_configuration_that_was_not_recorded_is_no_row(table: Table) -> None:
    with pytest.raises(KeyError):
        table.row({"rate": 0.5}, "small")


def test_levels_that_resume_cost_the_difference_and_those_that_restart_add_up(
    table: Table,
) -> None:
    row = table.row({"rate": 1e-2}, "large")
    walk = [(row, 0), (row, 1), (row, 2)]
    assert charged(table, walk, budget_usd=1e9).seconds.tolist() == [100, 300, 900]
    again = replace(table, restarts=True)
    assert charged(again, walk, budget_usd=1e9).seconds.tolist() == [100, 400, 1300]
    assert again.steps.sum(1)[row] == 1300
    assert table.steps.sum(1)[row] == 900


def test_dollars_follow_from_the_price_and_the_step_beyond_the_budget_is_not_taken(
    table: Table,
) -> None:
    row = table.row({"rate": 1e-2}, "large")
    steps = charged(table, [(row, 2), (row, 2)], budget_usd=45.1)
    assert steps.usd.tolist() == pytest.approx([45.0])
    assert not len(charged(table, [(row, 2)], budget_usd=44.9))


def test_the_first_pass_of_cheap_first_is_over_all_rows(table: Table) -> None:
    steps = charged(table, cheap_first(table, seed=1), budget_usd=1e9)
    assert sorted(steps.row[: len(table)].tolist()) == list(range(len(table)))
    assert (steps.level[: len(table)] == 0).all()
    in_full = steps.in_full(table).row
    assert (np.diff(table.usd_in_full[in_full]) >= 0).all()
    fast = charged(table, cheap_first(table, seed=1, by="runtime"), budget_usd=1e9).in_full(table)
    assert (np.diff(table.seconds_in_full[fast.row]) >= 0).all()


def test_random_search_runs_every_row_once_in_the_order_of_its_seed(table: Table) -> None:
    steps = charged(table, random_in_full(table, seed=3), budget_usd=1e9)
    assert steps.row.tolist() == order_of(table, 3)


def test_halving_by_accuracy_stops_what_is_worse_than_a_third(table: Table) -> None:
    policy = asha(table, seed=0, continues=corrected, objectives=(0,))
    steps = charged(table, policy, budget_usd=1e9)
    first = [row for row, level in zip(steps.row, steps.level, strict=True) if level == 0]
    assert first == order_of(table, 0)
    assert 1 <= len(steps.in_full(table)) < len(table)


def test_a_newcomer_that_dominates_its_rung_goes_on() -> None:
    rung = [(0.5, 1.0, 1.0), (0.4, 2.0, 2.0), (0.6, 3.0, 3.0), (0.1, 0.1, 0.1)]
    assert corrected(rung, 3)
    assert not corrected([*rung, (0.9, 9.0, 9.0)], 3)


def test_halving_here_decides_as_the_product_does_in_virtual_time(table: Table) -> None:
    """Random search with Hyperband in the simulator, replayed by its order of rows."""
    hyperband = {"type": "Hyperband", "variant": "Stopping"}
    steps = searched(
        table, product("Random"), seed=5, budget_usd=1e9, max_trials=8, scheduler=hyperband
    )
    order = list(dict.fromkeys(steps.row.tolist()))
    rungs: dict[int, list[tuple[float, ...]]] = {0: [], 1: []}
    expected = []
    for row in order:
        for level in range(3):
            expected.append((row, level))
            if level < 2:
                rungs[level].append(tuple(table.objectives(level)[row].tolist()))
                if not corrected(rungs[level], table.reduction):
                    break
    assert list(zip(steps.row.tolist(), steps.level.tolist(), strict=True)) == expected
    usd = charged(table, expected, budget_usd=1e9).usd
    assert steps.usd.tolist() == pytest.approx(usd.tolist(), rel=1e-3)


def test_a_trial_that_is_promoted_pays_for_what_it_has_not_run_yet(table: Table) -> None:
    promotion = {"type": "Hyperband", "variant": "Promotion"}
    steps = searched(table, product("Random"), seed=5, budget_usd=1e9, scheduler=promotion)
    pairs = list(zip(steps.row.tolist(), steps.level.tolist(), strict=True))
    assert len(set(pairs)) == len(pairs)
    assert len(set(steps.row.tolist())) == len(table)
    by_row = {row: [level for other, level in pairs if other == row] for row, _ in pairs}
    assert all(levels == list(range(len(levels))) for levels in by_row.values())
    usd = charged(table, pairs, budget_usd=1e9).usd
    assert steps.usd.tolist() == pytest.approx(usd.tolist(), rel=1e-3)


def test_a_run_ends_when_it_has_reached_what_it_was_for(table: Table) -> None:
    steps = searched(
        table, product("Random"), seed=5, budget_usd=1e9, until=lambda steps: len(steps) == 3
    )
    assert len(steps) == 3


def test_without_stops_a_trial_costs_one_full_run(table: Table) -> None:
    again = replace(table, restarts=True)
    steps = searched(again, product("Random"), seed=5, budget_usd=1e9, max_trials=4)
    assert (steps.level == 2).all()
    assert steps.usd[-1] == pytest.approx(table.usd_in_full[steps.row].sum())


def test_what_was_found_is_the_fastest_and_the_cheapest_good_row(
    table: Table, judge: Judge
) -> None:
    good, bad = table.row({"rate": 1e-2}, "small"), table.row({"rate": 1e-4}, "large")
    found = judge.best_of(steps_of([(good, 2, 1.0, 1.0), (bad, 2, 2.0, 2.0)]))
    assert (found.seconds, found.usd, found.any) == (2700.0, 27.0, True)
    assert judge.ideal.seconds == 900.0
    assert judge.ideal.usd == 27.0


def test_a_miss_counts_with_its_penalty(judge: Judge) -> None:
    bad = judge.table.row({"rate": 1e-4}, "large")
    good = judge.table.row({"rate": 1e-2}, "large")
    for steps in (steps_of([]), steps_of([(bad, 2, 1.0, 1.0)]), steps_of([(good, 1, 1.0, 1.0)])):
        found = judge.best_of(steps)
        assert not found.any
        assert found.seconds == PENALTY * 2700.0
    assert not judge.most_accurate(steps_of([])).any


def test_the_most_accurate_is_taken_whatever_it_costs(judge: Judge) -> None:
    slow, fast = (judge.table.row({"rate": 1e-2}, kind) for kind in ("small", "large"))
    assert judge.most_accurate(steps_of([(slow, 2, 1, 1), (fast, 2, 2, 2)])).seconds == 2700.0


def test_the_whole_table_dominates_all_of_its_volume(judge: Judge) -> None:
    everything = [(row, 2, row + 1.0, row + 1.0) for row in range(len(judge.table))]
    assert judge.volume(steps_of(everything)) == pytest.approx(1.0)
    assert judge.volume(steps_of([])) == 0.0
    assert judge.volume(steps_of(everything).until(3.0)) < 1.0


def test_a_run_survives_its_line() -> None:
    task = Task(table="made-up", method="Auto", seed=3, budget_usd=1.5)
    run = Run(task=task, steps=steps_of([(1, 2, 0.25, 3.5)]), cpu_seconds=0.1)
    back = Run.from_json(run.to_json())
    assert back.task == task
    assert back.steps.row.tolist() == [1]
    assert back.steps.usd.tolist() == [0.25]


def test_both_a_fast_and_a_cheap_cluster_have_to_run(table: Table) -> None:
    fast, cheap = table.row({"rate": 1e-2}, "large"), table.row({"rate": 1e-2}, "small")
    both = steps_of([(fast, 2, 5.0, 50.0), (cheap, 2, 7.0, 70.0)])
    assert until_both(table, both) == (7.0, 70.0, 2)
    assert until_both(table, both.until(5.0)) == (10.0, 100.0, 2)


def test_the_average_order_takes_turns_between_the_objectives(table: Table) -> None:
    order = average_order(table, [table, table])
    assert sorted(order) == list(range(len(table)))
    # Best error first, then the fastest, then the cheapest.
    assert table.parameters[order[0]] == {"rate": 1e-2}
    assert table.types[order[1]] == "large"


def test_figures_compare_ours_with_the_baseline_and_the_best_control(judge: Judge) -> None:
    table = judge.table
    cheap, fast = (table.row({"rate": 1e-2}, kind) for kind in ("small", "large"))
    usd = 0.04 * judge.full_usd
    walks = {
        "Auto": [(fast, 2, usd, 1.0), (cheap, 2, usd, 2.0)],
        "accuracy-only ASHA": [(cheap, 2, usd, 1.0), (fast, 2, usd, 2.0)],
        "random in full": [(fast, 2, usd, 1.0)],
    }
    runs = {
        name: [
            Run(task=Task(table="t", method=name, seed=seed, budget_usd=1.0), steps=steps_of(walk),
                cpu_seconds=0.0)
            for seed in range(3)
        ]
        for name, walk in walks.items()
    }  # fmt: skip
    told = Trained(judge, runs)
    by_name = {one.name: one for one in figures_of(told)}
    ratio = by_name[
        "seconds of the configuration found, accuracy-only ASHA / Auto, 5% of the dollars"
    ]
    assert ratio.value == pytest.approx(3.0)
    assert ratio.met is False
    control = by_name["usd found, best other (random in full) / Auto, 5% of the dollars"]
    assert control.value == pytest.approx(45 / 27)
    assert control.met is True
    assert controls_of(told)["random in full"]["5%"]["seeds with a good one"] == 1.0
    assert plots_of(told)["survival"].startswith("<svg")


def test_every_method_without_a_library_runs_on_a_table(table: Table) -> None:
    whole = float(table.usd_in_full.sum())
    for method in METHODS.values():
        if method.needs or method.settings is not None:
            continue
        steps = method.run(
            Setting(table=table, seed=1, budget_usd=10 * whole, order=range(len(table)))
        )
        assert len(steps.in_full(table)), method.name
