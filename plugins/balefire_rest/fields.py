"""The sorts of parameter that many operations take."""

from typing import Annotated

from pydantic import BaseModel, Field

from balefire import USER_ID_PATTERN

UserId = Annotated[str, Field(pattern=USER_ID_PATTERN, description="a user id")]
Kind = Annotated[
    str, Field(pattern="^[a-z][a-z0-9_-]{0,31}$", description="the kind of conversation: private, group …")
]
Target = Annotated[
    str,
    Field(min_length=1, max_length=160, description="which one: a group's or channel's id, or in private the other"),
]
Line = Annotated[int, Field(ge=0, le=999_999_999, description="the thread within the conversation")]
MessageId = Annotated[str, Field(pattern="^[1-9][0-9]{0,17}$", description="a message's id")]
Acting = Annotated[str, Field(max_length=64, description="in whose place, for callers with scope admin; you if empty")]
After = Annotated[str, Field(max_length=200, description="`next` of the page before")]
Limit = Annotated[int, Field(ge=1, le=200, description="at most how many")]


class Cursor(BaseModel):
    """Where a page ends."""

    next: str = Field(description="hand it in to get the next page; empty on the last one")
