"""What people install is whole: wheel and source archive are built, looked into, and the wheel is installed and run."""

import os
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest
from tests.house.sources import PROJECT, ROOTS, tracked_files

ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "BALEFIRE_"))}

START = """
import asyncio, pathlib
from balefire.testing import start_platform

async def main():
    async with start_platform(pathlib.Path("platform")) as platform:
        print((await platform.http.get("/readyz")).status_code, platform.kernel.__module__)

asyncio.run(main())
"""


DEMO = """
from balefire_demo import github
print(len(github.read_events()), "push" in github.hook_definition("github", [])["templates"], github.example_folder())
"""

DELIVER = """
import asyncio, pathlib, sys
sys.path.insert(0, "acme/tests")
from acme_stand_in import KEY, AcmeStandIn
from balefire.testing import start_platform

async def main():
    async with AcmeStandIn() as acme:
        plugins = {"push-acme": {"api_key": KEY, "endpoint": acme.url}}
        async with start_platform(pathlib.Path("delivering"), plugins=plugins) as platform:
            await platform.add_user("bob")
            bob = {"Authorization": "Bearer " + await platform.token("bob")}
            device = {"vendor": "acme", "token": "bobs-phone"}
            (await platform.http.put("/v1/devices/phone", json=device, headers=bob)).raise_for_status()
            alice = await platform.client("alice")
            await alice.send("private/bob", "tea at five?")
            async with asyncio.timeout(30):
                while not acme.accepted:
                    await asyncio.sleep(0.01)
            print(acme.accepted[0].token, acme.accepted[0].body)

asyncio.run(main())
"""


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the source archive, built from this tree."""
    folder = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "hatchling", "build", "--directory", str(folder)]
    subprocess.run(build, cwd=PROJECT, check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def installed(archives: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh virtual environment with the wheel; what it depends on is borrowed from this environment."""
    folder = tmp_path_factory.mktemp("fresh") / "venv"
    python = folder / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    [wheel] = archives.glob("*.whl")
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-index", "--no-deps"]
    subprocess.run([*pip, str(wheel)], check=True, capture_output=True)
    [packages] = folder.glob("lib/python*/site-packages")
    (packages / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder


def run(venv: Path, *command: str) -> str:
    cwd = venv.parent
    done = subprocess.run(command, cwd=cwd, env=ENVIRONMENT, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_wheel_holds_every_file_of_the_packages(archives: Path) -> None:
    [wheel] = archives.glob("*.whl")
    shipped = set(zipfile.ZipFile(wheel).namelist())

    expected = {
        str(path.relative_to(PROJECT / root))
        for root in ROOTS
        for path in tracked_files()
        if path.is_relative_to(PROJECT / root)
    }

    assert expected - shipped == set()


def test_every_package_is_typed_and_only_packages_are_shipped(archives: Path) -> None:
    [wheel] = archives.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    packages = {name.split("/")[0] for name in names if ".dist-info" not in name}

    assert {package for package in packages if f"{package}/py.typed" not in names} == set()
    assert {package for package in packages if not package.startswith("balefire")} == set()


def test_the_source_archive_can_build_and_test_itself(archives: Path) -> None:
    [archive] = archives.glob("*.tar.gz")
    with tarfile.open(archive) as files:
        top = {Path(name).parts[1] for name in files.getnames() if len(Path(name).parts) > 1}

    assert {"core", "hookspecs", "plugins", "tests", "docs", "LICENSE", "README.md", "pyproject.toml"} <= top


def test_the_installed_command_explains_itself(installed: Path) -> None:
    assert "serve" in run(installed, str(installed / "bin" / "balefire"), "--help")


def test_the_installed_command_finds_the_built_in_plugins(installed: Path) -> None:
    listed = run(installed, str(installed / "bin" / "balefire"), "plugins")

    assert "store-sql" in listed and "gateway-websocket" in listed


def test_the_installed_platform_starts(installed: Path) -> None:
    assert run(installed, str(installed / "bin" / "python"), "-c", START) == "200 balefire.kernel\n"


@pytest.mark.timeout(300)
def test_a_new_vendor_is_written_checked_installed_and_delivers(installed: Path) -> None:
    balefire, python = str(installed / "bin" / "balefire"), str(installed / "bin" / "python")

    run(installed, balefire, "plugin", "new", "push", "acme")
    assert "✓ tests: " in run(installed, balefire, "plugin", "check", "acme")
    offline = ["--quiet", "--no-index", "--no-deps", "--no-build-isolation"]
    run(installed, sys.executable, "-m", "pip", "--python", python, "install", *offline, "./acme")

    assert run(installed, python, "-c", DELIVER) == "bobs-phone tea at five?\n"


def test_the_installed_demo_brings_its_events(installed: Path) -> None:
    events, has_templates, folder = run(installed, str(installed / "bin" / "python"), "-c", DEMO).split()

    assert (events, has_templates) == ("8", "True")
    assert Path(folder).is_relative_to(installed)
