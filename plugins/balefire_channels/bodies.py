"""What the REST operations on channels take and give."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from balefire import USER_ID_PATTERN

Id = Annotated[str, Field(pattern=USER_ID_PATTERN)]
Name = Annotated[str, Field(max_length=256)]
Portrait = Annotated[str, Field(max_length=1024)]
Description = Annotated[str, Field(max_length=4096)]


class NewChannel(BaseModel):
    model_config = ConfigDict(extra="forbid")

    id: Id | None = Field(None, description="made up when left out")
    name: Name = ""
    portrait: Portrait = ""
    description: Description = ""
    extra: dict[str, Any] = {}
    owner: Id | None = Field(None, description="for operators; the caller when left out")
    publishers: Annotated[list[Id], Field(max_length=100)] = []
    shows_history: bool = Field(False, description="new subscribers may read older posts")
    is_private: bool = Field(False, description="not found by searching, entered by operators only; operators set it")
    is_global: bool = Field(False, description="reaches every account without subscription; operators set it")
    accepts_unsubscribed: bool = Field(False, description="talks with people who do not subscribe; operators set it")
    may_enrol: bool = Field(False, description="staff may subscribe others; operators set it")


class ChannelChange(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Name | None = None
    portrait: Portrait | None = None
    description: Description | None = None
    extra: dict[str, Any] | None = None
    shows_history: bool | None = None
    is_private: bool | None = None
    is_global: bool | None = None
    accepts_unsubscribed: bool | None = None
    may_enrol: bool | None = None


class ChannelOut(BaseModel):
    id: str
    name: str
    portrait: str
    description: str
    extra: dict[str, Any]
    owner: str
    is_private: bool
    is_global: bool
    accepts_unsubscribed: bool
    may_enrol: bool
    shows_history: bool
    is_subscribed: bool
    is_staff: bool
    publishers: list[str] = Field([], description="shown to staff")
    subscriber_count: int | None = Field(None, description="shown to staff")
    created_at: int
    updated_at: int


class ChannelPage(BaseModel):
    items: list[ChannelOut]
    next: str


class Subscribers(BaseModel):
    """Users to subscribe or unsubscribe; those it concerns already are left as they are."""

    model_config = ConfigDict(extra="forbid")

    users: Annotated[list[Id], Field(min_length=1, max_length=10_000)]


class Changed(BaseModel):
    changed: int = Field(description="how many subscriptions began or ended")


class SubscriberOut(BaseModel):
    user: str
    subscribed_at: int
    read_seq: int


class SubscriberPage(BaseModel):
    items: list[SubscriberOut]
    next: str


class NewChannelOwner(BaseModel):
    model_config = ConfigDict(extra="forbid")

    owner: Id
