"""`tuner status` and `tuner trials`: how studies and their trials stand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from tuner.cli.options import Context, Format, Local, Namespace, Output, Study

if TYPE_CHECKING:
    from tuner.cli.report import StudyReport, TrialRow
    from tuner.spec import TuningStudySpec

MaybeStudy = Annotated[
    str | None, typer.Argument(help="The study's name; omitted = all.", show_default=False)
]


def status(
    study: MaybeStudy = None,
    output: Output = Format.TABLE,
    namespace: Namespace = None,
    context: Context = None,
    local: Local = None,
) -> None:
    """Show how a study stands, or all of them."""
    from tuner.cli.output import show
    from tuner.cli.source import open_source

    source = open_source(local=local, namespace=namespace, context=context, study=study)
    reports = source.overview(study)
    shapes = [report.to_json() for report in reports]
    show(
        output,
        text=lambda: status_text(reports) if reports else "no studies",
        shape=lambda: shapes[0] if study else shapes,
    )


def trials(
    study: Study,
    output: Output = Format.TABLE,
    namespace: Namespace = None,
    context: Context = None,
    local: Local = None,
) -> None:
    """List the trials of a study, oldest first."""
    from tuner.cli.output import show
    from tuner.cli.source import open_source

    source = open_source(local=local, namespace=namespace, context=context, study=study)
    rows = source.trials(study)
    show(
        output,
        text=lambda: trials_text(source.report(study).spec, rows) if rows else "no trials yet",
        shape=lambda: [row.to_json() for row in rows],
    )


def status_text(reports: Sequence[StudyReport]) -> str:
    """One line a study, and below it why a single one stands as it does."""
    from tuner.cli.output import table

    header = ["NAME", "STATE", "TRIALS", "RUNNING", "FRONT", "BEST", "SPENT"]
    text = table(header, [_study_cells(report) for report in reports])
    if len(reports) == 1 and reports[0].message:
        text += f"\n{reports[0].reason}: {reports[0].message}"
    return text


def trials_text(spec: TuningStudySpec, rows: Sequence[TrialRow]) -> str:
    """One line a trial."""
    from tuner.cli.output import metric_text, money, table
    from tuner.cli.report import main_stage

    stage = main_stage(spec)
    metrics = [objective.metric for objective in spec.objectives]
    full = None if spec.fidelity is None else f"{spec.fidelity.max:g}"
    header = ["NAME", "STATE", f"{stage} on", "FIDELITY", *metrics, "PAID", "CACHED", "REASON"]
    cells = [
        [
            row.name,
            row.state,
            row.instance_types.get(stage, ""),
            "" if full is None or row.fidelity is None else f"{row.fidelity:g}/{full}",
            *(
                metric_text(metric, row.objectives[metric]) if metric in row.objectives else ""
                for metric in metrics
            ),
            money(row.cost),
            ",".join(row.cached),
            row.reason,
        ]
        for row in rows
    ]
    return table(header, cells)


def _study_cells(report: StudyReport) -> list[str]:
    from tuner.cli.output import metric_text, money

    summary, budget = report.summary, report.spec.budget.max_cost
    counts = summary.counts
    ended = counts.completed + counts.stopped + counts.failed
    first = report.spec.objectives[0].metric
    return [
        report.name,
        str(report.state),
        f"{ended} ({counts.stopped} stopped)" if counts.stopped else str(ended),
        str(counts.running),
        str(report.front_size),
        "" if summary.best is None else metric_text(first, summary.best.objectives[first]),
        money(summary.cost.spent) + ("" if budget is None else f"/{money(budget)}"),
    ]
