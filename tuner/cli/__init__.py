"""The command line: `tuner VERB`.

Importing it imports no more than the standard library; each verb loads what it needs.
"""

from __future__ import annotations


def main() -> None:
    """Runs the command line and exits with one of `tuner.cli.exits.ExitCode`."""
    from tuner.cli.app import run_app  # the verbs and their parser

    run_app()
