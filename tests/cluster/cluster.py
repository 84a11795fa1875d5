"""A real Kubernetes cluster on this machine, for tests: see README.md in this folder."""

import argparse
import os
import sys
from collections.abc import Callable

import baseimages
import gobuild
import images
import lifecycle
import packages
from settings import BINARIES, KUBECONFIG, LOGS, PROMETHEUS, STATE
from shell import CommandFailed, inside, say


def build(_: argparse.Namespace) -> int:
    """Install packages, compile programs, make base images; nothing where all is there."""
    packages.install()
    gobuild.build()
    baseimages.build()
    return 0


def up(arguments: argparse.Namespace) -> int:
    """Build, then start the cluster."""
    build(arguments)
    lifecycle.up()
    return 0


def down(_: argparse.Namespace) -> int:
    """Stop the cluster and forget its state; what was built stays."""
    lifecycle.down()
    return 0


def bring_images(_: argparse.Namespace) -> int:
    """Build the project's images and import those that changed; the cluster must be up."""
    images.build_and_import()
    return 0


def status(_: argparse.Namespace) -> int:
    """Print a table of the components; exit code 1 unless all are healthy."""
    rows = lifecycle.statuses()
    for name, pid, health in rows:
        print(f"{name:<24} {pid:>8}  {health}")
    print(f"logs: {LOGS}")
    return 0 if all(health == "healthy" for _, _, health in rows) else 1


def env(_: argparse.Namespace) -> int:
    """Print the exports that the tests and a user's shell need."""
    print(f"export KUBECONFIG={KUBECONFIG}")
    print(f"export PATH={BINARIES}:$PATH")
    print(f"export TUNER_CLUSTER_STATE={STATE}")
    print(f"export TUNER_PROMETHEUS={PROMETHEUS}")
    return 0


def execute(arguments: argparse.Namespace) -> int:
    """Become a command in the cluster's network namespace."""
    words = inside(arguments.command)
    os.execvp(words[0], words)


def main(words: list[str]) -> int:
    """Run a subcommand; returns the exit code."""
    commands: dict[str, Callable[[argparse.Namespace], int]] = {
        "build": build,
        "up": up,
        "down": down,
        "images": bring_images,
        "status": status,
        "env": env,
        "exec": execute,
    }
    parser = argparse.ArgumentParser(prog="cluster.py", description=__doc__)
    subparsers = parser.add_subparsers(dest="name", required=True)
    for name, function in commands.items():
        subparser = subparsers.add_parser(name, help=function.__doc__)
        subparser.set_defaults(function=function)
        if name == "exec":
            subparser.add_argument("command", nargs=argparse.REMAINDER)
    arguments = parser.parse_args(words)
    if os.geteuid() != 0 and arguments.name != "env":
        parser.error("needs root: it makes network namespaces, mounts and cgroups")
    try:
        result: int = arguments.function(arguments)
    except (CommandFailed, TimeoutError) as error:
        say(str(error))
        return 1
    return result


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
