from pydantic import Field

from balefire import Manifest, Settings, hookimpl


class Config(Settings):
    greeting: str = Field("hello", description="what newcomers are told")


@hookimpl
def describe() -> Manifest:
    return Manifest(summary="Greets newcomers", config=Config, version="1.0")
