"""The layering holds, and the check of it would notice if it did not."""

import ast

import pytest
from tests.house.layering import check_module, problems
from tests.house.sources import PROJECT, modules, plugin_packages


def test_imports_point_one_way() -> None:
    assert problems() == []


@pytest.mark.parametrize(
    ("root", "file", "line"),
    [
        ("hookspecs", "balefire_hookspecs/x.py", "import balefire"),
        ("hookspecs", "balefire_hookspecs/x.py", "from balefire_groups import Plugin"),
        ("core", "balefire/x.py", "from balefire_push import hub"),
        ("core", "balefire/x.py", "def f():\n    import balefire_push"),
        ("plugins", "balefire_groups/x.py", "from balefire_private import Plugin"),
        ("plugins", "balefire_groups.py", "from balefire_private import Plugin"),
        ("plugins", "balefire_groups/x.py", "from balefire.kernel import Kernel"),
        ("plugins", "balefire_groups/x.py", "from balefire import kernel"),
        ("plugins", "balefire_groups/x.py", "from balefire_hookspecs import Message"),
        ("plugins", "balefire_groups/x.py", "from . import rules"),
    ],
)
def test_a_wrong_import_is_found(root: str, file: str, line: str) -> None:
    assert list(check_module(root, PROJECT / root / file, ast.parse(line)))


@pytest.mark.parametrize(
    ("root", "file", "line"),
    [
        ("core", "balefire/x.py", "from balefire_hookspecs import Message"),
        ("plugins", "balefire_groups/x.py", "from balefire import Message, hookimpl"),
        ("plugins", "balefire_groups/x.py", "from balefire_groups.rules import may_speak"),
        ("plugins", "balefire_demo/x.py", "from balefire.client import Client"),
        ("plugins", "balefire_groups/x.py", "import asyncio"),
    ],
)
def test_a_right_import_passes(root: str, file: str, line: str) -> None:
    assert list(check_module(root, PROJECT / root / file, ast.parse(line))) == []


def test_the_kernel_names_no_plugin_package() -> None:
    named = {
        (path.name, node.value)
        for path, tree in modules("core").items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and node.value in plugin_packages()
    }

    assert named == set()
