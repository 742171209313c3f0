"""A Jinja2 environment for templates by strangers.

Jinja2's sandbox keeps templates away from Python's insides. What it leaves open is bounded here: loops are counted,
every value that an operator, method or filter makes is measured, constructs that recurse or gather text without
measure are refused, and only filters and methods known to be harmless are there.
"""

import functools
import time
import traceback
from typing import Any, Final, cast

from jinja2 import ChainableUndefined, TemplateSyntaxError, nodes
from jinja2.runtime import Context, LoopContext, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

from balefire import InvalidInput
from balefire_incoming_hooks.allowance import CURRENT, MAX_TEMPLATE, Allowance, TemplateError, counted, measured
from balefire_incoming_hooks.filters import FILTERS, concatenated, shown

_METHODS: Final = frozenset(
    {"get", "items", "keys", "values", "startswith", "endswith", "strip", "lstrip", "rstrip", "split", "rsplit"}
    | {"splitlines", "lower", "upper", "title", "capitalize", "removeprefix", "removesuffix", "find", "count"}
)
_LOOP: Final = frozenset(
    {"index", "index0", "revindex", "revindex0", "first", "last", "length", "previtem", "nextitem"}
)
_REFUSED: Final = (
    *(nodes.Macro, nodes.CallBlock, nodes.Block, nodes.Extends, nodes.Import, nodes.FromImport, nodes.Include),
    *(nodes.AssignBlock, nodes.FilterBlock),
)
_BUILT_IN: Final = (
    *(
        "abs",
        "count",
        "d",
        "default",
        "dictsort",
        "first",
        "float",
        "groupby",
        "int",
        "items",
        "last",
        "length",
        "list",
    ),
    *("map", "max", "min", "reject", "rejectattr", "reverse", "round", "select", "selectattr", "sort", "unique"),
)

# Names that no template can spell.
_COUNTED: Final = "(counted)"
_MEASURED: Final = "(measured)"
_CONCATENATED: Final = "(concatenated)"


class _Absent(ChainableUndefined):
    """Renders as nothing, and so does everything looked up in it."""


class _Environment(ImmutableSandboxedEnvironment):
    intercepted_binops = frozenset(["+", "-", "*", "/", "//", "%", "**"])

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        if isinstance(obj, LoopContext):
            return attr in _LOOP
        if isinstance(obj, tuple):
            return attr in ("grouper", "list")
        return isinstance(obj, (str, dict)) and attr in _METHODS

    def getattr(self, obj: Any, attribute: str) -> Any:
        """JSON first: a payload's key wins over a method of the same name (``items``, ``values``, ``title``)."""
        if isinstance(obj, dict) and attribute in obj:
            return self._or_absent(obj[attribute], attribute)
        return super().getattr(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        return self._or_absent(super().getitem(obj, argument), str(argument))

    def _or_absent(self, value: Any, name: str) -> Any:
        return self.undefined(name=name) if value is None else value

    def wrap_str_format(self, value: Any) -> None:
        """Jinja2 would let ``format`` in by a side door; a width in it can ask for any amount of memory."""

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        if isinstance(left, Undefined) or isinstance(right, Undefined):
            return self.undefined()
        numbers = isinstance(left, (int, float)) and isinstance(right, (int, float))
        if operator in ("**", "%", "*") and not numbers:
            raise TemplateError(f"the operator {operator} is for numbers only")
        if operator == "**" and (abs(left) > 1_000_000 or abs(right) > 64):
            raise TemplateError("the operator ** is for small numbers only")
        return measured(super().call_binop(context, operator, left, right))

    def call(self, context: Context, obj: Any, /, *args: Any, **kwargs: Any) -> Any:
        if isinstance(obj, Undefined):
            raise TemplateError("only the methods of texts and objects can be called, and range")
        return measured(super().call(context, obj, *args, **kwargs))


class _Bounding(NodeTransformer):
    """Wraps loops, slices and joined texts in checks; refuses what cannot be bounded."""

    def visit_For(self, node: nodes.For) -> nodes.Node:  # noqa: N802  # the visitor finds methods by class name
        if node.recursive:
            raise TemplateError("recursive loops are not available in these templates", node.lineno)
        self.generic_visit(node)
        node.iter = _filtered(node.iter, _COUNTED)
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        return _filtered(nodes.List(node.nodes, lineno=node.lineno), _CONCATENATED)

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        return _filtered(node, _MEASURED) if isinstance(node.arg, nodes.Slice) else node


class CompiledTemplate:
    """A template, ready to be rendered from any thread.

    :raises TemplateError: it does not compile; with the line.
    """

    def __init__(self, text: str) -> None:
        if len(text) > MAX_TEMPLATE:
            raise TemplateError(f"a template may have {MAX_TEMPLATE} characters, this one has {len(text)}")
        environment = _environment()
        try:
            tree = environment.parse(text)
            for refused in tree.find_all(_REFUSED):
                name = type(refused).__name__.lower()
                raise TemplateError(f"{name} is not available in these templates", refused.lineno)
            code = environment.compile(_Bounding().visit(tree), filename="<template>")
            self._template = environment.template_class.from_code(environment, code, environment.make_globals(None))
        except TemplateSyntaxError as error:
            raise TemplateError(error.message or "syntax error", error.lineno) from None
        except (RecursionError, SyntaxError, MemoryError):  # of the Python code that Jinja2 makes of it
            raise TemplateError("too deeply nested") from None
        except ValueError as error:  # a number that Python does not read
            raise TemplateError(str(error)[:300]) from None

    def render(self, variables: dict[str, Any], allowance: Allowance, *, longest: int) -> str:
        """Fill it in; what goes beyond ``longest`` characters is left out.

        :raises TemplateError: with the line.
        """
        pieces: list[str] = []
        size = 0
        token = CURRENT.set(allowance)
        try:
            for piece in self._template.generate(variables):
                pieces.append(piece)
                size += len(piece)
                if size > longest:
                    break
        except TemplateError as error:
            raise TemplateError(error.reason, _line_of(error)) from None
        except Exception as error:  # whatever a stranger's template makes Python raise
            reason = str(error) or type(error).__name__
            raise TemplateError(reason[:300], _line_of(error)) from None
        finally:
            CURRENT.reset(token)
        return "".join(pieces)


def check(name: str, text: str) -> None:
    """Compile a template.

    :raises InvalidInput: it does not compile; names it and the line.
    """
    try:
        _compiled(text)
    except TemplateError as error:
        raise _invalid(name, error) from None


def render(name: str, text: str, variables: dict[str, Any], *, seconds: float, longest: int) -> str:
    """Fill a template in; what goes beyond ``longest`` characters is left out.

    :raises InvalidInput: it cannot be rendered, or not in that time; names it and the line.
    """
    allowance = Allowance(until=time.monotonic() + seconds)
    try:
        return _compiled(text).render(variables, allowance, longest=longest)
    except TemplateError as error:
        raise _invalid(name, error) from None


def _invalid(name: str, error: TemplateError) -> InvalidInput:
    place = f"line {error.line}: " if error.line else ""
    return InvalidInput(f"{name}, {place}{error.reason}", where=f"{name}:{error.line}" if error.line else name)


@functools.lru_cache(maxsize=1024)
def _compiled(text: str) -> CompiledTemplate:
    return CompiledTemplate(text)


@functools.cache
def _environment() -> _Environment:
    environment = _Environment(
        undefined=_Absent,
        autoescape=False,  # messages are plain text, never markup
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=shown,
    )
    chosen = {name: environment.filters[name] for name in _BUILT_IN} | FILTERS
    environment.filters = {name: _measuring(filter_) for name, filter_ in chosen.items()}
    environment.filters |= {_COUNTED: counted, _MEASURED: measured, _CONCATENATED: _measuring(concatenated)}
    environment.globals = {"range": environment.globals["range"]}
    return environment


def _measuring(filter_: Any) -> Any:
    """A filter whose result is measured. Generators pass: what they yield is measured where it is made."""

    @functools.wraps(filter_)
    def measuring(*args: Any, **kwargs: Any) -> Any:
        return measured(filter_(*args, **kwargs))

    return measuring


def _filtered(node: nodes.Node, name: str) -> nodes.Filter:
    return nodes.Filter(cast(nodes.Expr, node), name, [], [], None, None, lineno=node.lineno)


def _line_of(error: BaseException) -> int:
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == "<template>"]
    return (lines[-1] or 0) if lines else 0
