"""New plugins: what is written works at once, passes its check, and delivers in a running platform."""

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from balefire import Device, Payload, Submission
from balefire.cli import main
from balefire.testing import start_platform
from balefire.testing.push_stand_in import HttpStandIn


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    known = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - known:
        if "acme" in name or name.startswith("balefire_file_"):
            del sys.modules[name]


def balefire(*args: str) -> Result:
    return CliRunner().invoke(main, args, env={"LC_ALL": "C.UTF-8", "BALEFIRE_CONFIG": None})


@pytest.mark.parametrize(("kind", "name"), [("push", "my_vendor"), ("robot", "tea-maker")])
def test_a_new_plugin_passes_its_check_at_once(kind: str, name: str) -> None:
    assert balefire("plugin", "new", kind, name).exit_code == 0

    result = balefire("plugin", "check", name)

    assert result.exit_code == 0, result.output
    assert f"✓ plugin '{kind}-{name.replace('_', '-')}' 0.1.0 loads" in result.output
    assert "✓ tests: " in result.output


def test_the_name_is_put_in_everywhere_in_the_right_spelling(folder: Path) -> None:
    balefire("plugin", "new", "push", "my_vendor")

    files = {str(file.relative_to(folder)): file.read_text() for file in folder.rglob("*") if file.is_file()}

    assert sorted(files) == [
        "my_vendor/README.md",
        "my_vendor/balefire_push_my_vendor.py",
        "my_vendor/pyproject.toml",
        "my_vendor/tests/conftest.py",
        "my_vendor/tests/my_vendor_stand_in.py",
        "my_vendor/tests/test_contract.py",
        "my_vendor/tests/test_my_vendor.py",
    ]
    assert not [name for name, text in files.items() if "acme" in text.lower()]
    assert 'push-my-vendor = "balefire_push_my_vendor:Plugin"' in files["my_vendor/pyproject.toml"]
    assert "class MyVendor:" in files["my_vendor/balefire_push_my_vendor.py"]
    assert '{ env = "MY_VENDOR_KEY" }' in files["my_vendor/README.md"]
    assert 'plugins = ["./my_vendor"]' in files["my_vendor/README.md"]


@pytest.mark.parametrize("name", ["Acme", "my vendor", "../elsewhere", "9lives", "class", ""])
def test_a_name_that_no_plugin_can_have_is_refused(folder: Path, name: str) -> None:
    result = balefire("plugin", "new", "push", name)

    assert result.exit_code == 1
    assert "a plugin's name is lower-case words" in result.output
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("kind", "name", "reason"),
    [
        ("push", "apns", "a plugin 'push-apns' is installed already"),
        ("robot", "echo", "a plugin 'robot-echo' is installed already"),
        ("push", "plugin", "'plugin' already means something in a plugin's code"),
        ("push", "contract", "'contract' already means something in a plugin's code"),
        ("robot", "config", "'config' already means something in a plugin's code"),
    ],
)
def test_a_name_that_is_taken_is_refused(folder: Path, kind: str, name: str, reason: str) -> None:
    result = balefire("plugin", "new", kind, name)

    assert result.exit_code == 1
    assert reason in result.output
    assert list(folder.iterdir()) == []


def test_a_name_that_holds_the_templates_own_name_is_put_in_once(folder: Path) -> None:
    balefire("plugin", "new", "push", "acme_two")

    readme = (folder / "acme_two" / "README.md").read_text()

    assert "balefire plugin check ./acme_two`" in readme
    assert "push-acme-two" in readme


def test_what_is_there_already_is_not_overwritten(folder: Path) -> None:
    (folder / "acme").mkdir()

    result = balefire("plugin", "new", "push", "acme")

    assert result.exit_code == 1
    assert "acme is there already" in result.output


# -- the check finds what is wrong -------------------------------------------------------------------------------------


SKIPPING = """
def pytest_collection_modifyitems(items):
    for item in items:
        if item.name.startswith("test_silence"):
            item.add_marker("skip")
"""


def changed(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


@pytest.mark.parametrize(
    ("file", "old", "new", "finding"),
    [
        (
            "balefire_push_acme.py",
            "register_push_vendors",
            "register_push_vendor",
            "did you mean 'register_push_vendors'?",
        ),
        ("balefire_push_acme.py", "import httpx", "import nowhere", "it cannot be imported: ModuleNotFoundError"),
        ("balefire_push_acme.py", 'summary="Push through Acme"', 'summary=""', "the manifest has no summary"),
        (
            "balefire_push_acme.py",
            ', description="where Acme\'s API is"',
            "",
            "settings without a description: endpoint",
        ),
        ("tests/test_contract.py", "PushVendorContract", "object", "no test inherits"),
        ("pyproject.toml", "[project.entry-points.balefire]", "[project.entry-points.other]", "has no [project.entry-"),
    ],
)
def test_the_check_tells_a_mistake(folder: Path, file: str, old: str, new: str, finding: str) -> None:
    balefire("plugin", "new", "push", "acme")
    changed(folder / "acme" / file, old, new)
    if file.endswith("contract.py"):
        changed(folder / "acme" / file, "from balefire.testing.push_vendor import object\n", "")
        for test in (folder / "acme" / "tests").glob("test_acme.py"):
            test.write_text("def test_nothing() -> None: ...\n")

    result = balefire("plugin", "check", "acme", *([] if file.endswith("contract.py") else ["--skip-tests"]))

    assert result.exit_code == 1
    assert finding in result.output


def test_a_vendor_that_skips_a_part_of_the_kit_does_not_pass(folder: Path) -> None:
    balefire("plugin", "new", "push", "acme")
    changed(folder / "acme" / "tests" / "conftest.py", "import pytest\n", "import pytest\n" + SKIPPING)

    result = balefire("plugin", "check", "acme")

    assert result.exit_code == 1
    assert "these tests were not passed: test_silence_ends_as_try_later\n" in result.output


def test_the_kit_finds_a_vendor_that_leaks_a_token(folder: Path) -> None:
    balefire("plugin", "new", "push", "acme")
    changed(
        folder / "acme" / "balefire_push_acme.py",
        'TokenRejected("acme no longer knows this device")',
        'TokenRejected(f"acme no longer knows {response.request.content!r}")',
    )

    result = balefire("plugin", "check", "acme")

    assert result.exit_code == 1
    assert "✗ the tests fail" in result.output
    assert "test_a_device_that_is_gone_is_not_named" in result.output


def test_a_file_without_tests_can_be_looked_at(folder: Path) -> None:
    (folder / "small.py").write_text(
        '"""Says hello."""\nfrom balefire import Manifest, hookimpl\n\n'
        '@hookimpl\ndef describe():\n    return Manifest(summary="Says hello", summary_zh="问好")\n'
    )

    assert balefire("plugin", "check", "small.py", "--skip-tests").exit_code == 0
    assert "there are no tests" in balefire("plugin", "check", "small.py").output


# -- in a running platform ---------------------------------------------------------------------------------------------


def stand_in_of(folder: Path) -> Any:
    """The module of the stand-in that the new plugin brings for its own tests."""
    spec = importlib.util.spec_from_file_location("acme_stand_in", folder / "acme" / "tests" / "acme_stand_in.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


async def test_a_new_vendor_delivers_in_a_running_platform(folder: Path) -> None:
    from tests.push.waiting import until

    balefire("plugin", "new", "push", "acme")
    module = stand_in_of(folder)
    stand_in: HttpStandIn
    async with module.AcmeStandIn() as stand_in:
        settings = {"kernel": {"plugins": [str(folder / "acme")]}}
        table = {"api_key": module.KEY, "endpoint": stand_in.url}
        async with start_platform(folder, plugins={"push-acme": table}, settings=settings) as platform:
            kernel = platform.kernel
            assert kernel.host.records["push-acme"].state == "running"
            for user in ("alice", "bob"):
                await platform.add_user(user)
            await kernel.store.put_device(Device(user="bob", id="phone", vendor="acme", token="bobs-phone"))

            await kernel.path.submit(
                Submission(
                    sender="alice",
                    conversation=kernel.resolve("private/bob", "alice"),
                    payload=Payload("text", {"text": "tea at five?"}),
                    client_message_id="one",
                )
            )

            await until(lambda: len(stand_in.accepted) == 1)
            [accepted] = stand_in.accepted
            assert (accepted.token, accepted.body) == ("bobs-phone", "tea at five?")
