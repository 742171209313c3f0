"""``hooks.md``: every hook, from the docstrings of the contract."""

import ast
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

from scripts.reference.built_in import implementers
from scripts.reference.markdown import GENERATED, paragraph, table

from balefire_hookspecs import API_VERSION, PROJECT, hooks

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples" / "hooks"

INTRODUCTION = """\
# Hooks

Every way a plugin can take part. This is version {version} of the contract; a plugin names the version it was written
for in its `Manifest`. `def` hooks register: the platform calls them once per plugin, at start, with the plugin's own
context. `async def` hooks are called per event, in one of three shapes: *notify* (all hear), *ask* (the first answer
decides), *amend* (each may replace the first argument). What may be slow or must not be lost is no hook but an
[event consumer](#register_event_consumers) with a durable cursor.

Name only the arguments you use, in any order. Import every name from `balefire`.
"""


def hook_specs() -> dict[str, Callable[..., Any]]:
    """Every hook specification by name, in the order of the contract."""
    return {name: spec for name, spec in vars(hooks).items() if hasattr(spec, f"{PROJECT}_spec")}


def signature(name: str) -> str:
    """``async def name(argument: Type) -> Type``, as the contract spells it."""
    [definition] = (node for node in ast.parse(inspect.getsource(hooks)).body if getattr(node, "name", "") == name)
    assert isinstance(definition, ast.FunctionDef | ast.AsyncFunctionDef) and definition.returns
    colour = "async def" if isinstance(definition, ast.AsyncFunctionDef) else "def"
    returns = ast.unparse(definition.returns).strip("'")
    return f"{colour} {name}({ast.unparse(definition.args)}) -> {returns}"


def page() -> str:
    """The page, in the order of the contract."""
    head = INTRODUCTION.format(version=".".join(map(str, API_VERSION)))
    specs = hook_specs()
    overview = table(
        ["Hook", "What for"],
        ([f"[`{name}`](#{name})", _summary(spec)] for name, spec in specs.items()),
    )
    return "\n".join([GENERATED, head, overview, *(_entry(name, spec) for name, spec in specs.items())])


def _summary(spec: Callable[..., Any]) -> str:
    return paragraph((inspect.getdoc(spec) or "").split("\n\n")[0])


def _entry(name: str, spec: Callable[..., Any]) -> str:
    text = inspect.getdoc(spec) or ""
    rows = [(part, paragraph(_section(text, part))) for part in ("Called", "Returns", "Errors", "Since")]
    rows += [(f"`{argument}`", paragraph(meaning)) for argument, meaning in _arguments(text)]
    rows += [("Used by", ", ".join(f"`{plugin}`" for plugin in implementers(name)))]
    example = (EXAMPLES / f"{name}.py").read_text().strip()
    return (
        f"## {name}\n\n{_summary(spec)}\n\n```python\n{signature(name)}\n```\n\n"
        + table(["", ""], rows)
        + f"\n```python\n{example}\n```\n"
    )


def _section(text: str, part: str) -> str:
    after = text.split(f"\n{part}: ", 1)[1]
    lines = after.splitlines()
    end = next((i for i, line in enumerate(lines) if i and not line.startswith(" ")), len(lines))
    return " ".join(lines[:end])


def _arguments(text: str) -> list[tuple[str, str]]:
    documented = text.split("\n:param ")[1:]
    return [(name, meaning) for name, _, meaning in (entry.partition(": ") for entry in documented)]
