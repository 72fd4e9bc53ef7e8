"""The configuration: what is accepted, and every problem at once with its path."""

from __future__ import annotations

import logging
from contextlib import suppress
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from cgctl.config import values
from cgctl.config.crosscheck import warnings
from cgctl.config.document import Unreadable, from_yaml, to_yaml
from cgctl.config.load import ConfigurationProblems, find, load
from cgctl.config.places import configuration_file, state_directory, state_url
from cgctl.config.schema import Configuration
from cgctl.errors import ConfigurationError
from drivers.catalog import misfit

EXAMPLE = Path(__file__).parents[2] / "config.example.yaml"
ONE = "backends: {a: {driver: file, pool: /srv/a}}\n"


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("CGCTL_CONFIG", "CGCTL_STATE", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))


def parsed(text: str, tmp_path: Path) -> Configuration:
    (tmp_path / "c.yaml").write_text(text)
    return load(str(tmp_path / "c.yaml"), misfit).configuration


def problems(text: str, tmp_path: Path) -> set[str]:
    with pytest.raises(ConfigurationProblems) as refused:
        parsed(text, tmp_path)
    return set(refused.value.problems)


def test_example_has_no_problems() -> None:
    alpha = load(str(EXAMPLE)).configuration.backends["alpha"]
    assert alpha.ssh is not None
    assert alpha.export is not None
    assert (alpha.ssh.port, alpha.export.portal) == (22, "192.0.2.10:3260")
    (device,) = alpha.replication_targets
    assert (device.backend, device.rpo_seconds, device.bandwidth_limit_bytes) == ("beta", 900, 100 * 1024**2)


def test_example_names_every_key() -> None:
    text = EXAMPLE.read_text()
    keys: set[str] = set()
    _collect(Configuration.model_json_schema(by_alias=True), keys)
    assert {key for key in keys if f"{key}:" not in text} == set()


def test_optional_keys_of_the_example_are_valid_too(tmp_path: Path) -> None:
    lines = []
    for line in EXAMPLE.read_text().splitlines():
        head, hash_, rest = line.partition("# ")
        optional = hash_ and not head.strip() and ":" in rest and rest.split(":")[0].strip().isidentifier()
        hook = hash_ and not head and rest.startswith("  ")
        lines.append(head + rest if optional or hook else line)
    text = "\n".join(line for line in lines if not line.startswith("state: postgresql"))
    found = parsed(text, tmp_path)
    assert found.hooks["orders-db"].timeout_seconds == 30
    assert found.default_volume_type == "fast"


def _collect(schema: object, keys: set[str]) -> None:
    if isinstance(schema, dict):
        keys.update(schema.get("properties", {}))
        for item in schema.values():
            _collect(item, keys)


def test_every_problem_is_told_at_once_with_its_path(tmp_path: Path) -> None:
    text = """
hold_second: 3
hold_seconds: 121
hooks: {db: {timeout: 5m}, q: {pre: a, timeout: 11m}}
backends:
  default: {driver: btrfs, pool: /x}
  alpha:
    driver: btrf
    pool: /y
    pool: relative
    ssh: {host: "a b", port: "22", sudo: yes please, idenity_file: x, user: -oProxy}
    export: {protocol: nfs, server: tgt, portal: "x:99999"}
    replication_targets: [{backend_id: default, rpo: 15x, bandwidth_limit: -1}, {}]
    reserved_percentage: 101
    max_over_subscription_ratio: .inf
  on: {driver: lvm, pool: /}
  one: {driver: file, pool: /srv/a}
  two: {driver: btrfs, pool: /srv/a/b/, replication_targets: [{backend_id: two}, {backend_id: x}]}
  three: {driver: lvm, pool: vg/pool, export: {protocol: nfs, server: ganesha, portal: 192.0.2.1}}
  gamma:
"""
    assert problems(text, tmp_path) == {
        "line 10: the key pool is there twice",
        "line 16: the key on must be in quotes",
        "hold_second: unknown key; did you mean hold_seconds?",
        "hold_seconds: must be less than or equal to 120",
        "hooks.db: must have pre, post or post_failover",
        "hooks.q.timeout: must be less than or equal to 600",
        "backends.default: is reserved for the failback: --secondary-backend-id default",
        "backends.alpha.driver: must be one of file, btrfs, lvm, zfs or rbd",
        "backends.alpha.ssh.host: must be a host name or an address",
        "backends.alpha.ssh.port: must be a whole number",
        "backends.alpha.ssh.sudo: must be true or false",
        "backends.alpha.ssh.user: has characters that are not allowed",
        "backends.alpha.ssh.idenity_file: unknown key; did you mean identity_file?",
        "backends.alpha.export.server: tgt does not serve nfs; one of: kernel, ganesha",
        "backends.alpha.export.portal: must have a port from 1 to 65535",
        "backends.alpha.replication_targets.0.backend_id: is reserved for the failback: --secondary-backend-id default",
        "backends.alpha.replication_targets.0.rpo: must be a duration such as 30s, 15m or 2h",
        "backends.alpha.replication_targets.0.bandwidth_limit: must be a size such as 512K, 100M or 1G",
        "backends.alpha.replication_targets.1.backend_id: is missing",
        "backends.alpha.reserved_percentage: must be less than or equal to 100",
        "backends.alpha.max_over_subscription_ratio: must be a finite number",
        "backends.on.pool: must be VG/THINPOOL",
        "backends.two.pool: the same pool on the same server as backends.one",
        "backends.two.replication_targets.0.backend: a backend cannot replicate to itself",
        "backends.two.replication_targets.1.backend: there is no backend 'x'",
        "backends.three.export.server: ganesha cannot offer a mounted file system, which is what lvm has for nfs; "
        "one of: kernel",
        "backends.gamma: must be keys with values",
    }


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "is empty"),
        ("- a", "must be keys with values"),
        ("hold_seconds: 7", "backends: is missing"),
        ("backends: {}", "backends: must not be empty"),
        ("a: [\n b: }", "line 2, column 5: expected the node content, but found '}'"),
        ("a: *b", "line 1, column 4: found undefined alias 'b'"),
        ("a: !!python/object:os.system x", "line 1, column 4: could not determine a constructor for the tag"),
        ("a: \x00", "special characters are not allowed"),
        (f"state: /tmp/x\n{ONE}", "state: must be a URL of SQLite or PostgreSQL"),
        (f"default_group_type: yes\n{ONE}", "default_group_type: must be text"),
    ],
)
def test_what_is_no_configuration_is_told(text: str, problem: str, tmp_path: Path) -> None:
    assert any(problem in found for found in problems(text, tmp_path))


def test_file_that_is_not_utf8_is_told(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_bytes(b"a: \xff")
    with pytest.raises(ConfigurationProblems, match="byte 4: not UTF-8"):
        load(str(tmp_path / "c.yaml"))


def test_missing_file_hints_at_the_example(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no such file") as refused:
        find(str(tmp_path / "nope.yaml"))
    assert "config.example.yaml" in (refused.value.hint or "")


def test_places_are_looked_at_in_order(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    user = tmp_path / "xdg" / "cgctl" / "config.yaml"
    assert configuration_file(None) != user
    user.parent.mkdir(parents=True)
    user.write_text(ONE)
    assert configuration_file(None) == user
    monkeypatch.setenv("CGCTL_CONFIG", "/from/variable")
    assert configuration_file(None) == Path("/from/variable")
    assert configuration_file("~/given") == Path("~/given").expanduser()


def test_state_url_order(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert state_url(None, lambda: None) == f"sqlite:///{tmp_path}/cgctl/state.db"
    assert state_url(None, lambda: "sqlite:///configured") == "sqlite:///configured"
    monkeypatch.setenv("CGCTL_STATE", "sqlite:////variable")
    assert state_url(None, _never) == "sqlite:////variable"
    assert state_url("postgresql+psycopg://h/d", _never) == "postgresql+psycopg://h/d"


def _never() -> str | None:
    raise AssertionError("the configuration was read although it was not needed")


def test_state_of_root_is_below_var_lib(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert state_directory() == Path("/var/lib/cgctl")
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert state_directory() == Path("~/.local/state/cgctl").expanduser()


@pytest.mark.parametrize("url", ["/tmp/x.db", "mysql://h/d", "sqlite://", "sqlite:///"])
def test_state_that_is_no_usable_url_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="--state: not a URL"):
        state_url(url, _never)


def test_warnings_name_key_files_and_loose_permissions(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.touch(mode=0o644)
    text = f"""backends:
  a: {{driver: file, pool: /a, ssh: {{host: h, identity_file: {key}, known_hosts: {tmp_path}/none}}}}
  b: {{driver: file, pool: /b, ssh: {{host: h, identity_file: {tmp_path}/none, known_hosts: {key}}}}}
"""
    configuration = parsed(text, tmp_path)
    source = tmp_path / "c.yaml"
    source.chmod(0o666)
    found = list(warnings(configuration, source))
    assert [warning.partition(": ")[0] for warning in found] == [
        str(source),
        "backends.a.ssh.identity_file",
        "backends.a.ssh.known_hosts",
        "backends.b.ssh.identity_file",
    ]
    source.chmod(0o600)
    key.chmod(0o600)
    assert len(list(warnings(configuration, source))) == 2


@pytest.mark.parametrize(
    ("written", "read"),
    [("192.0.2.1", "192.0.2.1:3260"), ("h:1", "h:1"), ("[2001:db8::1]", "[2001:db8::1]:3260"), ("[::1]:9", "[::1]:9")],
)
def test_portals_always_have_a_port(written: str, read: str) -> None:
    assert values.portal(written, 3260) == read


@pytest.mark.parametrize("wrong", ["", ":3260", "h:0", "h:65536", "::1", "a b", "h:1:2", "-x", "h\n"])
def test_wrong_portals_are_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="must"):
        values.portal(wrong, 3260)


@pytest.mark.parametrize("wrong", ["relative", "/", "//", "/a/../b", "/a\n", ""])
def test_wrong_directories_are_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="must"):
        values.directory(wrong)


@pytest.mark.parametrize(
    ("driver", "right", "wrong"),
    [("lvm", "vg0/thin", "vg0"), ("zfs", "tank/cgctl", "/tank"), ("rbd", "rbd", "-p"), ("btrfs", "/srv/x/", "srv")],
)
def test_pools_have_the_form_of_their_driver(driver: str, right: str, wrong: str) -> None:
    assert values.pool(right, driver) == right.rstrip("/")
    with pytest.raises(ValueError, match="must"):
        values.pool(wrong, driver)


def test_durations_and_sizes() -> None:
    assert [values.seconds(text) for text in ("90", 90, "2m", "1h", "1d")] == [90, 90, 120, 3600, 86400]
    assert [values.size_bytes(text) for text in ("1", "1K", "2M", "1GiB", 5)] == [1, 1024, 2097152, 1073741824, 5]


@given(st.one_of(st.text(max_size=6), st.booleans(), st.floats(), st.integers(max_value=0), st.none()))
def test_other_durations_are_refused_or_positive(value: object) -> None:
    for read in (values.seconds, values.size_bytes):
        try:
            found = read(value)
        except ValueError:
            continue
        assert found > 0


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(alphabet=st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(JSON)
def test_yaml_that_is_written_is_read_back(document: object) -> None:
    assert from_yaml(to_yaml(document)) == (document, [])


@given(st.text(max_size=60))
def test_any_text_is_read_or_told(text: str) -> None:
    with suppress(Unreadable):
        _, problems = from_yaml(text)
        assert all(problem.startswith("line ") for problem in problems)


@given(JSON)
def test_any_document_is_accepted_or_all_its_problems_told(
    tmp_path_factory: pytest.TempPathFactory, document: object
) -> None:
    path = tmp_path_factory.mktemp("any") / "c.yaml"
    path.write_text(yaml.safe_dump({"backends": document}))
    with pytest.raises(ConfigurationProblems) as refused:
        load(str(path))
    assert all(problem.startswith(("backends", "line")) for problem in refused.value.problems)


def test_loading_says_nothing(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        load(str(EXAMPLE))
    assert caplog.records == []
