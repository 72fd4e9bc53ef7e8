"""The command line of one machine. The saved state fits only the same devices in the same order."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.lab.command import run
from tests.lab.vm.agent import Agent

GUEST_PORTS = (22, 3260, 2049)
"""ssh, iSCSI, NFS."""


@dataclass(frozen=True)
class Hardware:
    """What makes one qemu process: its directory, its image and how it meets the world.

    agent_port and ports (one per GUEST_PORTS; empty: none is forwarded) are on 127.0.0.1 of the machine we are on.
    identity is `NAME,ADDRESS,MAC`, empty for the template; init is the first process of the guest.
    """

    directory: Path
    image: Path
    init: str
    agent_port: int
    identity: str = ""
    ports: tuple[int, ...] = ()
    peer: Path | None = None

    @property
    def monitor(self) -> Path:
        return self.directory / "qmp"

    @property
    def agent(self) -> Agent:
        return Agent(self.agent_port, self.image / "token")

    @property
    def console(self) -> Path:
        return self.directory / "console.log"

    def create_root_disk(self, base: Path) -> None:
        """An overlay: `base` is never written to."""
        suffix = base.suffix.lstrip(".").replace("img", "raw")
        create = ["qemu-img", "create", "-q", "-f", "qcow2", "-b", str(base), "-F", suffix]
        run([*create, str(self.directory / "root.qcow2")])

    def create_data_disk(self, template: Path | None) -> None:
        """Raw: with qcow2, SIGKILL would lose what qemu holds in memory, acknowledged writes among it."""
        disk = self.directory / "data.img"
        if template is None:
            run(["truncate", "-s", "4G", str(disk)])
        else:
            run(["cp", "--sparse=always", str(template), str(disk)])

    def start(self, state: Path | None = None) -> subprocess.Popen[bytes]:
        """Boot, or with a saved state: stand ready to be resumed (qmp.resume_saved_state)."""
        self.monitor.unlink(missing_ok=True)
        incoming = [] if state is None else ["-incoming", f"exec:cat '{state}'"]
        with (self.directory / "qemu.log").open("ab") as log:
            process = subprocess.Popen(
                [*self.command(), *incoming], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        (self.directory / "pid").write_text(str(process.pid))
        return process

    def command(self) -> list[str]:
        return [
            *("qemu-system-x86_64", "-machine", "q35", "-accel", "tcg,thread=multi,tb-size=256", "-cpu", "max"),
            *("-smp", "2", "-m", "1024", "-nodefaults", "-no-user-config", "-display", "none"),
            *("-chardev", f"file,id=console,path={self.console},append=on", "-serial", "chardev:console"),
            *("-qmp", f"unix:{self.monitor},server=on,wait=off"),
            *("-kernel", str(self.image / "kernel"), "-initrd", str(self.image / "initrd"), "-append", self._append()),
            *self._disk(0, "root.qcow2", "qcow2", "writeback"),
            *self._disk(1, "data.img", "raw", "unsafe"),
            *self._networks(),
            *("-device", "virtio-rng-pci"),
        ]

    def _append(self) -> str:
        kernel = "console=ttyS0 net.ifnames=0 quiet mitigations=off random.trust_cpu=on panic=5"
        return f"{kernel} lab.init={self.init} " + (f"lab.identity={self.identity}" if self.identity else "")

    def _disk(self, number: int, name: str, form: str, cache: str) -> list[str]:
        drive = f"file={self.directory / name},format={form},if=none,id=disk{number},cache={cache},discard=unmap"
        return ["-drive", drive, "-device", f"virtio-blk-pci,drive=disk{number}"]

    def _networks(self) -> list[str]:
        """eth0 leads to us, eth1 to the other machine, whether that runs or not, eth2 to the agent alone."""
        forwards = "".join(
            f",hostfwd=tcp:127.0.0.1:{port}-:{inside}" for port, inside in zip(self.ports, GUEST_PORTS, strict=False)
        )
        own, peer = self.directory / "link", (self.peer or self.directory) / "link"
        link = f"local.type=unix,local.path={own},remote.type=unix,remote.path={peer}"
        return [
            *("-netdev", f"user,id=net0,ipv6=off{forwards}", "-device", "virtio-net-pci,id=eth0,netdev=net0,romfile="),
            *("-netdev", f"dgram,id=net1,{link}"),
            *("-device", "virtio-net-pci,id=eth1,netdev=net1,mac=52:54:00:78:00:00,romfile="),
            *(
                "-netdev",
                f"user,id=net2,ipv6=off,net=10.0.3.0/24,restrict=on,hostfwd=tcp:127.0.0.1:{self.agent_port}-10.0.3.15:7000",
            ),
            *("-device", "virtio-net-pci,id=eth2,netdev=net2,romfile="),
        ]
