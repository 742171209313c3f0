"""The texture of the code: small functions, modules named for one idea."""

import ast
import statistics
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.house.sources import PROJECT, ROOTS, modules

SOURCES = {path: tree for root in ROOTS for path, tree in modules(root).items()}
Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions() -> Iterator[tuple[Path, Function]]:
    for path, tree in SOURCES.items():
        yield from ((path, node) for node in ast.walk(tree) if isinstance(node, Function))


def body_lines(function: Function) -> int:
    """Lines of the body without its docstring."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def test_functions_are_short() -> None:
    lengths = sorted(body_lines(function) for _, function in functions())

    assert statistics.median(lengths) <= 6
    assert lengths[len(lengths) * 90 // 100] <= 25
    assert lengths[len(lengths) * 99 // 100] <= 60


def test_modules_are_named_for_an_idea() -> None:
    kinds = {"utils", "util", "helpers", "helper", "common", "base", "types", "misc"}

    assert [str(path.relative_to(PROJECT)) for path in SOURCES if path.stem in kinds] == []


def test_modules_are_one_idea_long() -> None:
    longest = {str(path.relative_to(PROJECT)): len(path.read_text().splitlines()) for path in SOURCES}

    assert {name: lines for name, lines in longest.items() if lines > 450} == {}


@pytest.mark.parametrize("root", ROOTS)
def test_every_module_says_what_it_is_for(root: str) -> None:
    mute = [path for path, tree in modules(root).items() if tree.body and not ast.get_docstring(tree)]

    assert [str(path.relative_to(PROJECT)) for path in mute if "migrations" not in path.parts] == []


def test_everything_is_annotated() -> None:
    bare = [
        f"{path.relative_to(PROJECT)}:{function.lineno}"
        for path, function in functions()
        if function.returns is None and function.name != "__init__"
    ]

    assert bare == []
