"""Scripted answers for outgoing HTTP calls."""

from collections import deque
from dataclasses import dataclass
from typing import Any

import httpx


@dataclass(frozen=True, slots=True)
class _Step:
    method: str
    url: str
    json: Any
    answer: httpx.Response | Exception

    def __str__(self) -> str:
        return f"{self.method} {self.url}"


class HttpScript(httpx.AsyncBaseTransport):
    """An httpx transport that expects requests in order and gives the answers you wrote down.

    ``httpx.AsyncClient(transport=script)``. Anything unexpected fails at the call; ``check`` fails when something
    expected never came.
    """

    def __init__(self) -> None:
        self._steps: deque[_Step] = deque()
        self.requests: list[httpx.Request] = []

    def expect(
        self,
        method: str,
        url: str,
        *,
        json: Any = None,
        status: int = 200,
        answer: Any = None,
        headers: dict[str, str] | None = None,
        raises: Exception | None = None,
    ) -> "HttpScript":
        """Add a request and what it is answered with.

        :param json: the body that must be sent; ``None`` accepts any.
        :param answer: JSON to answer with; ``None`` for an empty body.
        :param raises: an exception to raise instead of answering (``httpx.ConnectError("refused")``).
        """
        content = {} if answer is None else {"json": answer}
        response = httpx.Response(status, headers=headers, **content)
        self._steps.append(_Step(method, url, json, raises or response))
        return self

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer the next expected request."""
        self.requests.append(request)
        assert self._steps, f"unexpected request {request.method} {request.url}: nothing more is expected"
        step = self._steps.popleft()
        assert (request.method, str(request.url)) == (step.method, step.url), f"expected {step}"
        if step.json is not None:
            sent = httpx.Response(200, content=await request.aread()).json()
            assert sent == step.json
        if isinstance(step.answer, Exception):
            raise step.answer
        return step.answer

    def check(self) -> None:
        """Fail if a request that was expected was never made."""
        assert not self._steps, "never asked for: " + ", ".join(str(step) for step in self._steps)
