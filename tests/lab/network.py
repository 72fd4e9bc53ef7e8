"""One network namespace with a bridge, and one per host; nothing in the machine's own network namespace."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from tests.lab.command import run, wait_until
from tests.lab.instance import Instance

SWITCH = "sw"
CLIENT = "cl"
ADDRESSES = {"1": "10.77.0.1", "2": "10.77.0.2", CLIENT: "10.77.0.9"}


def create(instance: Instance) -> None:
    """Wire up the hosts and the client."""
    _ip_batch([], (f"netns add {instance.namespace(name)}" for name in (SWITCH, *ADDRESSES)))
    _ip_batch(["-n", instance.namespace(SWITCH)], _switch_commands(instance))
    for name, address in ADDRESSES.items():
        _ip_batch(
            ["-n", instance.namespace(name)],
            [f"addr add {address}/24 dev eth0", "link set eth0 up", "link set lo up"],
        )


def _switch_commands(instance: Instance) -> Iterable[str]:
    yield "link add br0 type bridge"
    yield "link set br0 up"
    for name in ADDRESSES:
        yield f"link add p-{name} type veth peer name eth0 netns {instance.namespace(name)}"
        yield f"link set p-{name} master br0 up"


def _ip_batch(options: list[str], commands: Iterable[str]) -> None:
    run(["ip", *options, "-batch", "-"], input="\n".join(commands) + "\n")


def set_link(instance: Instance, name: str, state: str) -> None:
    """Plug (`up`) or pull (`down`) a host's cable."""
    run(["ip", "-n", instance.namespace(SWITCH), "link", "set", f"p-{name}", state])


def forget_neighbours(instance: Instance) -> None:
    """Without this a host that is back is unreachable until the next ARP request, for up to a second."""
    for name in ADDRESSES:
        wait_until(partial(_flush_neighbours, instance.namespace(name)), "an empty neighbour table")


def _flush_neighbours(namespace: str) -> bool:
    """Fails when an entry ends by itself between its listing and its deletion."""
    flush = ["ip", "-n", namespace, "neigh", "flush", "dev", "eth0", "nud", "all"]
    return run(flush, check=False).returncode == 0


def existing_namespaces(instance: Instance) -> list[str]:
    return [name for name in (SWITCH, *ADDRESSES) if instance.namespace_file(name).exists()]


def processes(instance: Instance) -> list[int]:
    """Every process in the lab's network namespaces, whoever started it."""
    found: list[int] = []
    for name in existing_namespaces(instance):
        found += map(int, run(["ip", "netns", "pids", instance.namespace(name)]).stdout.split())
    return found


def delete(instance: Instance) -> None:
    for name in existing_namespaces(instance):
        run(["ip", "netns", "delete", instance.namespace(name)])
