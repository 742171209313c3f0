from pydantic import BaseModel

from balefire import Operation, Route, hookimpl


class Pong(BaseModel):
    answer: str


async def ping() -> Pong:
    """Answer, to show that somebody is there."""
    return Pong(answer="pong")


@hookimpl
def register_routes() -> list[Route]:
    return [Operation("GET", "/v1/ping", ping, scope=None, tags=("ping",))]
