"""Both machines of one lab instance: where their disks, ports and keys are, and how they come and go."""

from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.lab import keys
from tests.lab.command import LabError
from tests.lab.instance import Instance
from tests.lab.vm import image, packages, template
from tests.lab.vm.machine import Machine
from tests.lab.vm.ports import free as free_ports
from tests.lab.vm.qemu import GUEST_PORTS, Hardware

SYSTEMD = "/sbin/init"


class Machines:
    """vm1 and vm2, joined by a link of their own. `CGCTL_LAB` names the instance, as for the lab of namespaces."""

    def __init__(self, instance: Instance | None = None) -> None:
        instance = instance or Instance.from_environment()
        self.directory = instance.directory.with_name(instance.directory.name + "-vm")
        self.known_hosts = self.directory / "known_hosts"

    @property
    def identity_file(self) -> Path:
        """The key that root and cgctl of both machines accept."""
        return self.directory / "client"

    @property
    def machines(self) -> tuple[Machine, ...]:
        """Raises LabError unless up() has set them up."""
        try:
            plan = json.loads((self.directory / "plan.json").read_text())
        except FileNotFoundError as error:
            raise LabError("the virtual machines are not up: python -m tests.lab vm up") from error
        return tuple(
            self._machine(name, number, plan["init"], Path(plan["image"]), tuple(plan["ports"][name]))
            for number, name in enumerate(image.NAMES, 1)
        )

    def _machine(self, name: str, number: int, init: str, source: Path, ports: tuple[int, ...]) -> Machine:
        link_ip = f"10.78.0.{number}"
        identity = f"{name},{link_ip},52:54:00:78:00:{number:02d}"
        peer = self.directory / image.NAMES[2 - number]
        hardware = Hardware(self.directory / name, source, init, ports[0], identity, ports[1:], peer)
        return Machine(name, link_ip, hardware, self.identity_file, self.known_hosts)

    def find(self, name: str) -> Machine:
        for machine in self.machines:
            if machine.name == name:
                return machine
        raise LabError(f"no such machine: {name} (machines: {' '.join(image.NAMES)})")

    def up(self, *, systemd: bool = False, only: str | None = None) -> None:
        """Fresh machines, ready: clones of the saved state, or with systemd booted cold as on users' servers."""
        packages.install_missing()
        source = image.ensure()
        self.down()
        self._create(source, SYSTEMD if systemd else template.QUICK_INIT)
        wanted = [machine for machine in self.machines if only in (None, machine.name)]
        state = None if systemd else source / template.STATE
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda machine: machine.launch(state), wanted))
            list(pool.map(Machine.wait_until_ready, wanted))

    def switch_on(self, machine: Machine) -> None:
        """One that `up(only=...)` has left off, beside the other."""
        plan = json.loads((self.directory / "plan.json").read_text())
        machine.launch(None if plan["init"] == SYSTEMD else Path(plan["image"]) / template.STATE)
        machine.wait_until_ready()

    def _create(self, source: Path, init: str) -> None:
        self.directory.mkdir(parents=True, mode=0o700)
        ports = free_ports(len(image.NAMES) * (1 + len(GUEST_PORTS)))
        plan = {
            "init": init,
            "image": str(source),
            "ports": {name: [ports.pop() for _ in ("agent", *GUEST_PORTS)] for name in image.NAMES},
        }
        (self.directory / "plan.json").write_text(json.dumps(plan))
        for name in ("client", "client.pub"):
            shutil.copy(source / name, self.directory / name)
        lines = [
            keys.known_hosts_line(
                machine.name, machine.link_ip, source / "hostkeys" / machine.name / "ssh_host_ed25519_key"
            )
            + _port_line(machine, source)
            for machine in self.machines
        ]
        self.known_hosts.write_text("".join(lines))
        base = source / ("base.img" if init == SYSTEMD else "root.qcow2")
        for machine in self.machines:
            machine.hardware.directory.mkdir()
            machine.hardware.create_root_disk(base)
            machine.hardware.create_data_disk(source / "data.img")

    def down(self) -> None:
        """Off, and nothing of them left but the image in the cache. Harmless when they are down."""
        if (self.directory / "plan.json").exists():
            for machine in self.machines:
                if machine.is_running():
                    machine.kill()
        shutil.rmtree(self.directory, ignore_errors=True)


def _port_line(machine: Machine, source: Path) -> str:
    key_type, key = keys.public(source / "hostkeys" / machine.name / "ssh_host_ed25519_key").split()[:2]
    return f"[{machine.host}]:{machine.ssh_port} {key_type} {key}\n"
