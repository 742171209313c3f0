"""A hook is a promise: documented, kept, and changed on purpose only."""

import ast
import functools
import inspect
import re
from pathlib import Path

import pytest
from scripts.reference.hooks import EXAMPLES, hook_specs
from tests.house.hook_surface import FILE, surface
from tests.house.sources import modules

from balefire.testing import start_platform

HOOKS = hook_specs()


@pytest.mark.parametrize("name", HOOKS)
def test_the_docstring_says_when_what_how_it_fails_and_since_when(name: str) -> None:
    text = inspect.getdoc(HOOKS[name]) or ""

    parts = ["Called", "Returns", "Errors", "Since"]
    assert [part for part in parts if f"\n{part}: " not in text] == []
    places = [text.index(f"\n{part}: ") for part in parts]
    assert places == sorted(places)


@pytest.mark.parametrize("name", HOOKS)
def test_arguments_are_positional_and_typed(name: str) -> None:
    signature = inspect.signature(HOOKS[name])

    for parameter in signature.parameters.values():
        assert parameter.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD, "pluggy does not see other arguments"
        assert parameter.annotation is not inspect.Parameter.empty
    assert signature.return_annotation is not inspect.Signature.empty


@pytest.mark.parametrize("name", HOOKS)
def test_the_name_says_the_shape(name: str) -> None:
    is_async = inspect.iscoroutinefunction(HOOKS[name])

    assert name.startswith("register_") or is_async or name in {"describe", "lifespan"}
    assert not (name.startswith("register_") and is_async)


def test_the_surface_changes_on_purpose_only() -> None:
    assert surface() == FILE.read_text(), "if you meant it: python -m tests.house.hook_surface, and a changelog entry"


@pytest.mark.parametrize("name", HOOKS)
def test_a_built_in_plugin_implements_it(name: str) -> None:
    assert name in implemented(), "a hook that nobody needs is removed before release"


@pytest.mark.parametrize("name", HOOKS)
def test_a_test_names_it(name: str) -> None:
    assert name in names_in_tests()


@functools.cache
def names_in_tests() -> frozenset[str]:
    """Every identifier and text in the tests' code, but for this file."""
    trees = [tree for path, tree in modules("tests").items() if path.name != "test_hooks.py"]
    return frozenset(re.findall(r"\w+", "\n".join(map(ast.unparse, trees))))


@functools.cache
def implemented() -> frozenset[str]:
    """Names of functions under ``@hookimpl`` in the built-in plugins."""
    nodes = (node for tree in modules("plugins").values() for node in ast.walk(tree))
    functions = (node for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return frozenset(
        function.name
        for function in functions
        if any("hookimpl" in ast.unparse(decorator) for decorator in function.decorator_list)
    )


async def test_every_hook_has_an_example_that_runs(tmp_path: Path) -> None:
    files = sorted(EXAMPLES.glob("*.py"))

    async with start_platform(tmp_path, settings={"kernel": {"plugins": [str(file) for file in files]}}) as platform:
        states = {record.name: (record.state, record.reason) for record in platform.kernel.host.records.values()}

    assert {file.stem for file in files} == set(HOOKS)
    for file in files:
        assert states[file.stem.replace("_", "-")] == ("running", "")
        assert len(file.read_text().splitlines()) <= 20
        assert f"def {file.stem}(" in file.read_text()
