"""Two candidates, one Lease, and clocks that the tests turn."""

from __future__ import annotations

import asyncio
import copy

import pytest

from tuner_operator.client.errors import AlreadyExists, ApiError, Conflict, NotFound
from tuner_operator.lease import Lease


class LeaseServer:
    """One Lease; `away` makes every request fail."""

    def __init__(self):
        self.lease = None
        self.away = False

    async def get(self, kind, *, name, namespace=""):
        self._check()
        if self.lease is None:
            raise NotFound(name, status=404)
        return copy.deepcopy(self.lease)

    async def create(self, manifest, *, timeout=None):
        self._check()
        if self.lease is not None:
            raise AlreadyExists("lease", status=409)
        self.lease = copy.deepcopy(manifest)
        self.lease["metadata"]["resourceVersion"] = "1"
        return self.lease

    async def replace(self, obj, *, timeout=None):
        self._check()
        version = self.lease["metadata"]["resourceVersion"]
        if obj["metadata"]["resourceVersion"] != version:
            raise Conflict("changed", status=409)
        self.lease = copy.deepcopy(obj)
        self.lease["metadata"]["resourceVersion"] = str(int(version) + 1)
        return self.lease

    def _check(self):
        if self.away:
            raise ApiError("no answer")


@pytest.fixture
def server():
    return LeaseServer()


@pytest.fixture
def time_now():
    return [1000.0]


@pytest.fixture
def candidate(server, time_now):
    def make(identity):
        return Lease(
            server,
            namespace="ns",
            name="operator",
            identity=identity,
            seconds=15.0,
            clock=lambda: time_now[0],
        )

    return make


def attempt(lease):
    return asyncio.run(lease.try_once())


def test_the_first_one_leads_and_the_second_waits(candidate):
    first, second = candidate("a"), candidate("b")
    assert attempt(first)
    assert not attempt(second)
    assert first.is_held
    assert not second.is_held


def test_a_leader_that_renews_is_never_replaced(candidate, time_now):
    first, second = candidate("a"), candidate("b")
    for _ in range(20):
        assert attempt(first)
        assert not attempt(second)
        time_now[0] += 3.0


def test_a_silent_leader_gives_up_before_another_one_leads(candidate, server, time_now):
    first, second = candidate("a"), candidate("b")
    assert attempt(first)
    assert not attempt(second)
    took_over = None
    for _ in range(40):
        time_now[0] += 0.5
        if attempt(second):
            took_over = time_now[0]
            break
        if not first.is_held:
            gave_up = time_now[0]
            break
    assert took_over is None
    assert gave_up <= 1000 + 10.5
    time_now[0] = 1000 + 15.5
    assert attempt(second)


def test_a_leader_without_an_answer_loses_its_lease(candidate, server, time_now):
    first = candidate("a")
    assert attempt(first)
    server.away = True
    time_now[0] += 11.0
    assert not attempt(first)
    assert not first.is_held


def test_a_lease_let_go_is_taken_at_once(candidate):
    first, second = candidate("a"), candidate("b")
    assert attempt(first)
    asyncio.run(first.release())
    assert attempt(second)
    assert not first.is_held


def test_a_conflict_is_no_success(candidate, server):
    first = candidate("a")
    assert attempt(first)
    replace = server.replace

    async def late(obj, *, timeout=None):
        server.lease["metadata"]["resourceVersion"] = "99"
        return await replace(obj, timeout=timeout)

    server.replace = late
    assert not attempt(first)
