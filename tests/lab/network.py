"""One network namespace with a bridge, and one per host; nothing in the machine's own network namespace."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tests.lab.command import run
from tests.lab.instance import Instance

SWITCH = "sw"


def create(instance: Instance, addresses: Mapping[str, str]) -> None:
    """Wire up the hosts, given as short name → IP address."""
    _ip_batch([], (f"netns add {instance.namespace(name)}" for name in (SWITCH, *addresses)))
    _ip_batch(["-n", instance.namespace(SWITCH)], _switch_commands(instance, addresses))
    for name, address in addresses.items():
        _ip_batch(
            ["-n", instance.namespace(name)],
            [f"addr add {address}/24 dev eth0", "link set eth0 up", "link set lo up"],
        )


def _switch_commands(instance: Instance, addresses: Mapping[str, str]) -> Iterable[str]:
    yield "link add br0 type bridge"
    yield "link set br0 up"
    for name in addresses:
        yield f"link add p-{name} type veth peer name eth0 netns {instance.namespace(name)}"
        yield f"link set p-{name} master br0 up"


def _ip_batch(options: list[str], commands: Iterable[str]) -> None:
    run(["ip", *options, "-batch", "-"], input="\n".join(commands) + "\n")


def set_link(instance: Instance, name: str, state: str) -> None:
    """Plug (`up`) or pull (`down`) a host's cable."""
    run(["ip", "-n", instance.namespace(SWITCH), "link", "set", f"p-{name}", state])


def existing_namespaces(instance: Instance, names: Iterable[str]) -> list[str]:
    return [name for name in (SWITCH, *names) if instance.namespace_file(name).exists()]


def processes(instance: Instance, names: Iterable[str]) -> list[int]:
    """Every process in the lab's network namespaces, whoever started it."""
    found: list[int] = []
    for name in existing_namespaces(instance, names):
        found += map(int, run(["ip", "netns", "pids", instance.namespace(name)]).stdout.split())
    return found


def delete(instance: Instance, names: Iterable[str]) -> None:
    for name in existing_namespaces(instance, names):
        run(["ip", "netns", "delete", instance.namespace(name)])
