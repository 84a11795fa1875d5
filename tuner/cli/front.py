"""`tuner front`: the trade-offs that a study found, what they cost and what was saved."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from tuner.cli.exits import ExitCode
from tuner.cli.options import Context, Format, Local, Namespace, Output, Study

if TYPE_CHECKING:
    from tuner.cli.report import StudyReport
    from tuner.study.summary import Point


def front(
    study: Study,
    output: Output = Format.TABLE,
    namespace: Namespace = None,
    context: Context = None,
    local: Local = None,
) -> None:
    """Show the Pareto front of a study, and what it cost. Exit code 3 if nothing is feasible."""
    from tuner.cli.output import show
    from tuner.cli.source import open_source

    source = open_source(local=local, namespace=namespace, context=context, study=study)
    report = source.report(study)
    show(output, text=lambda: front_text(report), shape=report.summary.to_json)
    if report.nothing_feasible:
        raise typer.Exit(ExitCode.NOTHING_FEASIBLE)


def front_text(report: StudyReport) -> str:
    """The front as a table, then one line on what was spent and saved."""
    return f"{_table(report)}\n{spent_line(report)}"


def spent_line(report: StudyReport) -> str:
    """Dollars spent, dollars saved, cache hits, and trials outside the constraints."""
    from tuner.cli.output import money, number

    cost, cache = report.summary.cost, report.summary.cache
    parts = [
        f"spent {money(cost.spent)} "
        f"(workers {money(cost.workers)}, preempted {money(cost.preempted)})",
        f"saved by stopping {money(cost.saved_by_stopping)}, "
        f"by cache {money(cost.saved_by_cache)} ({cache.hits}/{cache.lookups} hits)",
    ]
    bounds = {each.metric: each for each in report.spec.constraints or ()}
    for metric, count in report.summary.infeasible.items():
        bound = bounds.get(metric)
        limits = (
            []
            if bound is None
            else [
                f"{word} {number(limit)}"
                for word, limit in (("under", bound.min), ("over", bound.max))
                if limit is not None
            ]
        )
        trials = "trial" if count == 1 else "trials"
        parts.append(f"{count} {trials} with {metric} {' or '.join(limits)}".rstrip())
    return "; ".join(parts)


def _table(report: StudyReport) -> str:
    from tuner.cli.output import table
    from tuner.cli.report import main_stage

    points = report.summary.front
    if not points:
        return "no feasible trial at full fidelity" + ("" if report.finished else " yet")
    stage = main_stage(report.spec)
    metrics = [objective.metric for objective in report.spec.objectives]
    header = ["  TRIAL", *metrics, f"{stage} on"]
    rows = [
        [
            f"{'*' if point == report.summary.best else ' '} {point.trial}",
            *(objective_text(metric, point) for metric in metrics),
            point.instance_types.get(stage, ""),
        ]
        for point in points
    ]
    if report.baseline is not None:
        header.append(f"vs {report.baseline.label}")
        for row, point in zip(rows, points, strict=True):
            row.append(_against(point, report.baseline, metrics=metrics))
    return table(header, rows)


def objective_text(metric: str, point: Point) -> str:
    """A value of the front; ~ marks one of which a part is predicted."""
    from tuner.cli.output import metric_text

    mark = "~" if metric in point.predicted else ""
    return mark + metric_text(metric, point.objectives[metric])


def _against(point: Point, baseline: Point, *, metrics: Sequence[str]) -> str:
    from tuner.cli.output import change

    if point.trial == baseline.trial:
        return "the same trial"
    changes = [
        f"{metric} {text}"
        for metric in metrics
        if metric in baseline.objectives
        and (text := change(point.objectives[metric], baseline.objectives[metric]))
    ]
    return ", ".join(changes)
