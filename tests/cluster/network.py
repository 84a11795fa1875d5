"""The cluster's network namespace, reachable from the machine's own through a veth pair."""

from settings import (
    HOST_ADDRESS,
    HOST_INTERFACE,
    NAMESPACE_FILE,
    NETWORK_NAMESPACE,
    NODE_ADDRESS,
    POD_RANGE,
    PREFIX_LENGTH,
    SERVICE_RANGE,
)
from shell import inside, run, succeeds


def create() -> None:
    """Make the namespace, its link to the machine, and the machine's routes into it.

    The namespace has no default route: pods reach nothing outside, and a pull from a registry
    fails at once instead of after a time limit.
    """
    run(["ip", "netns", "add", NETWORK_NAMESPACE])
    run(["ip", "link", "add", HOST_INTERFACE, "type", "veth", "peer", "name", "eth0",
         "netns", NETWORK_NAMESPACE])  # fmt: skip
    run(["ip", "address", "add", f"{HOST_ADDRESS}/{PREFIX_LENGTH}", "dev", HOST_INTERFACE])
    run(["ip", "link", "set", HOST_INTERFACE, "up"])
    for command in (
        ["ip", "link", "set", "lo", "up"],
        ["ip", "address", "add", f"{NODE_ADDRESS}/{PREFIX_LENGTH}", "dev", "eth0"],
        ["ip", "link", "set", "eth0", "up"],
        ["sysctl", "-q", "-w", "net.ipv4.ip_forward=1"],
    ):
        run(inside(command))
    for addresses in (POD_RANGE, SERVICE_RANGE):
        run(["ip", "route", "replace", addresses, "via", NODE_ADDRESS, "dev", HOST_INTERFACE])


def remove() -> None:
    """Remove the namespace; the veth pair and the routes through it go with it."""
    if succeeds(["ip", "link", "show", HOST_INTERFACE]):
        run(["ip", "link", "delete", HOST_INTERFACE])
    if NAMESPACE_FILE.exists():
        run(["ip", "netns", "delete", NETWORK_NAMESPACE])
