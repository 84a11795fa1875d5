"""One study's log as the operator keeps it: read incrementally, folded, written through."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Mapping

from tuner.artifacts import ArtifactStore, Patience
from tuner.errors import ObjectCorrupt
from tuner.log import Entry, Kind, Record, StudyLog
from tuner.pipeline import AgentResult
from tuner.spec.study import TuningStudySpec
from tuner.study.chronicle import Chronicle
from tuner.study.markers import Done, done_workers
from tuner.study.story import Story
from tuner.study.summary import Summary, summarize
from tuner.study.terms import terms_of
from tuner.study.verdict import Verdict
from tuner.study.wear import Wear, wear_of
from tuner.transfer.record import TransferRecord, get_record
from tuner_operator.actions import ArtifactsOf, LastSign, WriteVerdict
from tuner_operator.gathering import Gatherer
from tuner_operator.memory import StudyKey
from tuner_operator.names import cache_prefix, study_prefix
from tuner_operator.observed import LogView, Sign

END_PART = "end"
"""Part of the verdict on a trial that ended without an attempt in flight."""
PATIENCE_SECONDS = 5.0


class StudyBook:
    """The log of one study.

    Args:
        store: Where it is.
        key: Namespace and name of the study.
        uid: Of the study.
    """

    def __init__(self, store: ArtifactStore, *, key: StudyKey, uid: str) -> None:
        self.key = key
        self.uid = uid
        self.prefix = study_prefix(*key, uid=uid)
        self._chronicle = Chronicle()
        self._ended: dict[str, tuple[Verdict, ...]] = {}
        self._written: list[Record] = []
        self._leaving: frozenset[tuple[str, int]] = frozenset()
        self._done = Done()
        self._summary: Summary | None = None
        self._wear: Mapping[str, Wear] = {}
        self._marker = ""
        self._reading = asyncio.Lock()
        self._folded = 0
        self._summed = -1
        self._store = store
        self._log = self._open(store)
        self._reader = self._log.reader()
        self._verdicts = Gatherer(lambda entries: self._log.append_all(entries))

    def use(self, store: ArtifactStore) -> None:
        """Goes on with another store: the credentials were changed."""
        if store is not self._store:
            self._store, self._log = store, self._open(store)
            self._reader.use(store)

    async def write_verdict(self, action: WriteVerdict) -> None:
        """Writes a verdict; known here at once, as if it had been read."""
        verdict = action.verdict
        alone = verdict.start == 0.0 and verdict.cost_usd == 0.0 and verdict.seconds == 0.0
        part = END_PART if alone and verdict.state.is_final else str(verdict.segment)
        body = verdict.to_body()
        await self._verdicts.put(
            Entry(
                kind=Kind.VERDICT,
                trial=action.trial,
                attempt=action.attempt,
                part=part,
                body=body,
            )
        )
        record = Record(
            kind=Kind.VERDICT,
            trial=action.trial,
            attempt=action.attempt,
            part=part,
            milliseconds=0,
            body=body,
        )
        self._written.append(record)
        if verdict.state.is_final:
            earlier = self._ended.get(action.trial) or self._verdicts_of(action.trial)
            if verdict not in earlier:
                self._ended[action.trial] = (*earlier, verdict)

    async def last_sign(self, question: LastSign) -> Sign:
        """What an attempt that vanished left; it lived until it last wrote anything."""
        await self.read()
        beat = await asyncio.to_thread(self._log.get_heartbeat, question.trial)
        story = self._chronicle.story(question.trial)
        times = () if story is None else story.spans.get(question.attempt, ())
        if beat is not None and beat.attempt == question.attempt:
            times = (*times, beat.time)
        seen = max(times, default=None)
        charged = None if story is None else _charged_until(story, question.attempt)
        if charged is not None:
            # An operator that died before the status told of it: what it has charged stands,
            # though the attempt may have written on meanwhile.
            seen = charged
        result = None if story is None else story.said(question.attempt)
        if result is None:
            return Sign(seen=seen)
        said = AgentResult(
            outcome=result.outcome,
            reason=result.reason,
            message=result.message,
            fidelity=result.fidelity,
            metrics=result.metrics,
            stages=result.stages,
            rung=result.rung,
        )
        return Sign(seen=seen, result=said)

    async def artifacts(self, question: ArtifactsOf) -> frozenset[str]:
        """Which of these stages have an artifact."""
        root = f"{cache_prefix(self.key[0])}/stages"

        def there() -> frozenset[str]:
            return frozenset(
                one
                for one in question.keys
                if next(iter(self._store.list(f"{root}/{one}/")), None) is not None
            )

        return await asyncio.to_thread(there)

    async def read(self) -> None:
        """Takes in what is new."""
        async with self._reading:
            await self._take_in()
            self._done = await asyncio.to_thread(done_workers, self._store, self.prefix)

    async def leaving(self) -> frozenset[tuple[str, int]]:
        """Trials and attempts whose result ends them, while no verdict says so; read anew."""
        async with self._reading:
            await self._take_in()
        return self._leaving

    async def view(self, spec: TuningStudySpec, *, prices: Mapping[str, float]) -> LogView:
        """What the log says now; the summary is made anew if records came."""
        async with self._reading:
            if self._summed != self._folded:
                folded = self._folded
                self._summary = await asyncio.to_thread(
                    summarize,
                    self._chronicle,
                    study=self.key[1],
                    terms=terms_of(spec),
                    lookup_stages=spec.pipeline.cached_stages,
                    prices=prices,
                )
                self._wear = wear_of(self._chronicle.stories)
                self._summed = folded
        transfer = None if spec.transfer is None else await asyncio.to_thread(self._learned_from)
        return LogView(
            ended=self._ended,
            exhausted=self._done.exhausted,
            idle=self._done.idle_with(len(self._chronicle.stories)),
            summary=self._summary,
            transfer=transfer,
            wear=self._wear,
            leaving=self._leaving,
        )

    async def mark(self, body: Mapping[str, object]) -> None:
        """Writes the study's marker where it changed."""
        text = json.dumps(body, sort_keys=True, default=str)
        mark = hashlib.sha256(text.encode()).hexdigest()
        if mark != self._marker:
            await asyncio.to_thread(self._log.put_marker, json.loads(text))
            self._marker = mark

    def _open(self, store: ArtifactStore) -> StudyLog:
        return StudyLog(store, self.prefix, patience=Patience(seconds=PATIENCE_SECONDS))

    async def _take_in(self) -> None:
        pieces = self._reader.batches()
        while (records := await asyncio.to_thread(next, pieces, None)) is not None:
            self._fold(records)
        self._fold([])

    def _fold(self, records: list[Record]) -> None:
        fresh = [*records, *self._written]
        self._written = []
        if not fresh:
            return
        self._chronicle.add(fresh)
        self._folded += 1
        self._leaving = self._still_leaving(fresh)
        for name in {one.trial for one in fresh if one.kind is Kind.VERDICT}:
            verdicts = self._verdicts_of(name)
            if any(one.state.is_final for one in verdicts):
                self._ended[name] = verdicts

    def _still_leaving(self, fresh: list[Record]) -> frozenset[tuple[str, int]]:
        said = {(one.trial, one.attempt) for one in fresh if one.kind is Kind.RESULT}
        candidates = self._leaving | said
        return frozenset(one for one in candidates if self._has_ended(*one))

    def _has_ended(self, trial: str, attempt: int) -> bool:
        """Whether its result ends the trial, or lets it rest at a rung, and no verdict says so."""
        story = self._chronicle.story(trial)
        if story is None or story.said(attempt) is None:
            return False
        return all(number != attempt for number, _ in story.verdicts)

    def _learned_from(self) -> TransferRecord | None:
        try:
            return get_record(self._store, self.prefix)
        except ObjectCorrupt:
            # The workers write it anew.
            return None

    def _verdicts_of(self, trial: str) -> tuple[Verdict, ...]:
        story = self._chronicle.story(trial)
        return () if story is None else tuple(story.verdicts.values())


def _charged_until(story: Story, attempt: int) -> float | None:
    """Until when the verdict on an attempt counts it, seconds since the epoch."""
    ends = (
        verdict.start + verdict.seconds
        for (judged, _), verdict in story.verdicts.items()
        if judged == attempt and verdict.start > 0.0
    )
    return max(ends, default=None)
