"""An initiator: libiscsi's own tools."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from drivers.contract import Access, Connection
from tests.lab.command import run


@dataclass(frozen=True)
class Initiator:
    name: str
    credentials: str = ""

    @classmethod
    def of(cls, access: Access, **other: str) -> Initiator:
        """Who has this access; `initiator`, `username` or `secret` may be given wrong."""
        secret = other.get("secret", access.secret.value if access.secret else "")
        user = other.get("username", access.username)
        return cls(other.get("initiator", access.initiator or ""), f"{user}%{secret}@" if secret else "")

    def url(self, connection: Connection) -> str:
        return f"iscsi://{self.credentials}{connection.portal}/{connection.iqn}/{connection.lun}"

    def inquire(self, connection: Connection, *options: str) -> subprocess.CompletedProcess[str]:
        return run(["iscsi-inq", "-i", self.name, *options, self.url(connection)], check=False)

    def serial(self, connection: Connection) -> str:
        answer = self.inquire(connection, "-e", "1", "-c", "128").stdout
        found = re.search(r"Unit Serial Number:\[(.*)\]", answer)
        return found[1].strip() if found else ""

    def capacity(self, connection: Connection) -> int:
        """In bytes, as it is told now."""
        answer = run(["iscsi-readcapacity16", "-i", self.name, self.url(connection)]).stdout
        [line] = [line for line in answer.splitlines() if line.startswith("Total size:")]
        return int(line.partition(":")[2])

    def wwn(self, connection: Connection, directory: Path) -> str:
        """The NAA designator of the volume, in hexadecimal digits; the program that asks is built in `directory`."""
        program = directory / "page83"
        if not program.exists():
            run(["gcc", "-Wall", "-o", str(program), str(Path(__file__).with_name("page83.c")), "-liscsi"])
        page = run([str(program), self.name, self.url(connection)]).stdout
        found = re.search("01030010([0-9a-f]{32})", page)
        return found[1] if found else ""


def is_admitted(answer: subprocess.CompletedProcess[str]) -> bool:
    return answer.returncode == 0 and "Peripheral Qualifier:CONNECTED" in answer.stdout


def is_refused(answer: subprocess.CompletedProcess[str], status: int) -> bool:
    """status: of the login, 513 authentication failed, 515 not found."""
    return f"({status})" in answer.stderr + answer.stdout
