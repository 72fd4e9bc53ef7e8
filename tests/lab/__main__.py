"""The lab by hand: `python -m tests.lab up|down|status|env|exec|cut|join|kill|start|power-loss|vm`."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Sequence

from tests.lab.command import CommandFailed, LabError
from tests.lab.host import Host
from tests.lab.lab import Lab
from tests.lab.vm import command_line as vm

HOST_ACTIONS = {
    "cut": Host.cut,
    "join": Host.join,
    "kill": Host.kill,
    "start": Host.start,
    "clean": Host.clean,
}


def parser() -> argparse.ArgumentParser:
    result = argparse.ArgumentParser(prog="python -m tests.lab")
    actions = result.add_subparsers(dest="action", required=True)
    for name in ("up", "down", "status", "env"):
        actions.add_parser(name)
    for name in (*HOST_ACTIONS, "power-loss", "exec"):
        actions.add_parser(name).add_argument("host")
    vm.add_to(actions.add_parser("vm", help="the virtual machines: LVM, LIO, the kernel's NFS server"))
    actions.choices["power-loss"].add_argument("dest")
    actions.choices["exec"].add_argument("argv", nargs=argparse.REMAINDER)
    return result


def find_host(lab: Lab, name: str) -> Host:
    for host in lab.hosts:
        if host.name == name:
            return host
    raise LabError(f"no such host: {name} (hosts: {' '.join(host.name for host in lab.hosts)})")


def execute(lab: Lab, name: str, argv: Sequence[str]) -> None:
    """Become the command: terminal, signals and exit status are its own."""
    if name == "client":
        command = ["nsenter", f"--net={lab.client_namespace}", *argv]
    else:
        command = find_host(lab, name).command(argv)
    os.execvp(command[0], command)


def print_status(lab: Lab) -> None:
    for host in lab.hosts:
        print(f"{host.name}\t{host.ip}\t{'running' if host.is_running() else 'off'}")
    print(f"client\t{lab.client_ip}\t{'up' if lab.client_namespace.exists() else 'off'}")


def print_environment(lab: Lab) -> None:
    for name, value in (
        ("CGCTL_LAB", lab.instance.name),
        ("CGCTL_LAB_DIR", lab.directory),
        ("CGCTL_LAB_IDENTITY_FILE", lab.identity_file),
        ("CGCTL_LAB_KNOWN_HOSTS", lab.known_hosts),
        ("CGCTL_LAB_SSH_CONFIG", lab.ssh_config),
        ("CGCTL_LAB_CLIENT", f"'nsenter --net={lab.client_namespace}'"),
    ):
        print(f"export {name}={value}")


def perform(lab: Lab, options: argparse.Namespace) -> None:
    match options.action:
        case "up":
            lab.up()
        case "down":
            lab.down()
        case "status":
            print_status(lab)
        case "env":
            print_environment(lab)
        case "exec":
            execute(lab, options.host, options.argv)
        case "power-loss":
            shutil.move(find_host(lab, options.host).power_loss_image(), options.dest)
        case action:
            HOST_ACTIONS[action](find_host(lab, options.host))


def main() -> int:
    options = parser().parse_args()
    try:
        if options.action == "vm":
            return vm.perform(options)
        perform(Lab(), options)
    except (LabError, CommandFailed) as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
