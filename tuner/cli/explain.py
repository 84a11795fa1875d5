"""`tuner explain`: why a trial was proposed, and what became of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from tuner.cli.options import Context, Format, Local, Namespace, Output, TrialName

_WORTH_SAYING = 0.01

if TYPE_CHECKING:
    from tuner.cli.explanation import Explanation, RungLine, StageLine


def explain(
    trial: TrialName,
    output: Output = Format.TABLE,
    namespace: Namespace = None,
    context: Context = None,
    local: Local = None,
) -> None:
    """Show why a trial was proposed, what was expected of it, and what it came to."""
    from tuner.cli.output import show
    from tuner.cli.source import open_source, study_of

    source = open_source(local=local, namespace=namespace, context=context, study=study_of(trial))
    found = source.explain(trial)
    show(output, text=lambda: explanation_text(found), shape=found.to_json)


def explanation_text(found: Explanation) -> str:
    """One line for each thing that is known, in the order in which it happened."""
    lines = [
        f"{found.row.name}: {_state(found)}",
        f"proposed by worker {found.worker}: {_reason(found)}",
        *_expected(found),
        _spend(found),
        *_prefix(found),
        *_doubts(found),
        "; ".join(_stage(stage) for stage in found.stages),
        *_rungs(found),
        _attempts(found),
    ]
    return "\n".join(line for line in lines if line)


def _state(found: Explanation) -> str:
    row = found.row
    words = [row.reason] if row.reason not in ("", row.state) else []
    # What a rung says has a line of its own, where it is known.
    told = "" if row.reason == "Rung" and found.rungs else row.message
    return ", ".join([row.state, *words, *filter(None, [told])])


def _reason(found: Explanation) -> str:
    from tuner.cli.output import number

    why = found.why
    extra = why.model_extra or {}
    if why.message:
        return why.message
    if why.searcher == "initialTrials":
        return f'the initial trial "{why.name}"'
    place = extra.get("portfolio") if why.prior is None else why.prior.portfolio
    on_front = None if why.prior is None else why.prior.on_front
    if isinstance(place, int):
        what = "what did best in" if on_front is None else "the front expected from"
        return f"number {place + 1} of {what} earlier studies ({why.searcher})"
    if why.candidates is None and on_front is not None:
        return f"drawn from the front expected from earlier studies ({why.searcher})"
    if why.candidates is None:
        return f"by searcher {why.searcher}" if why.searcher else "nothing is known"
    unit = "" if not why.eta else " per dollar" if why.spend and why.spend.usd else " per second"
    weight = f", spend weighed {number(why.eta)}" if why.eta is not None and 0 < why.eta < 1 else ""
    return f"best expected gain{unit} of {why.candidates} candidates ({why.searcher}{weight})"


def _expected(found: Explanation) -> Iterator[str]:
    """Predicted objectives, which are for full fidelity, against measured ones."""
    from tuner.cli.output import metric_text

    parts = [
        f"{metric} {metric_text(metric, one.mean)}"
        + (f" +- {metric_text(metric, one.sd)}" if one.sd is not None else "")
        for metric, one in found.predicted.items()
    ]
    known = [
        f"{metric} {metric_text(metric, value)}" for metric, value in found.row.objectives.items()
    ]
    where = "" if found.is_full or not known else f" at {_fidelity(found)}"
    if parts:
        yield f"predicted {', '.join(parts)}"
    if known:
        yield f"measured{where} {', '.join(known)}"


def _fidelity(found: Explanation) -> str:
    reached = found.row.fidelity or 0.0
    return f"{found.fidelity_name} {reached:g} of {found.full:g}".strip()


def _spend(found: Explanation) -> str:
    from tuner.cli.output import money, number

    spend = found.why.spend
    parts = []
    if spend is not None and spend.usd is not None:
        parts.append(f"expected to spend {money(spend.usd)}")
    elif spend is not None and spend.seconds is not None:
        parts.append(f"expected to take {number(spend.seconds)}s")
    return "; ".join([*parts, f"paid {money(found.row.cost)}"])


def _prefix(found: Explanation) -> Iterator[str]:
    from tuner.cli.output import money, number

    prefix = found.why.prefix
    if prefix is None:
        return
    seconds = (prefix.model_extra or {}).get("savesSeconds")
    saves = [
        *([money(prefix.saves_usd)] if prefix.saves_usd is not None else []),
        *([f"{number(seconds)}s"] if isinstance(seconds, int | float) else []),
    ]
    whose = f" of {prefix.trial}" if prefix.trial else ""
    hope = f", expected to save {', '.join(saves)}" if saves else ""
    yield f"counted on {', '.join(prefix.stages)}{whose}{hope}"


def _doubts(found: Explanation) -> Iterator[str]:
    """How likely the front and a failure seemed, and what earlier studies were believed."""
    why = found.why
    if why.prior is not None and why.prior.on_front is not None:
        yield f"likely to be on the front: {why.prior.on_front:.0%}"
    failing = (why.model_extra or {}).get("failureProbability")
    if isinstance(failing, int | float) and failing >= _WORTH_SAYING:
        yield f"expected to fail: {failing:.0%}"
    weights = None if why.prior is None else (why.prior.model_extra or {}).get("weights")
    for metric, shares in weights.items() if isinstance(weights, Mapping) else ():
        if isinstance(shares, Mapping):
            parts = [f"{name} {share:.0%}" for name, share in shares.items()]
            yield f"earlier studies on {metric}: {', '.join(parts)}"


def _stage(stage: StageLine) -> str:
    from tuner.cli.output import money, number

    words = {"Cached": "cached", "Run": "ran", "Stopped": "stopped", "Failed": "failed"}
    text = f"{stage.name}: {words.get(stage.outcome, stage.outcome)}"
    if stage.saved_usd is not None:
        return f"{text} (saved {money(stage.saved_usd)})"
    if stage.seconds is not None:
        text += f" {number(stage.seconds)}s"
    return f"{text} ({stage.message})" if stage.message else text


def _rungs(found: Explanation) -> Iterator[str]:
    if found.rungs:
        yield "; ".join(_rung(rung) for rung in found.rungs)
    elif found.rungs is None and found.row.fidelity is not None:
        yield f"reached {_fidelity(found)}; decisions at rungs are in the study's store"


def _rung(rung: RungLine) -> str:
    from tuner.schedulers.hyperband import ordinal

    verb = "continued" if rung.decision == "Continue" else "stopped"
    return f"rung {rung.fidelity:g}: {ordinal(rung.rank)} of {rung.of}, {verb}"


def _attempts(found: Explanation) -> str:
    if not found.attempts:
        return "not started yet"
    times = "1 attempt" if found.attempts == 1 else f"{found.attempts} attempts"
    return f"{times}, {found.lost} ended by the infrastructure" if found.lost else times
