import asyncio
import threading

import pytest

from tuner.errors import LogError, StoreUnreachable
from tuner.log import Entry, Kind
from tuner_operator import gathering
from tuner_operator.gathering import Gatherer


def entry(number: int) -> Entry:
    return Entry(kind=Kind.VERDICT, trial=f"s-0-{number}", attempt=1, body={})


def test_what_comes_at_once_is_written_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "MOST_ENTRIES", 20)
    batches: list[list[str]] = []

    async def run() -> None:
        gatherer = Gatherer(lambda entries: batches.append([one.trial for one in entries]))
        await asyncio.gather(*(gatherer.put(entry(number)) for number in range(30)))
        await gatherer.put(entry(30))

    asyncio.run(run())
    assert [len(batch) for batch in batches] == [20, 10, 1]
    assert [name for batch in batches for name in batch] == [
        f"s-0-{number}" for number in range(31)
    ]


def test_what_comes_while_one_is_written_comes_next() -> None:
    begun, go = threading.Event(), threading.Event()
    batches: list[int] = []

    def write(entries) -> None:
        batches.append(len(entries))
        begun.set()
        assert go.wait(10.0)

    async def run() -> None:
        gatherer = Gatherer(write)
        first = asyncio.create_task(gatherer.put(entry(0)))
        await asyncio.to_thread(begun.wait, 10.0)
        others = [asyncio.create_task(gatherer.put(entry(number))) for number in range(1, 4)]
        await asyncio.sleep(0)
        assert not first.done()
        go.set()
        await asyncio.gather(first, *others)

    asyncio.run(run())
    assert batches == [1, 3]


def test_a_failure_is_told_to_all_and_forgotten() -> None:
    calls = []

    def write(entries) -> None:
        calls.append(len(entries))
        if len(calls) == 1:
            raise StoreUnreachable("away")

    async def run() -> None:
        gatherer = Gatherer(write)
        results = await asyncio.gather(
            *(gatherer.put(entry(number)) for number in range(2)), return_exceptions=True
        )
        assert [type(one) for one in results] == [StoreUnreachable] * 2
        cancelled = asyncio.create_task(gatherer.put(entry(2)))
        await asyncio.sleep(0)
        cancelled.cancel()
        await gatherer.put(entry(3))

    asyncio.run(run())
    assert calls == [2, 2]


def test_a_record_that_cannot_be_written_fails_alone() -> None:
    written: list[str] = []

    def write(entries) -> None:
        if any(one.trial == "s-0-1" for one in entries):
            raise LogError("too large")
        written.extend(one.trial for one in entries)

    async def run() -> list[object]:
        gatherer = Gatherer(write)
        puts = (gatherer.put(entry(number)) for number in range(3))
        return await asyncio.gather(*puts, return_exceptions=True)

    assert [type(one) for one in asyncio.run(run())] == [type(None), LogError, type(None)]
    assert written == ["s-0-0", "s-0-2"]
