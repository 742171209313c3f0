"""HTTP as plugins register it: typed operations that appear in the OpenAPI document, and raw routes that do not."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from aiohttp import web

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]


@dataclass(frozen=True, slots=True)
class Operation:
    """A typed REST operation.

    ``handler`` is an async function. Its parameters are filled by annotation: a name that stands in ``path`` comes
    from the path, a pydantic model from the JSON body, ``Identity`` is the caller, ``aiohttp.web.Request`` the raw
    request, everything else the query string. It returns a pydantic model (or a list of them), ``None`` for 204, or
    an ``aiohttp.web.StreamResponse``. Its docstring is the operation's text, its name the operation id. A raised
    BalefireError becomes a problem document (RFC 9457) with the error's status and code.

    ``scope`` is what the caller's identity must hold; ``None`` makes the operation public. ``errors`` documents the
    statuses it may answer beside 401, 403, 413, 415, 422 and 429. Operations that create something honour the
    ``Idempotency-Key`` header when ``is_idempotent`` is true: the first answer is stored and given again for 24 h.
    """

    method: Method
    path: str
    handler: Callable[..., Awaitable[Any]]
    scope: str | None
    tags: tuple[str, ...] = ()
    status: int = 200
    errors: Mapping[int, str] = field(default_factory=dict)
    is_idempotent: bool = False
    rate: str = "default"


@dataclass(frozen=True, slots=True)
class RawRoute:
    """A plain aiohttp handler: pages, sockets, web hooks with secrets in their path. Not in the OpenAPI document."""

    method: Method
    path: str
    handler: "Callable[[web.Request], Awaitable[web.StreamResponse]]"


Route = Operation | RawRoute
