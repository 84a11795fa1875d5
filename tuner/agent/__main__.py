"""`python -m tuner.agent`: the sidecar of a trial pod; with --start-runner a local trial."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
from pathlib import Path

from tuner.agent.commands import CommandFile, HoldFile
from tuner.agent.loop import Agent, AgentOptions
from tuner.artifacts import ArtifactStore, FileCredentials, decode_settings, open_store
from tuner.pipeline.plan import TrialPlan
from tuner.pipeline.plan_json import plan_from_json
from tuner.pipeline.result import AgentResult

NO_VERDICT = 1


def main(arguments: list[str] | None = None) -> int:
    """Carries out the plan; exit code 1 where there is no verdict."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    plan = plan_from_json(options.plan.read_text(encoding="utf-8"))
    agent = _agent(plan, _store(options.credentials), options=options)
    signal.signal(signal.SIGTERM, lambda *_: agent.interrupt())
    result = agent.run()
    _write(options.result, result)
    return NO_VERDICT if result is None else 0


def _agent(plan: TrialPlan, store: ArtifactStore, *, options: argparse.Namespace) -> Agent:
    return Agent(
        plan,
        store,
        options=AgentOptions(
            start_runner=options.start_runner, store_away_seconds=options.store_away_seconds
        ),
        command=CommandFile(options.command),
        hold=HoldFile(options.hold),
    )


def _store(credentials: Path) -> ArtifactStore:
    provider = FileCredentials(credentials) if credentials.is_dir() else None
    return open_store(decode_settings(os.environ["TUNER_STORE"]), credentials=provider)


def _write(path: Path, result: AgentResult | None) -> None:
    """In place: Kubernetes mounts the file itself, so it cannot be replaced."""
    if result is not None:
        path.write_text(result.to_json(), encoding="utf-8")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tuner.agent", description=__doc__)
    pod = Path("/etc/tuner/pod")
    parser.add_argument("--plan", type=Path, default=pod / "plan", help="the plan, JSON")
    parser.add_argument("--command", type=Path, default=pod / "command", help="a file to watch")
    parser.add_argument("--hold", type=Path, default=pod / "hold", help="seconds, while held")
    parser.add_argument("--credentials", type=Path, default=Path("/etc/tuner/store"))
    parser.add_argument("--result", type=Path, default=Path("/dev/termination-log"))
    parser.add_argument("--start-runner", action="store_true", help="run the stages here")
    parser.add_argument("--store-away-seconds", type=float, default=600.0)
    return parser


if __name__ == "__main__":
    sys.exit(main())
