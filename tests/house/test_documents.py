"""The documentation tells the truth: what it says to type works, what is generated is current, links lead somewhere."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.house.documents import Reader, blocks
from tests.house.sources import PROJECT

DOCS = PROJECT / "docs"
CHINESE = [PROJECT / "README.zh.md", *sorted(DOCS.rglob("*.zh.md"))]
COPIED = [page for page in CHINESE if page.is_relative_to(DOCS) and page.parent.name != "tutorial"]
"""Chinese pages whose blocks are those of the English page, letter by letter: to follow one is to follow both."""

FOLLOWED = sorted({*DOCS.glob("tutorial/*.md"), *DOCS.glob("how-to/*.md")} - {*COPIED})
WRITTEN = [PROJECT / name for name in ("README.md", "README.zh.md", "CONTRIBUTING.md", "CHANGELOG.md")]
EXAMPLES = sorted((PROJECT / "examples").rglob("*.md"))
EVERY_PAGE = [*WRITTEN, *sorted(DOCS.rglob("*.md"))]


def name(page: Path) -> str:
    return str(page.relative_to(PROJECT))


def english(page: Path) -> Path:
    return page.with_name(page.name.replace(".zh.md", ".md"))


def links(page: Path) -> list[str]:
    """Where a page leads, besides the rest of the world."""
    return [target for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()) if "://" not in target]


@pytest.mark.parametrize("page", FOLLOWED, ids=name)
def test_what_the_page_says_to_type_works(page: Path, tmp_path: Path) -> None:
    with Reader(tmp_path) as reader:
        reader.follow(page)


def test_generated_pages_are_up_to_date() -> None:
    # In a process of its own, as `make docs` runs: what other tests imported must not show.
    command = [sys.executable, "-m", "scripts.reference", "--check"]
    environ = {**os.environ, "LC_ALL": "zh_CN.UTF-8"}  # they are in English, wherever they are made
    checked = subprocess.run(
        command, cwd=PROJECT, env=environ, capture_output=True, text=True, timeout=100, check=False
    )

    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize("info", ["bash runs", "python one two", "", "text"])
def test_a_block_that_would_be_passed_over_by_mistake_is_told(info: str, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"```{info}\nfalse\n```\n")

    with pytest.raises((ValueError, AssertionError)):
        Reader(tmp_path).follow(page)


@pytest.mark.parametrize("page", EVERY_PAGE, ids=name)
def test_every_block_of_code_names_its_language(page: Path) -> None:
    assert [block.text for block in blocks(page) if not block.info] == []


@pytest.mark.parametrize("page", [*EVERY_PAGE, *EXAMPLES], ids=name)
def test_programs_on_pages_nobody_follows_are_run_elsewhere(page: Path) -> None:
    """Python is run: on pages to follow from top to bottom, in the hook reference from ``docs/examples/hooks``."""
    if page not in [*FOLLOWED, *COPIED] and page.name != "hooks.md":
        assert [block.text for block in blocks(page) if block.info.split()[:1] == ["python"]] == []


@pytest.mark.parametrize("page", [*EVERY_PAGE, *EXAMPLES], ids=name)
def test_links_lead_somewhere(page: Path) -> None:
    assert [target for target in links(page) if not leads_somewhere(page, target)] == []


def leads_somewhere(page: Path, target: str) -> bool:
    path, _, anchor = target.partition("#")
    file = page.parent / path if path else page
    return file.exists() and (not anchor or anchor in anchors(file))


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", FOLLOWED, ids=name)
def test_pages_to_follow_are_short(page: Path) -> None:
    assert len(page.read_text().splitlines()) <= 160


def test_the_chinese_tutorial_has_the_same_blocks() -> None:
    english, chinese = (list(blocks(DOCS / "tutorial" / f"first-message{suffix}.md")) for suffix in ("", ".zh"))

    assert [block.info for block in chinese] == [block.info for block in english]


@pytest.mark.parametrize("page", COPIED, ids=name)
def test_a_chinese_page_has_the_blocks_and_sections_of_the_english_one(page: Path) -> None:
    def sections(page: Path) -> list[str]:
        return re.findall(r"^#+(?= )", page.read_text(), re.MULTILINE)

    assert list(blocks(page)) == list(blocks(english(page)))
    assert sections(page) == sections(english(page))


@pytest.mark.parametrize("page", CHINESE, ids=name)
def test_a_chinese_page_and_the_english_one_name_each_other(page: Path) -> None:
    assert english(page).name in links(page)
    assert page.name in links(english(page))


@pytest.mark.parametrize("page", CHINESE, ids=name)
def test_a_chinese_page_leads_to_chinese_pages_where_there_are_any(page: Path) -> None:
    targets = {(page.parent / target.partition("#")[0]).resolve() for target in links(page)} - {english(page)}

    assert [name(target) for target in targets if target.with_suffix(".zh.md").exists()] == []


def test_every_page_is_in_the_index() -> None:
    index = (DOCS / "index.md").read_text()

    pages = [str(page.relative_to(DOCS)) for page in DOCS.rglob("*.md") if page != DOCS / "index.md"]
    assert [page for page in pages if f"({page})" not in index] == []
