"""Serves the page: a document that is never cached, and files under a hash of all of them that are kept for ever."""

import base64
import hashlib
import html
import json
import mimetypes
import re
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

from aiohttp import web

from balefire import RawRoute, Route

MODULES: Final = {
    "preact": "vendor/preact.js",
    "preact/hooks": "vendor/preact-hooks.js",
    "htm": "vendor/htm.js",
    "@preact/signals": "vendor/preact-signals.js",
    "@preact/signals-core": "vendor/preact-signals-core.js",
}
"""Names that the page's modules import, as a bundler would resolve them from npm."""

MEDIA_TYPES: Final = {".js": "text/javascript", ".svg": "image/svg+xml", ".webmanifest": "application/manifest+json"}
HOST: Final = re.compile(r"^[A-Za-z0-9.-]+(:\d+)?$|^\[[0-9a-fA-F:]+\](:\d+)?$")
FOR_EVER: Final = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class _File:
    body: bytes
    media_type: str


class ChatPage:
    """The document and its files, read once and held in memory.

    :param accounts_url: handed to the page; see the plugin's settings.
    """

    def __init__(self, *, accounts_url: str = "") -> None:
        self._files = dict(_read(files("balefire_chat_page") / "static"))
        template = self._files.pop("index.html").body.decode()
        digest = hashlib.sha256(json.dumps(sorted((name, _etag(f.body)) for name, f in self._files.items())).encode())
        self._version = digest.hexdigest()[:16]
        import_map = json.dumps({"imports": {name: self._address(path) for name, path in MODULES.items()}})
        self._document = _fill(
            template,
            {
                "accounts_url": html.escape(accounts_url),
                "assets": self._address("").rstrip("/"),
                "import_map": import_map,
                "preloads": "\n".join(
                    f'<link rel="modulepreload" href="{self._address(name)}">' for name in self._scripts()
                ),
            },
        ).encode()
        self._script_hash = base64.b64encode(hashlib.sha256(import_map.encode()).digest()).decode()
        self._etag = f'"{_etag(self._document)}"'

    def routes(self) -> list[Route]:
        """The page's routes."""
        return [
            RawRoute("GET", "/", self.document),
            RawRoute("GET", "/assets/{version}/{name:.+}", self.asset),
            RawRoute("GET", "/favicon.ico", self.favicon),
        ]

    async def document(self, request: web.Request) -> web.StreamResponse:
        """The page itself."""
        headers = {"Cache-Control": "no-cache", "ETag": self._etag, **self._policy(request.host)}
        if request.headers.get("If-None-Match") == self._etag:
            return web.Response(status=304, headers=headers)
        return web.Response(body=self._document, content_type="text/html", charset="utf-8", headers=headers)

    async def asset(self, request: web.Request) -> web.StreamResponse:
        """A file of the page; one asked for under another version's address is served, but not kept."""
        name = request.match_info["name"]
        if (file := self._files.get(name)) is None:
            raise web.HTTPNotFound(text=f"the chat page has no file {name!r}")
        is_current = request.match_info["version"] == self._version
        headers = {
            "Cache-Control": FOR_EVER if is_current else "no-cache",
            "ETag": f'"{_etag(file.body)}"',
            "X-Content-Type-Options": "nosniff",
        }
        if request.headers.get("If-None-Match") == headers["ETag"]:
            return web.Response(status=304, headers=headers)
        is_text = file.media_type.startswith("text/")
        return web.Response(
            body=file.body, content_type=file.media_type, charset="utf-8" if is_text else None, headers=headers
        )

    async def favicon(self, request: web.Request) -> web.StreamResponse:
        """What browsers ask for without being told."""
        file = self._files["icon.svg"]
        return web.Response(
            body=file.body, content_type=file.media_type, headers={"Cache-Control": "public, max-age=86400"}
        )

    def _address(self, name: str) -> str:
        return f"/assets/{self._version}/{name}"

    def _scripts(self) -> list[str]:
        return sorted(name for name in self._files if name.endswith(".js"))

    def _policy(self, host: str) -> dict[str, str]:
        # Older browsers do not count ws://same-host as 'self'.
        sockets = f" ws://{host} wss://{host}" if HOST.match(host) else ""
        policy = (
            f"default-src 'none'; script-src 'self' 'sha256-{self._script_hash}'; style-src 'self';"
            f" img-src 'self' data:; connect-src 'self'{sockets}; manifest-src 'self'; base-uri 'none';"
            " form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'"
        )
        return {
            "Content-Security-Policy": policy,
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cross-Origin-Opener-Policy": "same-origin",
        }


def _read(folder: Traversable, prefix: str = "") -> list[tuple[str, _File]]:
    found: list[tuple[str, _File]] = []
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir():
            found += _read(entry, f"{prefix}{entry.name}/")
        else:
            found.append((prefix + entry.name, _File(entry.read_bytes(), _media_type(entry.name))))
    return found


def _media_type(name: str) -> str:
    suffix = name[name.rfind(".") :]
    return MEDIA_TYPES.get(suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"


def _etag(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()[:32]


def _fill(template: str, values: dict[str, str]) -> str:
    return re.sub(r"\{\{(\w+)\}\}", lambda match: values[match.group(1)], template)
