"""`python -m tuner_operator [--kubeconfig FILE]`."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import sys

from tuner.logs import set_up_logs
from tuner_operator.app import App
from tuner_operator.client import connect
from tuner_operator.client.crash import CrashAfter
from tuner_operator.handlers import login_with_kubeconfig, login_with_service_account
from tuner_operator.settings import Settings, settings_from

_logger = logging.getLogger(__name__)


def main() -> int:
    """Runs the operator; 1 if it lost what it rests on, so that it is started again."""
    parser = argparse.ArgumentParser(prog="tuner_operator", description=__doc__)
    parser.add_argument(
        "--kubeconfig",
        default=os.environ.get("KUBECONFIG"),
        help="for a run outside the cluster; the pod's service account without it",
    )
    parser.add_argument("--verbose", action="store_true", help="log debug messages")
    arguments = parser.parse_args()
    set_up_logs(verbose=arguments.verbose)
    settings = settings_from(os.environ)
    return asyncio.run(_run(settings, kubeconfig=arguments.kubeconfig))


async def _run(settings: Settings, *, kubeconfig: str | None) -> int:
    if kubeconfig:
        os.environ["KUBECONFIG"] = kubeconfig
    crash = CrashAfter(settings.crash_after) if settings.crash_after else None
    api = await connect(kubeconfig, after_change=crash)
    # In one pool with all others a renewal would wait behind what a thousand pods ask for.
    apart = await connect(kubeconfig)
    login = login_with_kubeconfig if kubeconfig else login_with_service_account
    app = App(api, lease_api=apart, settings=settings, login=login)
    running = asyncio.create_task(app.run())
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, running.cancel)
    try:
        await running
    except asyncio.CancelledError:
        return 0
    except Exception:
        _logger.exception("the operator ends, to be started again")
        return 1
    finally:
        await api.close()
        await apart.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
