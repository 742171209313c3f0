"""The command line: what it prints, how it exits, and a platform started, asked and stopped by it."""

import contextlib
import inspect
import json
import os
import re
import signal
import subprocess
import sys
import time
import tomllib
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from balefire import say
from balefire.cli import COMMANDS, main

ENVIRON = {"LC_ALL": "C.UTF-8", "BALEFIRE_CONFIG": None, "BALEFIRE_TOKEN": None}
PATIENCE_SECONDS = 60


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def balefire(*args: str, **environ: str) -> Result:
    return CliRunner().invoke(main, args, env={**ENVIRON, **environ})


# -- help --------------------------------------------------------------------------------------------------------------


def _commands(command: click.Command, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    if isinstance(command, click.Group):
        for name, child in command.commands.items():
            yield from _commands(child, (*path, name))
    else:
        yield path


def _kernel_commands() -> Iterator[tuple[str, ...]]:
    for name in COMMANDS:
        command = main.get_command(click.Context(main), name)
        assert command is not None
        yield from _commands(command, (name,))


@pytest.mark.parametrize("path", list(_kernel_commands()), ids=" ".join)
def test_every_command_teaches_by_example(path: tuple[str, ...]) -> None:
    result = balefire(*path, "--help")

    assert result.exit_code == 0
    assert re.search(r"Examples?:", result.output), "a help without an example is half a help"
    assert "balefire " in result.output.partition("Example")[2]


def test_help_lists_the_kernels_commands_and_those_of_plugins(folder: Path) -> None:
    output = balefire("--help").output

    for name in (*COMMANDS, "token"):
        assert re.search(rf"^  {name}\b", output, re.MULTILINE), name


WALK = """
import json, sys, click
from balefire.cli import main

def walk(command, name, parent):
    context = click.Context(command, info_name=name, parent=parent)
    options = {param.name: param.help for param in command.params if isinstance(param, click.Option)}
    yield context.command_path, {"": command.help, **options}
    for child in command.list_commands(context) if isinstance(command, click.Group) else ():
        yield from walk(command.get_command(context, child), child, context)

json.dump(dict(walk(main, "balefire", None)), sys.stdout)
"""


def _helps(locale: str) -> dict[str, dict[str, str]]:
    """What every command and each of its options says of itself, to somebody with this locale."""
    environ = {**os.environ, "LC_ALL": locale}
    run = subprocess.run([sys.executable, "-c", WALK], env=environ, capture_output=True, text=True, check=True)
    helps: dict[str, dict[str, str]] = json.loads(run.stdout)
    return helps


def _examples(text: str) -> list[str]:
    """What is indented in a help; what is said beside a command does not count."""
    return [re.split(r"  +", line.strip())[0] for line in inspect.cleandoc(text).splitlines() if line[:1] == " "]


def test_every_command_and_option_speaks_both_languages_with_the_same_examples() -> None:
    english, chinese = _helps("C.UTF-8"), _helps("zh_CN.UTF-8")

    def mixed(helps: dict[str, dict[str, str]], *, is_chinese: bool) -> list[tuple[str, str]]:
        return [
            (path, option)
            for path, texts in helps.items()
            for option, text in texts.items()
            if bool(re.search("[\u4e00-\u9fff]", text)) is not is_chinese
        ]

    assert {"balefire serve", "balefire demo", "balefire key new", "balefire sandbox"} <= set(english)
    assert english.keys() == chinese.keys()
    assert mixed(english, is_chinese=False) == []
    assert mixed(chinese, is_chinese=True) == []
    for path, texts in english.items():
        assert _examples(chinese[path][""]) == _examples(texts[""]), path


@pytest.mark.parametrize(
    "locale", [{"LC_ALL": "zh_CN.UTF-8"}, {"LANG": "zh_TW.UTF-8"}, {"LANG": "en_US.UTF-8", "LANGUAGE": "zh_CN:en"}]
)
def test_help_speaks_chinese_to_whoever_reads_it(locale: dict[str, str]) -> None:
    environ = {name: value for name, value in os.environ.items() if name not in ("LC_ALL", "LC_MESSAGES", "LANG")}
    command = [sys.executable, "-m", "balefire", "serve", "--help"]
    run = subprocess.run(command, env={**environ, **locale}, capture_output=True, encoding="utf-8", check=True)

    assert "监听端口" in run.stdout
    assert "balefire serve --port 9000 --data /var/lib/balefire" in run.stdout


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({}, "yes"),
        ({"LANG": "zh_CN.UTF-8"}, "是"),
        ({"LANG": "zh_CN.UTF-8", "LC_MESSAGES": "en_US.UTF-8"}, "yes"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "en_US.UTF-8"}, "yes"),
        ({"LANG": "zh_CN.UTF-8", "LANGUAGE": "en:zh"}, "yes"),
        ({"LANG": "zh_CN.UTF-8", "LANGUAGE": ""}, "是"),
        ({"LC_ALL": "C.UTF-8", "LANGUAGE": "zh"}, "yes"),
    ],
)
def test_the_language_is_that_of_the_locale(environ: dict[str, str], said: str) -> None:
    assert say("yes", "是", environ) == said


def test_help_imports_nothing_heavy() -> None:
    code = "import sys, balefire.cli; print(*sorted({'aiohttp', 'sqlalchemy', 'httpx', 'alembic'} & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert run.stdout.strip() == ""


def test_an_unknown_command_is_refused() -> None:
    result = balefire("srve")

    assert result.exit_code == 2
    assert "srve" in result.output


# -- check and config --------------------------------------------------------------------------------------------------


def test_check_is_content_with_the_defaults(folder: Path) -> None:
    result = balefire("check")

    assert (result.exit_code, result.output) == (0, "the defaults: all is well\n")
    assert list(folder.iterdir()) == []


def test_check_lists_every_problem_and_exits_with_2(folder: Path) -> None:
    Path("balefire.toml").write_text("[server]\nport = -1\n[plugins.rate-limit]\nnonsense = 1\n[plugins.gost]\n")

    result = balefire("check")

    assert result.exit_code == 2
    assert "server.port: must be greater than or equal to 0, got -1" in result.output
    assert "plugins.rate-limit.nonsense: no such setting" in result.output
    assert "plugins.gost: no such installed plugin" in result.output


def test_check_exits_with_1_when_a_plugin_cannot_be_loaded(folder: Path) -> None:
    Path("broken.py").write_text("raise RuntimeError('not today')")
    Path("balefire.toml").write_text("[kernel]\nplugins = ['broken.py']\n")

    result = balefire("check")

    assert result.exit_code == 1
    assert "plugins.broken: it cannot be imported: RuntimeError: not today" in result.output


SECRETIVE = """
from pydantic import Field, SecretStr
from balefire import Manifest, Settings, hookimpl

class Config(Settings):
    key: SecretStr = Field(description="the key")
    size: int = Field(3, description="the size")

@hookimpl
def describe():
    return Manifest(summary="has a secret", config=Config)
"""


def test_config_show_prints_what_is_in_force_with_secrets_masked(folder: Path) -> None:
    Path("secretive.py").write_text(SECRETIVE)
    Path("balefire.toml").write_text(
        """
        [kernel]
        plugins = ["secretive.py"]
        [database]
        url = "postgresql://me:hush@host/db"
        [plugins.secretive]
        key = { env = "THE_KEY" }
        [plugins.push]
        enabled = false
        """
    )

    result = balefire("config", "show", BALEFIRE_SERVER__PORT="9000", THE_KEY="hush-hush")

    assert result.exit_code == 0
    assert "hush" not in result.output
    shown = tomllib.loads(result.output)
    assert shown["server"]["port"] == 9000
    assert shown["database"]["url"] == "postgresql://me:********@host/db"
    assert shown["plugins"]["secretive"] == {"key": "********", "size": 3}
    assert shown["plugins"]["push"]["enabled"] is False


def test_what_config_show_prints_is_a_valid_configuration(folder: Path) -> None:
    Path("shown.toml").write_text(balefire("config", "show").output)

    assert balefire("-c", "shown.toml", "check").exit_code == 0


# -- plugins -----------------------------------------------------------------------------------------------------------


def test_plugins_tells_state_hooks_and_why_not(folder: Path) -> None:
    Path("broken.py").write_text("raise RuntimeError('not today')")
    Path("balefire.toml").write_text("[kernel]\nplugins = ['broken.py']\n[plugins.push]\nenabled = false\n")

    output = balefire("plugins").output
    listed = {plugin["name"]: plugin for plugin in json.loads(balefire("plugins", "--json").output)}

    assert "→ it cannot be imported: RuntimeError: not today" in output
    assert listed["broken"]["state"] == "failed"
    assert listed["push"]["state"] == "off"
    assert listed["store-sql"]["state"] == "loaded"
    assert "register_message_stores" in listed["store-sql"]["hooks"]


def test_plugins_speaks_chinese_to_whoever_reads_it(folder: Path) -> None:
    assert "名称" in balefire("plugins", LC_ALL="zh_CN.UTF-8").output


def test_a_command_that_is_taken_is_left_out_with_a_warning(folder: Path) -> None:
    Path("greedy.py").write_text(
        "import click\nfrom balefire import hookimpl\n\n"
        "@hookimpl\ndef register_commands():\n"
        "    return [click.Command('serve'), click.Command('extra', callback=lambda: click.echo('extra!'))]\n"
    )
    Path("balefire.toml").write_text("[kernel]\nplugins = ['greedy.py']\n")

    result = balefire("extra")

    assert result.exit_code == 0
    assert "extra!" in result.output
    assert "command 'serve' of plugin 'greedy' is left out: 'balefire' has one already" in result.output


def test_commands_that_fail_to_register_leave_the_others(folder: Path) -> None:
    Path("sulky.py").write_text(
        "from balefire import hookimpl\n\n@hookimpl\ndef register_commands():\n    raise ValueError('no')\n"
    )
    Path("balefire.toml").write_text("[kernel]\nplugins = ['sulky.py']\n")

    result = balefire("token", "--help")

    assert result.exit_code == 0
    assert "the commands of plugin 'sulky' are left out: ValueError: no" in result.output


@pytest.mark.parametrize("args", [("plugins", "--url"), ("plugin", "reload", "push", "--url")])
def test_asking_where_nobody_answers_says_so(args: tuple[str, ...]) -> None:
    result = balefire(*args, "http://127.0.0.1:1")

    assert result.exit_code == 1
    assert "http://127.0.0.1:1 does not answer" in result.output


# -- a running platform ------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def serving(folder: Path, *args: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """``balefire serve`` as a process of its own; where it listens."""
    command = [sys.executable, "-m", "balefire", "serve", "--port", "0", *args]
    environ = {**os.environ, "LC_ALL": "C.UTF-8", "PYTHONWARNINGS": "error"}
    output = (folder / "output.txt").open("w+")
    process = subprocess.Popen(command, cwd=folder, env=environ, stdout=output, stderr=subprocess.STDOUT, text=True)
    try:
        yield process, _wait_for_url(process, folder / "output.txt")
    finally:
        process.kill()
        process.wait()
        output.close()


def _wait_for_url(process: subprocess.Popen[str], output: Path) -> str:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        if found := re.search(r"health\s+(http://127\.0\.0\.1:\d+)/readyz", output.read_text()):
            return found[1]
        time.sleep(0.02)
    raise AssertionError(f"it does not start:\n{output.read_text()}")


def get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=10) as response:
        return json.load(response)


VERSIONED = """
from balefire import Manifest, hookimpl

@hookimpl
def describe():
    return Manifest(summary="changes", version="{version}")
"""


def test_a_platform_is_started_asked_reloaded_and_stopped(folder: Path) -> None:
    file = folder / "changing.py"
    file.write_text(VERSIONED.format(version="1"))
    (folder / "balefire.toml").write_text("[kernel]\nplugins = ['changing.py']\n[server]\ndrain_seconds = 0\n")

    with serving(folder) as (process, url):
        assert get(f"{url}/readyz")["state"] == "ok"
        token = balefire("token", "--user", "operator", "--admin").output.strip()
        asked = {"BALEFIRE_TOKEN": token}
        listed = json.loads(balefire("plugins", "--json", "--url", url, **asked).output)
        assert {plugin["name"]: (plugin["state"], plugin["version"]) for plugin in listed}["changing"] == (
            "running",
            "1",
        )

        file.write_text(VERSIONED.format(version="2"))
        assert balefire("plugin", "reload", "changing", "--url", url, **asked).exit_code == 0
        assert re.search(r"changing\s+2\s+running", balefire("plugins", "--url", url, **asked).output)

        file.write_text("raise RuntimeError('not today')")
        refused = balefire("plugin", "reload", "changing", "--url", url, **asked)
        assert refused.exit_code == 1
        assert "RuntimeError: not today" in refused.output
        assert re.search(r"changing\s+2\s+running", balefire("plugins", "--url", url, **asked).output)

        assert balefire("plugins", "--url", url).exit_code == 1, "not without a token"

        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_SECONDS) == 0
        assert "balefire: stopping" in (folder / "output.txt").read_text()
    with pytest.raises(urllib.error.URLError):
        get(f"{url}/healthz")


STUBBORN = """
import asyncio

from balefire import hookimpl


async def for_ever():
    while True:
        try:
            await asyncio.sleep(3600)
        except BaseException:
            continue


@hookimpl
async def lifespan(ctx):
    ctx.spawn(for_ever(), name="for ever")
    yield
"""


def test_a_platform_names_who_does_not_start_and_ends_whoever_will_not(folder: Path) -> None:
    (folder / "broken.py").write_text("import a_module_that_is_not_there")
    (folder / "stubborn.py").write_text(STUBBORN)
    (folder / "balefire.toml").write_text(
        "[kernel]\nplugins = ['broken.py', 'stubborn.py']\n[server]\ndrain_seconds = 0\n"
    )

    with serving(folder) as (process, url):
        said = (folder / "output.txt").read_text()
        assert "broken (failed): it cannot be imported: ModuleNotFoundError" in said
        assert f"balefire plugins --url {url}" in said

        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_SECONDS) == 0
        assert "task 'stubborn:for ever' ignores that it was cancelled" in (folder / "output.txt").read_text()


def test_a_port_that_is_taken_is_one_sentence_not_a_traceback(folder: Path) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        command = [sys.executable, "-m", "balefire", "serve", "--port", port]
        run = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False)

    assert run.returncode == 1
    assert f"cannot start on 127.0.0.1:{port}" in run.stderr
    assert "Traceback" not in run.stderr


def test_a_wrong_configuration_does_not_start_and_exits_with_2(folder: Path) -> None:
    command = [sys.executable, "-m", "balefire", "serve", "--data", "elsewhere"]
    environ = {**os.environ, "BALEFIRE_SERVER__PROT": "1"}
    run = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, timeout=60, check=False)

    assert run.returncode == 2
    assert "server.prot: no such setting" in run.stderr
    assert not (folder / "elsewhere").exists()
