"""The doctor: finds what is wrong, says what to do, changes nothing."""

import asyncio
import errno
import resource
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from balefire.config import load_config
from balefire.doctor import Diagnosis, _remedy_for_port, examine
from balefire.kernel import Kernel


@pytest.fixture(autouse=True)
def in_english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "C.UTF-8")


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "balefire.toml").write_text("[server]\nport = 0\n")
    yield tmp_path


async def diagnose(folder: Path, text: str | None = None) -> dict[str, list[Diagnosis]]:
    """The doctor's lines by topic; ``text`` is appended to the configuration."""
    file = folder / "balefire.toml"
    if text is not None:
        file.write_text(file.read_text() + text)
    found: dict[str, list[Diagnosis]] = {}
    async for diagnosis in examine(file):
        found.setdefault(diagnosis.topic, []).append(diagnosis)
    return found


def bad(found: dict[str, list[Diagnosis]]) -> list[Diagnosis]:
    return [diagnosis for lines in found.values() for diagnosis in lines if diagnosis.level == "bad"]


async def test_before_the_first_start_all_is_well_and_nothing_is_made(folder: Path) -> None:
    found = await diagnose(folder)

    assert bad(found) == []
    assert set(found) == {"configuration", "plugins", "port", "data folder", "file limit", "clock", "store"}
    assert found["store"][0].text == "the database will be made at the first start"
    assert [path.name for path in folder.iterdir()] == ["balefire.toml"]


async def test_after_a_start_the_database_is_writable_and_up_to_date(folder: Path) -> None:
    async with Kernel(load_config(folder / "balefire.toml", environ={})).running():
        found = await diagnose(folder)

    assert bad(found) == []
    assert [line.text for line in found["store"]] == ["the database can be written", "every table is up to date"]


async def test_every_problem_of_the_configuration_is_a_line(folder: Path) -> None:
    found = await diagnose(folder, "prot = 1\n[log]\nlevel = 'loud'\n")

    assert [line.level for line in found["configuration"]] == ["bad", "bad"]
    assert "server.prot: no such setting" in found["configuration"][0].text


async def test_a_plugin_that_cannot_be_loaded_is_named(folder: Path) -> None:
    (folder / "broken.py").write_text("import a_module_that_is_not_there")

    found = await diagnose(folder, "[kernel]\nplugins = ['./broken.py']\n")

    [line] = bad(found)
    assert "plugin 'broken': it cannot be imported: ModuleNotFoundError" in line.text
    assert "enabled = false" in line.remedy


async def test_a_port_that_is_taken_is_named_with_how_to_find_the_owner(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        (folder / "balefire.toml").write_text(f"[server]\nport = {port}\n")
        other.settimeout(0)

        [line] = bad(await diagnose(folder))

    assert line.topic == "port"
    assert f"127.0.0.1:{port}" in line.text
    assert f"sport = :{port}" in line.remedy


async def test_another_server_that_answers_everything_is_not_taken_for_a_platform(folder: Path) -> None:
    async def say_yes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nServer: other\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    other = await asyncio.start_server(say_yes, "127.0.0.1", 0)
    async with other:
        port = other.sockets[0].getsockname()[1]
        (folder / "balefire.toml").write_text(f"[server]\nport = {port}\n")
        [line] = bad(await asyncio.to_thread(lambda: asyncio.run(diagnose(folder))))

    assert line.topic == "port"
    assert "ss -ltnp" in line.remedy


@pytest.mark.parametrize("host", ["203.0.113.1", "no-such-host.invalid"])
async def test_an_address_that_is_not_this_machines_is_told_as_such(folder: Path, host: str) -> None:
    (folder / "balefire.toml").write_text(f"[server]\nport = 8450\nhost = '{host}'\n")

    [line] = bad(await diagnose(folder))

    assert line.topic == "port"
    assert "an address of this machine" in line.remedy


def test_a_port_that_needs_a_privilege_says_which() -> None:
    assert "CAP_NET_BIND_SERVICE" in _remedy_for_port(PermissionError(errno.EACCES, "Permission denied"), 80)


@pytest.mark.parametrize("place", ["data", "data/below"])
async def test_a_file_where_the_data_folder_should_be_is_told(folder: Path, place: str) -> None:
    (folder / "data").write_text("in the way")

    found = await diagnose(folder, f"[kernel]\ndata_folder = '{place}'\n")

    [line] = [line for line in found["data folder"] if line.level == "bad"]
    assert line.text == f"{folder / 'data'} is no folder"
    assert "data_folder" in line.remedy


async def test_a_folder_that_cannot_be_written_is_told_with_whose_it_should_be(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.access", lambda *_: False)

    [line] = bad(await diagnose(folder))

    assert (line.topic, line.text) == ("data folder", f"{folder} cannot be written")
    assert line.remedy.startswith("give it to the user that runs balefire: chown")


async def test_a_plugin_whose_requirement_nobody_provides_is_named(folder: Path) -> None:
    (folder / "needy.py").write_text(
        "from balefire import Manifest, hookimpl\n\n\n@hookimpl\ndef describe():\n"
        "    return Manifest('Needs more', requires=('weather',))\n"
    )

    [line] = bad(await diagnose(folder, "[kernel]\nplugins = ['./needy.py']\n"))

    assert line.text == "plugin 'needy' will be skipped: it requires 'weather', which no enabled plugin provides"
    assert line.remedy == "switch on a plugin that provides it"


async def test_a_plugin_of_a_newer_contract_says_what_to_upgrade(folder: Path) -> None:
    (folder / "newer.py").write_text(
        "from balefire import Manifest, hookimpl\n\n\n@hookimpl\ndef describe():\n"
        "    return Manifest('From the future', api=(9, 0))\n"
    )

    [line] = bad(await diagnose(folder, "[kernel]\nplugins = ['./newer.py']\n"))

    assert "it was written for version 9.0 of the plugin contract" in line.text
    assert "upgrade balefire" in line.text


async def test_a_secret_that_others_can_read_is_found(folder: Path) -> None:
    secrets = folder / "data" / "secrets"
    secrets.mkdir(parents=True)
    (secrets / "auth-signing").write_bytes(b"x" * 32)
    (secrets / "auth-signing").chmod(0o644)

    [line] = bad(await diagnose(folder))

    assert "auth-signing is open to others (mode 0644)" in line.text
    assert line.remedy == f"chmod 600 {secrets / 'auth-signing'}"


async def test_a_database_that_does_not_answer_is_told_without_its_password(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    url = f"postgresql://me:hush@127.0.0.1:{port}/chat"

    found = await diagnose(folder, f"[database]\nurl = '{url}'\n")

    [line] = bad(found)
    assert line.topic == "store"
    assert "hush" not in str(found)


async def test_a_damaged_database_is_told(folder: Path) -> None:
    (folder / "data").mkdir()
    (folder / "data" / "balefire.db").write_bytes(b"this is no database, and was never one" * 100)

    [line] = bad(await diagnose(folder))

    assert line.topic == "store"


async def test_tables_of_a_later_version_are_told(folder: Path) -> None:
    import sqlite3

    config = load_config(folder / "balefire.toml", environ={})
    async with Kernel(config).running():
        pass
    with sqlite3.connect(config.data_folder / "balefire.db") as connection:
        connection.execute("UPDATE store_sql_schema_version SET version_num = '9999'")
    connection.close()

    [line] = bad(await diagnose(folder))

    assert "the database is at schema 9999" in line.text


async def test_few_open_files_are_advice(folder: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, hard))
    try:
        [line] = (await diagnose(folder))["file limit"]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    assert (line.level, line.text) == ("advice", "1024 open files allowed, one per connection")
    assert line.remedy.startswith("ulimit -n ")


async def test_a_clock_that_is_behind_its_own_files_is_told(folder: Path) -> None:
    import os

    (folder / "data").mkdir()
    stamp = folder / "data" / "written-tomorrow"
    stamp.touch()
    tomorrow = stamp.stat().st_mtime + 86_400
    os.utime(stamp, (tomorrow, tomorrow))

    [line] = bad(await diagnose(folder))

    assert line.topic == "clock"
