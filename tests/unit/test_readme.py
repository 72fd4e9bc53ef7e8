"""What the README shows is run: on `file` pools of this machine, or (`sh servers`) on the lab's two servers."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cgctl.cli.table import SECTIONS
from cgctl.errors import EXIT_CODES
from tests.lab.lab import Lab

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
INSTALLED = "/opt/cgctl/bin"
LANGUAGES = {"sh", "sh servers", "yaml", "crontab", "ini"}


def blocks(language: str) -> list[str]:
    """The fenced blocks of a language, in the README's order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.M | re.S)


def section(heading: str) -> str:
    """The text below a heading of the second level."""
    return README.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def rows(text: str) -> dict[str, str]:
    """A table with two columns, without its head."""
    return dict(re.findall(r"^\| (?!-|job|code|command)(.+?) \| (.+) \|$", text, re.M))


class Terminal:
    """A shell with a home of its own, where `cgctl` is the one under test."""

    def __init__(self, home: Path) -> None:
        self.home = home
        bin_directory = home / "bin"
        bin_directory.mkdir()
        program = bin_directory / "cgctl"
        program.write_text(f'#!/bin/sh\nexec {sys.executable} -m cgctl "$@"\n')
        program.chmod(0o755)
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("CGCTL_", "XDG_"))}
        path = f"{bin_directory}:{os.environ['PATH']}"
        self.environment = kept | {"HOME": str(home), "PATH": path, "XDG_STATE_HOME": str(home / "state")}

    def run(self, script: str, *, expect: int = 0) -> str:
        """Run lines as they stand; the first that fails ends them. Returns stdout."""
        script = script.replace(INSTALLED, str(self.home / "bin"))
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=self.home,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == expect, f"{script}\nended with {done.returncode}:\n{done.stdout}{done.stderr}"
        return done.stdout


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    return Terminal(tmp_path)


# --- what it lists


def test_commands_by_job_are_those_of_the_help() -> None:
    listed = {job: re.findall(r"`(.+?)`", names) for job, names in rows(section("Commands by job")).items()}
    assert listed == {job: list(entries) for job, entries in SECTIONS.items()}


def test_exit_codes_are_those_of_the_program() -> None:
    assert rows(section("Exit codes")) == {str(code): meaning for code, meaning in EXIT_CODES.items()}


def test_every_shown_make_target_is_there() -> None:
    shown = set(re.findall(r"^(?:\| `)?(make [a-z]+)", README, re.M))
    assert {"make demo", "make test"} < shown
    for words in shown:
        subprocess.run([*words.split(), "--dry-run"], cwd=ROOT, check=True, capture_output=True)


def test_every_linked_file_is_there() -> None:
    for name in re.findall(r"\]\(([^)]+)\)", README):
        assert (ROOT / name).is_file(), name


def test_no_block_is_of_a_kind_that_nobody_runs() -> None:
    assert set(re.findall(r"^```(.+)$", README, re.M)) == LANGUAGES


def test_changes_since_the_last_version_have_a_place() -> None:
    assert "\n## Unreleased\n\n- " in (ROOT / "CHANGELOG.md").read_text()


# --- on this machine


def local_blocks() -> tuple[str, str]:
    """The group's beginning and its end; `make demo` is run by tests/cli/test_demo.py."""
    make, begin, end, _replicated, _backups = blocks("sh")
    assert make == "make demo\n"
    return begin, end


def test_the_first_group_on_this_machine_comes_and_goes(terminal: Terminal) -> None:
    begin, end = local_blocks()
    shown = terminal.run(begin)
    assert shown.count("| available | data |") == 2
    terminal.environment["CGCTL_CONFIG"] = str(terminal.home / "cgctl-try/config.yaml")
    terminal.run(end)
    assert not (terminal.home / "cgctl-try").exists()


def test_a_group_on_two_backends_goes_there_and_back(terminal: Terminal) -> None:
    terminal.run(blocks("sh")[3])
    terminal.environment["CGCTL_CONFIG"] = str(terminal.home / "cgctl-dr/config.yaml")
    columns = "-c replication_status -c host"
    assert terminal.run(f"cgctl group-show ledger -f value {columns}").split() == ["disabled", "near"]


def test_a_group_comes_back_from_its_backup_also_where_nothing_is_known_of_it(terminal: Terminal) -> None:
    terminal.run(blocks("sh")[4])
    terminal.environment["CGCTL_CONFIG"] = str(terminal.home / "cgctl-backup/config.yaml")
    assert terminal.run("cgctl list -f value -c status -c name") == "available orders\navailable orders\n"
    another = f"cgctl --state sqlite:///{terminal.home}/cgctl-backup/another.db"
    assert terminal.run(f"{another} group-backup-list -f value -c status -c name") == (
        "available monday\navailable tuesday\n"
    )


def cron_commands() -> list[str]:
    """As cron hands them to the shell: without schedule and user, `\\%` as `%`."""
    lines = [line for line in blocks("crontab")[0].splitlines() if not line.startswith("PATH=")]
    return [line.split(maxsplit=6)[6].replace("\\%", "%") for line in lines]


def test_the_cron_lines_snapshot_and_keep_the_newest(terminal: Terminal) -> None:
    terminal.run(local_blocks()[0])
    terminal.environment["CGCTL_CONFIG"] = str(terminal.home / "cgctl-try/config.yaml")
    create, prune = cron_commands()
    listing = "cgctl group-snapshot-list --sort created_at -f value -c name"
    terminal.run(f"{create}; sleep 1; {create}")
    names = terminal.run(listing).split()
    assert len(names) == 4
    terminal.run(prune)
    assert terminal.run(listing).split() == names
    assert "tail -n +9 " in prune
    terminal.run(prune.replace("tail -n +9 ", "tail -n +3 "))
    assert terminal.run(listing).split() == names[-2:]


# --- on servers


@pytest.fixture
def servers(lab: Lab, clean_pools: None, terminal: Terminal) -> Terminal:
    """The README's configuration, with the lab's addresses, pool and keys."""
    ssh = terminal.home / ".ssh"
    ssh.mkdir(mode=0o700)
    shutil.copy(lab.identity_file, ssh / "id_ed25519")
    shutil.copy(lab.known_hosts, ssh / "known_hosts")
    (configuration,) = blocks("yaml")
    for shown, real in (
        ("192.0.2.10", lab.stor1.ip),
        ("192.0.2.20", lab.stor2.ip),
        ("pool: /srv/cgctl", "pool: /srv/pool"),
    ):
        assert shown in configuration
        configuration = configuration.replace(shown, real)
    file = terminal.home / ".config/cgctl/config.yaml"
    file.parent.mkdir(parents=True)
    file.write_text(configuration)
    return terminal


def service_command() -> str:
    (command,) = re.findall(r"^ExecStart=(.+)$", blocks("ini")[0], re.M)
    return str(command)


@pytest.mark.lab
def test_what_is_shown_for_servers_works_and_survives_restarts_of_daemons_and_servers(
    servers: Terminal, lab: Lab
) -> None:
    servers.run("\n".join(blocks("sh servers")).replace("192.0.2.50", lab.client_ip))
    assert servers.run("cgctl list -f value -c status").split() == [
        "available",
        "available",
        "in-use",
        "available",
        "in-use",
    ]

    servers.run("cgctl backend-check")
    for restart in (lab.stor1.restart_tgtd, lambda: restart_all(lab)):
        restart()
        servers.run("cgctl backend-check", expect=6)
        servers.run(service_command())
        servers.run("cgctl backend-check")


def restart_all(lab: Lab) -> None:
    for host in (lab.stor1, lab.stor2):
        host.kill()
        host.start()
