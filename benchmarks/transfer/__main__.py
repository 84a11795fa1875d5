"""What earlier studies are worth to a new one.

    python -m benchmarks.transfer                    # the reported tasks, about 15 minutes, 2 cores
    python -m benchmarks.transfer --quick            # three tasks a collection, few methods
    python -m benchmarks.transfer --development      # the half of LCBench that choices are made on

Leave one task out; 50 evaluations of a table's rows; regret = (best so far - least of the table) /
(median - least), clipped to [0, 1.5], averaged over tasks. LCBench is split in two: everything was
chosen on the tasks at even places of its list, with each other as sources; reported are those at
odd places, with all others as sources. The other collections chose nothing. Sources show their
whole tables; LCBench is run once more with 100 random trials of each source. Intervals resample
tasks, not seeds. Needs the environment
of `make bench-env`. Ends with one line of JSON.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from benchmarks._one_thread import one_thread

one_thread()

import numpy as np  # noqa: E402

from benchmarks._arguments import default_data  # noqa: E402
from benchmarks._report import report  # noqa: E402
from benchmarks.transfer import tables  # noqa: E402
from benchmarks.transfer.calibration import coverage  # noqa: E402
from benchmarks.transfer.case import Case  # noqa: E402
from benchmarks.transfer.curves import summary  # noqa: E402
from benchmarks.transfer.figures import figures_of  # noqa: E402
from benchmarks.transfer.methods import GP_EI, METHODS, OURS, PORTFOLIO  # noqa: E402
from benchmarks.transfer.tables import Array, Collection  # noqa: E402

CONTROL_ROWS = 100
"""No earlier study shows a whole table: LCBench once more with sources of so many trials."""

CONTROL_METHODS = (
    OURS,
    "ours: moments only",
    "ours: no portfolio",
    PORTFOLIO,
    "HyperBO (network alone)",
    "sample mean + covariance",
    "mean rank",
    GP_EI,
)
QUICK_METHODS = (OURS, PORTFOLIO, GP_EI, "sample mean + covariance", "random")


def main() -> None:
    options = _options()
    began = time.monotonic()
    if not (options.data / "transfer_lcbench").exists():
        sys.exit(f"{options.data} does not hold the tables: see docs/benchmarks.md, transfer")
    jobs = list(_jobs(options))
    found: dict[str, dict[str, list[Array]]] = defaultdict(lambda: defaultdict(list))
    covered: dict[str, list[float]] = defaultdict(list)
    with ProcessPoolExecutor(options.processes) as pool:
        for case, curves, share in pool.map(_run, jobs):
            for name, curve in curves.items():
                found[case][name].append(curve)
            covered[case].append(share)
            print(case, len(covered[case]), f"{time.monotonic() - began:.0f} s", file=sys.stderr)
    curves = {c: {m: np.array(v) for m, v in by.items()} for c, by in found.items()}
    controls: dict[str, object] = {c: summary(by, ours=OURS) for c, by in curves.items()}
    controls["coverage90"] = {c: float(np.mean(shares)) for c, shares in covered.items()}
    controls["tasks"] = {c: len(shares) for c, shares in covered.items()}
    controls["seeds"] = options.seeds
    controls["development"] = options.development
    controls["minutes"] = (time.monotonic() - began) / 60
    for collection in curves:
        _show(collection, controls[collection])
    print(report("transfer", list(figures_of(curves)), controls=controls))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=default_data(), help="folder of the tables")
    parser.add_argument(
        "--cache", type=Path, default=Path.home() / ".cache" / "tuner", help="for LCBench's table"
    )
    parser.add_argument("--seeds", type=int, default=3, help="runs of what is random, at most")
    parser.add_argument("--quick", action="store_true", help="see that it runs")
    parser.add_argument("--development", action="store_true", help="the tasks choices are made on")
    parser.add_argument("--collection", action="append", help="only this one; may be repeated")
    parser.add_argument("--methods", help="only these, by name, with commas")
    parser.add_argument("--processes", type=int, default=2)
    return parser.parse_args()


def _jobs(options: argparse.Namespace) -> Iterator[tuple[Case, list[str], int]]:
    methods = options.methods.split(",") if options.methods else list(METHODS)
    if options.quick:
        methods = [name for name in methods if name in QUICK_METHODS]
    for collection in _collections(options):
        everything = list(range(len(collection.tasks)))
        targets, sources = everything, everything
        if collection.name == "LCBench":
            targets = everything[0::2] if options.development else everything[1::2]
            sources = targets if options.development else everything
        targets = targets[:3] if options.quick else targets
        chosen = [name for name in methods if METHODS[name].only in (None, collection.name)]
        for task in targets:
            yield Case.of(collection, task, sources), chosen, options.seeds
        if collection.name == "LCBench":
            control = [name for name in chosen if name in CONTROL_METHODS]
            for task in targets:
                case = Case.of(collection, task, sources, rows=CONTROL_ROWS)
                yield case, control, options.seeds


def _collections(options: argparse.Namespace) -> Iterator[Collection]:
    makers = {
        "LCBench": lambda: tables.lcbench(options.data, options.cache),
        "MLP-8": lambda: tables.grid(options.data, name="MLP-8", prefix="hpobench"),
        "XGBoost-10": lambda: tables.xgboost(options.data),
        "FCNet-4": lambda: tables.grid(options.data, name="FCNet-4", prefix="hpolib"),
    }
    wanted = options.collection or (["LCBench"] if options.development else list(makers))
    for name in wanted:
        yield makers[name]()


def _run(job: tuple[Case, list[str], int]) -> tuple[str, dict[str, Array], float]:
    """The mean curve of each method on a case, and the coverage of ours."""
    case, names, seeds = job
    curves = {}
    for name in names:
        method = METHODS[name]
        runs = range(min(seeds, method.seeds))
        curves[name] = np.mean(
            [case.regret(method.search(case, np.random.default_rng([7, seed]))) for seed in runs],
            axis=0,
        )
    return case.collection, curves, coverage(case)


def _show(collection: str, rows: object) -> None:
    if not isinstance(rows, dict):
        return
    print(
        f"{collection}: evaluations to regret .2 / .1 / .05 / .02, area, final, ours w/t/l",
        file=sys.stderr,
    )
    for name, row in rows.items():
        counts = " ".join(f"{count:4d}" for count in row["evaluations"].values())
        record = "/".join(map(str, row["oursWinTieLoss"]))
        print(
            f"  {name:26s}{counts}  {row['area']:7.3f}  {row['final']:.4f}  {record}",
            file=sys.stderr,
        )


if __name__ == "__main__":
    main()
