"""What the configuration promises: all sources, in order; every problem at once; no secret ever shown."""

import string
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from balefire.config import DEFAULT_PLUGINS, SECTIONS, load_config
from balefire_hookspecs import ConfigError


def write(folder: Path, text: str) -> Path:
    file = folder / "balefire.toml"
    file.write_text(text, encoding="utf-8")
    return file


def problems_of(*args: Any, **options: Any) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load_config(*args, environ=options.pop("environ", {}), **options)
    return caught.value.problems


# -- sources -----------------------------------------------------------------------------------------------------------


def test_without_a_file_everything_has_a_default() -> None:
    config = load_config(environ={})

    assert (config.server.host, config.server.port, config.kernel.node) == ("127.0.0.1", 8450, 0)
    assert tuple(config.plugins) == DEFAULT_PLUGINS
    assert config.data_folder == Path("data").absolute()
    assert config.database_url == f"sqlite+aiosqlite:///{Path('data').absolute()}/balefire.db"


def test_overrides_win_over_the_environment_and_that_over_the_file(tmp_path: Path) -> None:
    file = write(tmp_path, "[server]\nport = 1001\nhost = '127.0.0.2'\ndrain_seconds = 1")

    environ = {"BALEFIRE_SERVER__PORT": "1002", "BALEFIRE_SERVER__HOST": "127.0.0.3"}
    config = load_config(file, overrides={"server": {"port": 1003}}, environ=environ)

    assert (config.server.port, config.server.host, config.server.drain_seconds) == (1003, "127.0.0.3", 1.0)


def test_paths_in_a_file_mean_what_stands_beside_it(tmp_path: Path) -> None:
    file = write(tmp_path, "[kernel]\ndata_folder = 'store'\nplugins = ['./my_vendor.py', '/opt/other']")

    config = load_config(file, environ={})

    assert config.data_folder == tmp_path / "store"
    assert config.plugin_files == (tmp_path / "my_vendor.py", Path("/opt/other"))


def test_the_environment_reaches_plugins_by_their_shouted_name(tmp_path: Path) -> None:
    file = write(tmp_path, "[plugins.my-vendor]\nurl = 'a'")
    environ = {
        "BALEFIRE_PLUGINS__MY_VENDOR__API_KEY": "k",
        "BALEFIRE_PLUGINS__PUSH__LANES__ACME__BURST": "3",
        "BALEFIRE_PLUGINS__NEW_ONE__ENABLED": "true",
        "BALEFIRE_OUTGOING__ALLOW": '["10.0.0.0/8"]',
        "BALEFIRE_CONFIG": "not a setting",
        "OTHER__THING": "not ours",
    }

    config = load_config(file, environ=environ)

    assert config.plugins["my-vendor"] == {"url": "a", "api_key": "k"}
    assert config.plugins["push"] == {"lanes": {"acme": {"burst": "3"}}}
    assert config.plugins["new-one"] == {"enabled": "true"}
    assert [str(network) for network in config.outgoing.allow] == ["10.0.0.0/8"]


def test_a_string_may_refer_to_a_variable_or_a_file(tmp_path: Path) -> None:
    (tmp_path / "key.txt").write_text("from a file\n")
    file = write(
        tmp_path,
        """
        [plugins.acme]
        one = { env = "ACME_KEY" }
        two = { file = "key.txt" }
        many = [{ env = "ACME_KEY" }, "plain"]
        deep = { inner = { file = "key.txt" } }
        [plugins.keeper]
        file = "a setting of its own"
        """,
    )

    config = load_config(file, environ={"ACME_KEY": "from the environment"})

    assert config.plugins["acme"] == {
        "one": "from the environment",
        "two": "from a file",
        "many": ["from the environment", "plain"],
        "deep": {"inner": "from a file"},
    }
    assert config.plugins["keeper"] == {"file": "a setting of its own"}


def test_a_plain_value_replaces_a_reference(tmp_path: Path) -> None:
    file = write(tmp_path, "[plugins.acme]\nkey = { env = 'NOT_SET' }")

    config = load_config(file, environ={"BALEFIRE_PLUGINS__ACME__KEY": "plain"})

    assert config.plugins["acme"] == {"key": "plain"}


# -- the order of plugins ----------------------------------------------------------------------------------------------


def test_plugins_the_file_orders_come_after_the_others_in_its_order(tmp_path: Path) -> None:
    file = write(tmp_path, "[plugins.my-policy]\n[plugins.rate-limit]\n[plugins.content]\n")

    names = list(load_config(file, environ={}).plugins)

    assert names[-3:] == ["my-policy", "rate-limit", "content"]
    assert names[:-3] == [name for name in DEFAULT_PLUGINS if name not in ("rate-limit", "content")]


def test_defaults_can_be_switched_off(tmp_path: Path) -> None:
    file = write(tmp_path, "[kernel]\ndefaults = false\n[plugins.store-sql]\n")

    assert list(load_config(file, environ={}).plugins) == ["store-sql"]


# -- problems ----------------------------------------------------------------------------------------------------------


def test_every_problem_is_reported_at_once_with_its_path(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        """
        sever = 1
        [server]
        prot = 1
        port = 70000
        public_url = "example.org"
        [kernel]
        node = "first"
        [log]
        level = "loud"
        [database]
        url = "mysql://me:hush@host/db"
        [outgoing]
        allow = ["10.0.0.0/33"]
        [plugins.acme]
        key = { env = "ACME_KEY" }
        text = { file = "nowhere.txt" }
        """,
    )

    told = "\n".join(problems_of(file))

    assert "sever: no such section; did you mean 'server'? sections are" in told
    assert "server.prot: no such setting; did you mean 'port'? settings are" in told
    assert "server.port: must be less than or equal to 65535, got 70000" in told
    assert "server.public_url: is not written correctly (where people reach it" in told
    assert "kernel.node: must be a valid integer" in told
    assert "log.level: must be 'debug', 'info', 'warning' or 'error'" in told
    assert "database.url: is not written correctly" in told
    assert "outgoing.allow.0" in told
    assert "plugins.acme.key: refers to the environment variable ACME_KEY, which is not set" in told
    assert "nowhere.txt, which cannot be read: no such file or directory" in told
    assert "plugins.acme: no such installed plugin" in told, "what plugins find is in the same list"
    assert "hush" not in told


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[server", "is not valid TOML: "),
        ("server = 3", "server: must be a table, written [server]"),
        ("[plugins]\nacme = true", "plugins.acme: must be a table, written [plugins.acme]"),
        ("plugins = 3", "plugins: must be a table, written [plugins]"),
    ],
)
def test_a_file_of_the_wrong_shape_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    assert problem in "\n".join(problems_of(write(tmp_path, text)))


def test_a_file_that_is_not_there_or_not_text_is_refused(tmp_path: Path) -> None:
    assert "there is no such file" in problems_of(tmp_path / "nowhere.toml")[0]
    binary = tmp_path / "binary.toml"
    binary.write_bytes(b"\xff\xfe\x00secret")
    assert problems_of(binary) == [f"{binary}: cannot be read: it is not UTF-8 text"]


@pytest.mark.parametrize("name", ["BALEFIRE_SERVER__", "BALEFIRE___PORT", "BALEFIRE_PLUGINS__ACME", "BALEFIRE_A__"])
def test_a_variable_that_names_no_setting_is_a_problem(name: str) -> None:
    assert problems_of(environ={name: "1"}) == [f"{name}: names no setting; a setting is BALEFIRE_SECTION__KEY"]


def test_a_misspelt_variable_is_a_problem_like_a_misspelt_key() -> None:
    assert (
        "server.prot: no such setting; did you mean 'port'?" in problems_of(environ={"BALEFIRE_SERVER__PROT": "1"})[0]
    )


def test_what_came_from_the_environment_is_told_with_its_variable() -> None:
    environ = {"BALEFIRE_SERVER__PORT": "many", "BALEFIRE_LOG__LEVEL": "loud", "BALEFIRE_PLUGINS__REST__TYPO": "1"}

    told = problems_of(environ=environ, overrides={"log": {"level": "louder"}})

    assert "server.port: must be a valid integer" in told[0]
    assert told[0].endswith("(set by BALEFIRE_SERVER__PORT)")
    assert "set by" not in told[1], "a flag replaced it"
    assert told[2].endswith("(set by BALEFIRE_PLUGINS__REST__TYPO)")


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("BALEFIRE_SERVER_PORT", "BALEFIRE_SERVER__PORT"),
        ("BALEFIRE_KERNEL_DATA_FOLDER", "BALEFIRE_KERNEL__DATA_FOLDER"),
        ("BALEFIRE_PLUGINS_RATE_LIMIT_BURST", "BALEFIRE_PLUGINS__RATE_LIMIT__BURST"),
    ],
)
def test_one_underscore_too_few_is_a_problem(name: str, meant: str) -> None:
    assert problems_of(environ={name: "9000"}) == [f"{name}: names no setting; did you mean {meant}? (two underscores)"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BALEFIRE_CONFIG", "here.toml"),
        ("BALEFIRE_TOKEN", "secret"),
        ("BALEFIRE_SERVICE_HOST", "10.0.0.1"),
        ("BALEFIRE_SERVER_PORT", "tcp://10.0.0.1:8450"),
    ],
)
def test_variables_that_are_no_settings_are_left_alone(name: str, value: str) -> None:
    assert load_config(environ={name: value}).server.port == 8450


def test_tools_that_ask_a_running_platform_do_not_mind_the_plugins_tables(tmp_path: Path) -> None:
    file = write(tmp_path, "[server]\nport = 99\n[plugins.acme]\nkey = { env = 'NOT_SET' }\n")

    assert load_config(file, environ={}, only_sections=True).address == "http://127.0.0.1:99"

    file = write(tmp_path, "[server]\nprot = 99\n[plugins.acme]\nkey = { env = 'NOT_SET' }\n")
    assert len(problems_of(file, only_sections=True)) == 1


@pytest.mark.parametrize(
    ("server", "address"),
    [
        ({"host": "0.0.0.0", "port": 80}, "http://127.0.0.1:80"),
        ({"host": "::", "port": 80}, "http://[::1]:80"),
        ({"public_url": "https://chat.example.org/im"}, "https://chat.example.org/im"),
    ],
)
def test_the_address_is_one_that_can_be_called(server: dict[str, Any], address: str) -> None:
    assert load_config(overrides={"server": server}, environ={}).address == address


# -- secrets -----------------------------------------------------------------------------------------------------------


def test_a_configuration_never_shows_passwords_or_plugin_settings() -> None:
    config = load_config(
        overrides={"database": {"url": "postgresql://me:hush@host/db"}, "plugins": {"acme": {"key": "hush"}}},
        environ={},
    )

    assert "hush" not in repr(config)
    assert "hush" not in str(config)


@pytest.mark.parametrize("network", [True, 7, 1.5, None])
def test_a_network_is_written_as_one(network: object) -> None:
    with pytest.raises(ConfigError, match=r"outgoing\.allow.*such as 10\.0\.0\.0/8"):
        load_config(overrides={"outgoing": {"allow": [network]}}, environ={})


secrets = st.text(string.ascii_letters + string.digits, min_size=12, max_size=30).map(lambda text: f"hush{text}")
leaves = st.one_of(st.booleans(), st.integers(), st.floats(allow_nan=False), secrets, st.none(), st.binary(max_size=3))
values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
)
known_keys = st.sampled_from([key for section in SECTIONS.values() for key in section.model_fields])
section_tables = st.dictionaries(known_keys | st.text(min_size=1, max_size=10), values, max_size=4)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.dictionaries(st.sampled_from([*SECTIONS, "sever"]), section_tables | values, max_size=4))
def test_whatever_is_written_it_loads_or_says_why_without_quoting_it(tables: dict[str, Any]) -> None:
    try:
        load_config(overrides=tables, environ={"BALEFIRE_KERNEL__DEFAULTS": "false"})
    except ConfigError as error:
        told = str(error)
        assert error.problems
        for secret in _secrets_in(tables):
            assert secret not in told


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.dictionaries(st.text(string.ascii_uppercase + "_", max_size=24).map(lambda n: f"BALEFIRE_{n}"), secrets))
def test_whatever_the_environment_holds_it_loads_or_says_why_without_quoting_it(environ: dict[str, str]) -> None:
    try:
        load_config(environ={**environ, "BALEFIRE_KERNEL__DEFAULTS": "false"})
    except ConfigError as error:
        assert not any(secret in str(error) for secret in environ.values())


def _secrets_in(value: Any) -> list[str]:
    """Every generated text that stands as a value; keys may be quoted, they are names."""
    if isinstance(value, dict):
        return [secret for item in value.values() for secret in _secrets_in(item)]
    if isinstance(value, list):
        return [secret for item in value for secret in _secrets_in(item)]
    return [value] if isinstance(value, str) and value.startswith("hush") else []
