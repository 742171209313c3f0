"""The plugin's settings."""

from pydantic import Field

from balefire import Settings


class Config(Settings):
    """The table ``[plugins.auth-passwords]``."""

    ttl_seconds: int = Field(30 * 86_400, ge=60, le=366 * 86_400, description="how long one stays signed in")
    issuer: str = Field("", description="name of the token issuer to use; the first one if empty")
    time_cost: int = Field(3, ge=1, le=20, description="passes over the memory for each password hash")
    memory_kib: int = Field(65_536, ge=8, le=1_048_576, description="memory for each password hash")
