"""What the server notes on a request while it is being answered."""

from typing import Final

from aiohttp import web

REQUEST_ID: Final = web.RequestKey("request_id", str)
ADDRESS: Final = web.RequestKey("address", str)
"""Where it comes from, also behind a trusted proxy."""
PLUGIN: Final = web.RequestKey("plugin", str)
"""Whose handler answers; named in the log when it fails."""
ALLOW: Final = web.RequestKey("allow", str)
"""The Allow header of a 405."""
RATE_HEADERS: Final[web.RequestKey[dict[str, str]]] = web.RequestKey("rate_headers", dict)
ROUTE: Final = web.RequestKey("route", str)
"""The address as it was registered, for the log: the one that was asked for may hold a secret."""
