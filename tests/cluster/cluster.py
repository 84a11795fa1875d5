"""A real Kubernetes cluster on this machine, for tests: see README.md in this folder."""

import argparse
import fcntl
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext

import baseimages
import containers
import fakenodes
import gobuild
import images
import lifecycle
import packages
from containers import NotRunning
from settings import BINARIES, CACHE, KUBECONFIG, LOGS, PROMETHEUS, STATE
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


def bring_images(arguments: argparse.Namespace) -> int:
    """Build the project's images and import those that changed; the cluster must be up."""
    images.build_and_import(arguments.names)
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


def pids(arguments: argparse.Namespace) -> int:
    """Print the host pids of a container, its first process first."""
    for pid in containers.pids(arguments.pod, container=arguments.container):
        print(pid)
    return 0


def fake_nodes(arguments: argparse.Namespace) -> int:
    """Create fake nodes of an instance type; with --count 0 remove all fake nodes."""
    if arguments.count == 0:
        fakenodes.remove()
    else:
        fakenodes.add(
            arguments.instance_type,
            count=arguments.count,
            cpu=arguments.cpu,
            memory=arguments.memory,
            gpus=arguments.gpus,
        )
    return 0


def execute(arguments: argparse.Namespace) -> int:
    """Become a command in the cluster's network namespace."""
    words = inside(arguments.command)
    os.execvp(words[0], words)


_CHANGING = ("build", "up", "down", "images")


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Wait for another process that builds, starts or stops the cluster."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _add_arguments(name: str, parser: argparse.ArgumentParser) -> None:
    if name == "exec":
        parser.add_argument("command", nargs=argparse.REMAINDER)
    if name == "images":
        parser.add_argument("names", nargs="*", metavar="NAME")
    if name == "pids":
        parser.add_argument("pod", metavar="NAMESPACE/POD")
        parser.add_argument("container", nargs="?")
    if name == "fake-nodes":
        parser.add_argument("instance_type")
        parser.add_argument("--count", type=int, default=1)
        parser.add_argument("--cpu", type=int, default=32)
        parser.add_argument("--memory", default="256Gi")
        parser.add_argument("--gpus", type=int, default=0)


def main(words: list[str]) -> int:
    """Run a subcommand; returns the exit code."""
    commands: dict[str, Callable[[argparse.Namespace], int]] = {
        "build": build,
        "up": up,
        "down": down,
        "images": bring_images,
        "status": status,
        "env": env,
        "pids": pids,
        "fake-nodes": fake_nodes,
        "exec": execute,
    }
    parser = argparse.ArgumentParser(prog="cluster.py", description=__doc__)
    subparsers = parser.add_subparsers(dest="name", required=True)
    for name, function in commands.items():
        subparser = subparsers.add_parser(name, help=function.__doc__)
        subparser.set_defaults(function=function)
        _add_arguments(name, subparser)
    arguments = parser.parse_args(words)
    if os.geteuid() != 0 and arguments.name != "env":
        parser.error("needs root: it makes network namespaces, mounts and cgroups")
    try:
        with one_at_a_time() if arguments.name in _CHANGING else nullcontext():
            result: int = arguments.function(arguments)
    except (CommandFailed, NotRunning, TimeoutError) as error:
        say(str(error))
        return 1
    return result


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
