import csv
import gzip
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

from benchmarks.hardware.__main__ import BENCHMARKS, _reported, main
from benchmarks.hardware.methods import METHODS
from benchmarks.hardware.runs import DEVELOPMENT, sources_of, table_of, tables
from benchmarks.problems.hardware_tables import SIZES, nas, program_of, scout, trimtuner
from benchmarks.problems.manifest import Budget, choices_of, space_of, spec_of

WORKLOADS = (
    "kmeans_bigdata_spark15",
    "terasort_huge_hadoop",
    "pagerank_huge_spark",
    "lr_huge_spark",
    "lr_bigdata_spark",
)


def write(path: Path, lines: Sequence[Mapping[str, object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(lines[0]))
        writer.writeheader()
        writer.writerows(lines)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    sizes = [*SIZES, 30000]
    write(
        tmp_path / "hw_trimtuner" / "cnn.csv",
        [
            {
                "vm_flavor": flavor, "n_workers": workers, "n_ps": 1, "learning_rate": rate,
                "batch_size": 16, "synchronism": "async", "training_set_size": size,
                "acc": 0.9 if rate == 1e-3 else 0.5,
                "training_time_s": size / 100 * 8 / workers, "usd_per_vm_hour": price,
            }
            for flavor, workers, price in (("t2.small", 8, 0.023), ("t2.xlarge", 2, 0.1856))
            for rate in (1e-5, 1e-3)
            for size in sizes
        ],
    )  # fmt: skip
    write(
        tmp_path / "hw_lynceus" / "scout.csv",
        [
            {
                "task": task, "nodes": nodes, "instance": instance, "elapsed_s": 1000 / nodes,
                "completed": not (task == WORKLOADS[0] and nodes == 8), "usd_per_node_hour": 0.1,
            }
            for task in WORKLOADS
            for nodes in (4, 8)
            for instance in ("c4.large", "r4.2xlarge")
        ],
    )  # fmt: skip
    folder = tmp_path / "transfer_nasbench201"
    folder.mkdir()
    with gzip.open(folder / "nas_bench102.csv.gz", "wt", newline="") as file:
        names = [*(f"hp_x{edge}" for edge in range(6)), "metric_error", "metric_latency", "task"]
        writer = csv.writer(file)
        writer.writerow(names)
        for task in ("cifar10", "cifar100", "ImageNet16-120"):
            writer.writerow([0, 1, 2, 3, 4, 0, 12.0, 0.013, task])
            writer.writerow([4, 1, 2, 3, 4, 0, 10.0, 0.019, task])
    return tmp_path


def test_a_cluster_is_an_instance_type_priced_for_all_its_machines(data: Path) -> None:
    table = trimtuner(data)
    types = table.declared.instance_types
    assert types["t2-small-x8"]["pricePerHour"] == pytest.approx(9 * 0.023)
    assert types["t2-xlarge-x2"]["resources"] == {"cpu": "4", "memory": "16Gi"}
    assert table.restarts
    assert table.taken.shape == (4, len(SIZES))
    assert table.seconds_in_full.tolist() == [600.0, 600.0, 2400.0, 2400.0]


def test_the_study_of_a_table_is_valid_and_has_only_its_rows(data: Path) -> None:
    table = trimtuner(data)
    spec = spec_of(table, budget=Budget(trials=1))
    assert spec.fidelity is not None
    for parameters in space_of(table).configurations():
        known = parameters["learning_rate"] != 1e-4 and parameters["batch_size"] == 16
        for kind in choices_of(table).types:
            if known and parameters["synchronism"] == "async":
                assert table.types[table.row(parameters, kind)] == kind


def test_a_run_that_failed_counts_as_the_slowest_that_did_not(data: Path) -> None:
    table = scout(data)[WORKLOADS[0]]
    assert table.seconds_in_full.tolist() == [250.0] * 4
    assert table.objectives().shape == (4, 2)


def test_more_clusters_than_a_manifest_names_are_selected(data: Path) -> None:
    table = table_of("scout/lr_huge_spark", data)
    assert spec_of(table, budget=Budget(trials=1)).hardware.instance_types is not None
    machine = dict(table.declared.instance_types["c4-large-x4"])
    object.__setattr__(
        table.declared, "instance_types", {f"machine-{one:02d}": machine for one in range(69)}
    )
    assert len(choices_of(table).types) == 69


@pytest.mark.parametrize(
    ("workload", "program"),
    [("lr_huge_spark", "lr"), ("wordcount-large_bigdata_hadoop", "wordcount"),
     ("naive-bayes_bigdata_spark15", "naive-bayes")],
)  # fmt: skip
def test_a_program_is_one_whatever_its_framework_and_data(workload: str, program: str) -> None:
    assert program_of(workload) == program


def test_nothing_learns_from_its_own_program_or_from_what_is_reported(data: Path) -> None:
    known = tables("scout", data)
    for name in known:
        own = program_of(name.partition("/")[2])
        sources = sources_of(name, data)
        programs = {program_of(one.declared.name.replace("-", "_", 1)) for one in sources}
        assert sources
        assert own not in programs
        if own in DEVELOPMENT:
            assert len(sources) == 1
    assert len(sources_of("scout/lr_huge_spark", data)) == 3


def test_development_programs_are_never_reported(data: Path) -> None:
    reported = _reported("scout", tables("scout", data))
    developed = _reported("scout-development", tables("scout", data))
    assert not reported.keys() & developed.keys()
    assert len(reported) + len(developed) == len(WORKLOADS)
    assert not any(name.partition("/")[2].startswith(DEVELOPMENT) for name in reported)


def test_networks_learn_from_nothing(data: Path) -> None:
    assert sources_of("trimtuner", data) == []


def test_cells_have_an_error_and_a_latency(data: Path) -> None:
    table = nas(data)["cifar100"]
    assert len(table) == 2
    assert np.allclose(table.values["latency"][:, 0], [13.0, 19.0])
    assert table.parameters[0]["edge_0"] == "none"


def test_every_method_that_a_benchmark_names_exists() -> None:
    assert {name for one in BENCHMARKS.values() for name in one.methods} <= METHODS.keys()


def test_without_the_data_it_says_so_and_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["hardware", "scout", "--data", str(tmp_path)])
    main()
    assert "hw_lynceus" in capsys.readouterr().err


def test_runs_are_kept_and_not_run_again(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "runs.jsonl"
    arguments = ["hardware", "trimtuner", "--data", str(data), "--seeds", "2", "--runs", str(file)]
    arguments += ["--methods", "random in full;accuracy-only ASHA", "--plots", str(tmp_path / "p")]
    monkeypatch.setattr("sys.argv", arguments)
    main()
    main()
    assert len(file.read_text().splitlines()) == 4
    first, second = capsys.readouterr().out.splitlines()
    assert first == second
    assert (tmp_path / "p" / "trimtuner-cnn-hypervolume.svg").exists()


def test_some_rows_are_a_table_of_their_own(data):
    table = trimtuner(data)
    some = table.only([1, 0])
    assert len(some) == 2
    assert some.parameters[0] == table.parameters[1]
    assert some.usd_in_full[1] == table.usd_in_full[0]
    assert some.row(table.parameters[1], table.types[1]) == 0
