"""What workers without a manager are compared with: a manager, random draws, rounds."""

from __future__ import annotations

import heapq
from bisect import bisect_right, insort
from dataclasses import replace

import numpy as np

from benchmarks.utilization.decentralized import simulate
from benchmarks.utilization.setting import Costs, Outcome, Setting


def centralized(setting: Setting) -> Outcome:
    """One manager proposes for all places in turn; everything else as without it."""
    rng = np.random.default_rng(setting.seed)
    delays, horizon = setting.delays, setting.horizon
    free = [(0.0, place) for place in range(setting.places)]
    manager, busy, finished, proposed, cpu = 0.0, 0.0, 0, 0, 0.0
    first: list[float] = []
    while free and free[0][0] < horizon:
        ready, _ = heapq.heappop(free)
        start = max(manager, ready)
        if start >= horizon:
            break
        modelled = bisect_right(first, start) >= setting.free_until
        cost = setting.costs.proposal(proposed) if modelled else 0.0
        manager = start + cost
        cpu += cost
        proposed += 1
        begin = manager + delays.put + delays.begin
        end = begin + setting.draw(rng)
        busy += max(0.0, min(end, horizon) - begin)
        finished += end < horizon
        insort(first, end)
        del first[setting.free_until :]
        heapq.heappush(free, (end + delays.put + delays.notice + delays.sync, proposed))
    return Outcome(
        utilization=busy / (setting.places * horizon),
        finished=finished,
        proposed=proposed,
        proposal_seconds=cpu / max(proposed, 1),
    )


def random(setting: Setting) -> Outcome:
    """Proposals cost nothing."""
    return simulate(replace(setting, costs=Costs(proposal=lambda count: 0.0)))


def synchronous(setting: Setting) -> Outcome:
    """Rounds: all places wait for the slowest one, then all workers propose at once."""
    rng = np.random.default_rng(setting.seed)
    now, busy, finished, proposed = 0.0, 0.0, 0, 0
    while now < setting.horizon:
        free = finished < setting.free_until
        now += 0.0 if free else setting.costs.proposal(proposed)
        now += setting.delays.sync + setting.delays.put + setting.delays.begin
        ends = now + np.array([setting.draw(rng) for _ in range(setting.places)])
        proposed += setting.places
        busy += float(np.maximum(np.minimum(ends, setting.horizon) - now, 0.0).sum())
        finished += int((ends < setting.horizon).sum())
        now = float(ends.max()) + setting.delays.put + setting.delays.notice
    return Outcome(
        utilization=busy / (setting.places * setting.horizon), finished=finished, proposed=proposed
    )
