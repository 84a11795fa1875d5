"""What a study learned from earlier ones, in a few lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from tuner.surrogates.prior import describe

if TYPE_CHECKING:
    from tuner.surrogates.prior import Prior
    from tuner.transfer.record import TransferRecord


def learned_lines(record: TransferRecord, prior: Prior | None) -> Iterator[str]:
    """From whom, how much, and what was not found and what to do about it."""
    if prior is not None:
        names = ", ".join(sorted({one.study for one in record.sources}))
        yield f"learned from {names}: {_amount(describe(prior))}"
    else:
        yield f"nothing was learned from earlier studies: {record.problem}"
    for name in record.missing:
        yield (
            f"no study named {name} has a log here, so nothing is learned from it; "
            "see spec.transfer.studies"
        )
    for name, why in record.left_out.items():
        yield f"{name} is left out: {why}"


def learned_json(study: str, record: TransferRecord, prior: Prior | None) -> dict[str, object]:
    """The same as JSON values."""
    return {
        "study": study,
        "sources": [
            {"study": one.study, "uid": one.uid, "until": one.until} for one in record.sources
        ],
        "missing": list(record.missing),
        "leftOut": dict(record.left_out),
        "key": record.prior,
        "problem": record.problem,
        "prior": None if prior is None else dict(describe(prior)),
    }


def _amount(described: Mapping[str, object]) -> str:
    portfolio = described.get("portfolio")
    tasks = described.get("tasks")
    told = ", ".join(f"{name} from {count}" for name, count in _counts(tasks))
    return f"a portfolio of {portfolio}" + (f"; {told}" if told else "")


def _counts(tasks: object) -> Iterator[tuple[str, int]]:
    for name, count in tasks.items() if isinstance(tasks, Mapping) else ():
        yield str(name), count if isinstance(count, int) else len(count)
