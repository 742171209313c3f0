"""What the chat page is served as: strict policy, cached for ever by content, complete, in two languages."""

import re
from collections.abc import AsyncIterator
from importlib.resources import files
from pathlib import Path

import httpx
import pytest

from balefire.testing import start_platform
from balefire_chat_page.page import MODULES

STATIC = Path(str(files("balefire_chat_page"))) / "static"
OWN_SCRIPTS = sorted((STATIC / "app").rglob("*.js"))
IMPORT = re.compile(r"""(?:from|import)\s*["']([^"']+)["']""")


@pytest.fixture
async def http(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with (
        start_platform(tmp_path) as platform,
        httpx.AsyncClient(base_url=platform.url, trust_env=False) as client,
    ):
        yield client


async def test_the_policy_allows_nothing_from_elsewhere_and_nothing_inline(http: httpx.AsyncClient) -> None:
    policy = (await http.get("/")).headers["content-security-policy"]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))

    assert rules["default-src"] == "'none'"
    assert "unsafe" not in policy
    assert re.fullmatch(r"'self' 'sha256-[A-Za-z0-9+/=]+'", rules["script-src"])
    assert rules["style-src"] == "'self'"
    assert rules["frame-ancestors"] == "'none'"
    assert rules["connect-src"].split() == [
        "'self'",
        f"ws://{http.base_url.netloc.decode()}",
        f"wss://{http.base_url.netloc.decode()}",
    ]


async def test_a_forged_host_does_not_get_into_the_policy(http: httpx.AsyncClient) -> None:
    answer = await http.get("/", headers={"Host": "evil.example; script-src *"})

    assert "evil" not in answer.headers.get("content-security-policy", "")


async def test_the_document_is_asked_for_again_and_its_files_are_not(http: httpx.AsyncClient) -> None:
    document = await http.get("/")
    assert document.headers["cache-control"] == "no-cache"
    again = await http.get("/", headers={"If-None-Match": document.headers["etag"]})
    assert again.status_code == 304

    addresses = re.findall(r'(?:href|src)="(/assets/[^"]+)"', document.text)
    assert len(addresses) > 20
    for address in addresses:
        file = await http.get(address)
        assert file.status_code == 200, address
        assert "immutable" in file.headers["cache-control"]
        assert file.headers["x-content-type-options"] == "nosniff"


async def test_a_file_of_another_version_is_not_kept(http: httpx.AsyncClient) -> None:
    assert (await http.get("/assets/0000000000000000/app/main.js")).headers["cache-control"] == "no-cache"
    assert (await http.get("/assets/0000000000000000/app/nothing.js")).status_code == 404
    assert (await http.get("/assets/x/..%2f..%2fplugin.py")).status_code == 404
    assert (await http.get("/favicon.ico")).headers["content-type"] == "image/svg+xml"


async def test_the_same_files_have_the_same_address_on_every_start(http: httpx.AsyncClient, tmp_path: Path) -> None:
    async with (
        start_platform(tmp_path / "second") as platform,
        httpx.AsyncClient(base_url=platform.url, trust_env=False) as second,
    ):
        assert (await http.get("/")).text == (await second.get("/")).text


@pytest.mark.parametrize("script", OWN_SCRIPTS, ids=lambda path: str(path.relative_to(STATIC)))
def test_every_import_of_a_script_leads_somewhere(script: Path) -> None:
    for name in IMPORT.findall(script.read_text(encoding="utf-8")):
        assert name in MODULES or (script.parent / name).resolve().is_file(), f"{script.name} imports {name}"


def test_nothing_makes_markup_from_text() -> None:
    forbidden = re.compile(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|dangerously")

    assert [path.name for path in OWN_SCRIPTS if forbidden.search(path.read_text(encoding="utf-8"))] == []


def test_both_languages_say_the_same_things() -> None:
    said = {
        language: dict(
            re.findall(
                r'^\s+"?([\w.]+)"?: "(.*)",$', (STATIC / "app/words" / f"{language}.js").read_text("utf-8"), re.M
            )
        )
        for language in ("en", "zh")
    }

    assert said["en"].keys() == said["zh"].keys()
    for key, sentence in said["en"].items():
        blanks = re.compile(r"\{\w+\}")
        assert set(blanks.findall(sentence)) == set(blanks.findall(said["zh"][key])), key
    used = {key for path in OWN_SCRIPTS for key in re.findall(r'\bt\("([\w.]+)"', path.read_text("utf-8"))}
    assert used <= said["en"].keys()


def test_what_is_vendored_names_its_version_and_licence() -> None:
    notes = (STATIC / "vendor" / "README.md").read_text(encoding="utf-8")

    for path in MODULES.values():
        assert Path(path).name in notes
    assert len(list((STATIC / "vendor").glob("LICENSE.*.txt"))) == 3
