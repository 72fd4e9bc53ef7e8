"""Pinned host keys: files as ssh-keygen makes them, and every form that sshd(8) describes."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from cgctl.remote import host_keys, known_hosts
from cgctl.remote.known_hosts import HostKey, Trusted
from cgctl.remote.settings import SshSettings
from drivers.errors import HostKeyChanged, HostKeyUnknown

KEY = "AAAAC3NzaC1lZDI1NTE5AAAAIFsDqO7ZEDDlnRWbvBJUxgpLTmGDkcfC+KHJbE2tdK6p"
OTHER = "AAAAC3NzaC1lZDI1NTE5AAAAIKhbXnGOEZTLjyGHNHjW4PNlPZoiVVT41ccLHJ5xgO1w"


def blobs(tmp_path: Path, text: str, name: str) -> int:
    path = tmp_path / "known_hosts"
    path.write_text(text)
    return len(known_hosts.read(path, name).keys)


@pytest.mark.parametrize(
    ("names", "name", "matches"),
    [
        ("stor1", "stor1", True),
        ("STOR1", "stor1", True),
        ("stor1", "stor10", False),
        ("other,stor1", "stor1", True),
        ("stor1", "[stor1]:2222", False),
        ("[stor1]:2222", "[stor1]:2222", True),
        ("[stor1]:2222", "stor1", False),
        ("[stor1]:2222", "s", False),
        ("*.example.org", "stor1.example.org", True),
        ("*.example.org,!stor1.example.org", "stor1.example.org", False),
        ("stor?", "stor1", True),
        ("stor1.example", "stor1xexample", False),
        ("2001:db8::1", "2001:db8::1", True),
        ("[2001:db8::1]:2222", "[2001:db8::1]:2222", True),
    ],
)
def test_names_match_as_in_openssh(tmp_path: Path, names: str, name: str, matches: bool) -> None:
    assert blobs(tmp_path, f"{names} ssh-ed25519 {KEY} comment\n", name) == matches


def test_hashed_names_are_found(tmp_path: Path) -> None:
    path = tmp_path / "known_hosts"
    path.write_text(f"[192.0.2.7]:2222,stor1 ssh-ed25519 {KEY}\n")
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", str(path)], check=True, capture_output=True)
    assert path.read_text().startswith("|1|")
    for name, count in (("[192.0.2.7]:2222", 1), ("stor1", 1), ("stor2", 0)):
        assert len(known_hosts.read(path, name).keys) == count


def test_all_keys_of_a_host_are_trusted_also_two_of_one_type(tmp_path: Path) -> None:
    text = f"# comment\n\nstor1 ssh-ed25519 {KEY}\nstor1 ssh-ed25519 {OTHER}\n"
    assert blobs(tmp_path, text, "stor1") == 2


@pytest.mark.parametrize("line", ["stor1", "stor1 ssh-ed25519", "stor1 ssh-ed25519 %%%", "|1|x ssh-ed25519 " + KEY])
def test_broken_lines_trust_nobody_and_leave_the_others_alone(tmp_path: Path, line: str) -> None:
    assert blobs(tmp_path, f"{line}\nstor1 ssh-ed25519 {KEY}\n", "stor1") == 1


def test_certificate_authorities_are_not_taken_for_host_keys(tmp_path: Path) -> None:
    assert blobs(tmp_path, f"@cert-authority * ssh-ed25519 {KEY}\n", "stor1") == 0


def test_missing_file_trusts_nobody(tmp_path: Path) -> None:
    assert known_hosts.read(tmp_path / "none", "stor1") == Trusted((), frozenset())


def test_fingerprint_is_that_of_ssh_keygen(tmp_path: Path) -> None:
    path = tmp_path / "key.pub"
    path.write_text(f"ssh-ed25519 {KEY}\n")
    shown = subprocess.check_output(["ssh-keygen", "-lf", str(path)], text=True).split()[1]
    path.write_text(f"stor1 ssh-ed25519 {KEY}\n")
    assert known_hosts.read(path, "stor1").keys[0].fingerprint == shown


def test_types_of_pinned_keys_are_asked_for_first() -> None:
    trusted = Trusted((HostKey("ssh-rsa", b"r"), HostKey("sk-exotic", b"x")), frozenset())
    supported = ("ssh-ed25519", "rsa-sha2-512", "rsa-sha2-256")
    assert host_keys.preferred(trusted, supported) == ["rsa-sha2-512", "rsa-sha2-256", "ssh-ed25519"]


def test_revoked_key_is_refused_even_if_it_is_pinned(tmp_path: Path) -> None:
    path = tmp_path / "known_hosts"
    path.write_text(f"stor1 ssh-ed25519 {KEY}\n@revoked * ssh-ed25519 {KEY}\n")
    settings = SshSettings("stor1", "u", path)
    trusted = host_keys.trusted_by(settings)
    with pytest.raises(HostKeyChanged, match="revoked"):
        host_keys.verify(settings, trusted, trusted.keys[0])


def test_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(HostKeyUnknown, match="Is a directory"):
        host_keys.trusted_by(SshSettings("stor1", "u", tmp_path))
