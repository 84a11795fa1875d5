"""The connection pool under the S3 client: short time-outs, bounded retries, the store's clock."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import urllib3

from tuner.artifacts.clock import StoreClock

CONNECT_SECONDS = 3.0
READ_SECONDS = 10.0
"""Between two chunks of an answer. With RETRIES, a small put ends within the 30 s after which the
study log gives a record a new time."""

RETRIES = 1
BACKOFF_SECONDS = 0.2
CONNECTIONS = 16


class ObservingPool(urllib3.PoolManager):
    """A pool that shows every answer's `Date` to a StoreClock."""

    def __init__(
        self, store_clock: StoreClock, *, clock: Callable[[], float] = time.time, **options: Any
    ) -> None:
        super().__init__(**options)
        self._store_clock = store_clock
        self._wall_clock = clock

    def urlopen(self, *args: Any, **options: Any) -> Any:
        """Sends a request; see urllib3."""
        sent = self._wall_clock()
        response = super().urlopen(*args, **options)
        date = response.headers.get("Date")
        self._store_clock.observe(date, sent=sent, received=self._wall_clock())
        return response


def make_pool(
    store_clock: StoreClock, *, clock: Callable[[], float], ca_file: str | None
) -> ObservingPool:
    """A pool for one store."""
    return ObservingPool(
        store_clock,
        clock=clock,
        maxsize=CONNECTIONS,
        timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS),
        retries=urllib3.Retry(
            total=RETRIES,
            backoff_factor=BACKOFF_SECONDS,
            status_forcelist=(429, 500, 502, 503, 504),
            # S3's POSTs (multi-object delete, multipart) bear repetition as well as its PUTs.
            allowed_methods=None,
            raise_on_status=False,
            respect_retry_after_header=False,
            # A redirect names a wrong region or endpoint: an error to show, not to follow.
            redirect=False,
        ),
        cert_reqs="CERT_REQUIRED",
        ca_certs=ca_file,
    )
