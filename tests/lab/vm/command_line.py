"""The machines by hand: `python -m tests.lab vm build|up|down|status|ssh|exec|...`."""

from __future__ import annotations

import argparse
import os
import sys
import time

from tests.lab.vm import image, packages
from tests.lab.vm.machine import Machine
from tests.lab.vm.machines import Machines

MACHINE_ACTIONS = {
    "cut": Machine.cut,
    "join": Machine.join,
    "kill": Machine.kill,
    "start": Machine.start,
    "reboot": Machine.reboot,
}


def add_to(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="vm_action", required=True)
    for name in ("build", "up", "down", "status", "env"):
        actions.add_parser(name)
    actions.choices["up"].add_argument("--systemd", action="store_true", help="boot cold, with systemd and udevd")
    actions.choices["up"].add_argument("--only", choices=image.NAMES, help="switch on one of the two")
    for name in (*MACHINE_ACTIONS, "ssh", "exec", "console"):
        actions.add_parser(name).add_argument("name", choices=image.NAMES)
    for name in ("ssh", "exec"):
        actions.choices[name].add_argument("argv", nargs=argparse.REMAINDER)


def perform(options: argparse.Namespace) -> int:
    """Returns the exit status: that of the command for `exec`."""
    machines = Machines()
    match options.vm_action:
        case "build":
            packages.install_missing()
            print(image.ensure())
        case "up":
            began = time.monotonic()
            machines.up(systemd=options.systemd, only=options.only)
            print(f"up after {time.monotonic() - began:.1f} s")
        case "down":
            machines.down()
        case "status":
            _print_status(machines)
        case "env":
            _print_environment(machines)
        case "console":
            print(machines.find(options.name).hardware.console.read_text(errors="replace"))
        case "ssh":
            command = machines.find(options.name).ssh_command(*options.argv)
            os.execvp(command[0], command)
        case "exec":
            return _execute(machines.find(options.name), options.argv)
        case action:
            MACHINE_ACTIONS[action](machines.find(options.name))
    return 0


def _execute(machine: Machine, argv: list[str]) -> int:
    text = None if sys.stdin.isatty() else sys.stdin.read()
    done = machine.run(argv, input=text, check=False, timeout_seconds=3600)
    sys.stdout.write(done.stdout)
    sys.stderr.write(done.stderr)
    return done.returncode


def _print_status(machines: Machines) -> None:
    print(f"image\t{image.directory()}\t{'built' if image.is_built() else 'not built'}")
    for machine in machines.machines:
        ports = f"ssh {machine.ssh_port}, iscsi {machine.iscsi_port}, nfs {machine.nfs_port}"
        print(f"{machine.name}\t{machine.host}: {ports}\t{'running' if machine.is_running() else 'off'}")


def _print_environment(machines: Machines) -> None:
    print(f"export CGCTL_LAB_VM_IDENTITY_FILE={machines.identity_file}")
    print(f"export CGCTL_LAB_VM_KNOWN_HOSTS={machines.known_hosts}")
    for machine in machines.machines:
        for service, port in (("SSH", machine.ssh_port), ("ISCSI", machine.iscsi_port), ("NFS", machine.nfs_port)):
            print(f"export CGCTL_LAB_{machine.name.upper()}_{service}_PORT={port}")
