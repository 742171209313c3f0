"""What the fields of each built-in content type look like.

Strict: a field of another type, too long, missing or unknown is refused by name. Whoever wants to carry more puts it
under ``extra``, which no schema looks into.
"""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

Text = Annotated[str, Meta(min_length=1, max_length=10_000)]
Line = Annotated[str, Meta(max_length=256)]
Title = Annotated[str, Meta(min_length=1, max_length=256)]
Digest = Annotated[str, Meta(max_length=1_000)]
Name = Annotated[str, Meta(min_length=1, max_length=64)]
# Only web addresses and paths on this server: a "javascript:" address would run in the page of whoever clicks it.
Address = Annotated[str, Meta(max_length=2_048, pattern=r"^(https?://|/(?!/))\S+$")]
OptionalAddress = Annotated[str, Meta(max_length=2_048, pattern=r"^((https?://|/(?!/))\S+)?$")]
Thumbnail = Annotated[str, Meta(max_length=16_384, pattern=r"^[A-Za-z0-9+/=]*$")]
Pixels = Annotated[int, Meta(ge=0, le=100_000)]
Bytes = Annotated[int, Meta(ge=0, le=1 << 50)]
Seconds = Annotated[float, Meta(ge=0, le=86_400)]
Users = Annotated[list[Name], Meta(min_length=1, max_length=10_000)]


class Fields(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What every schema has: room for an application's own data."""

    extra: dict[str, Any] = {}


class Quote(msgspec.Struct, forbid_unknown_fields=True):
    """The message that a text answers to."""

    message: Name
    user: Name = ""
    digest: Annotated[str, Meta(max_length=200)] = ""


class TextFields(Fields):
    text: Text
    quote: Quote | None = None


class ImageFields(Fields):
    url: Address
    width: Pixels = 0
    height: Pixels = 0
    size_bytes: Bytes = 0
    thumbnail: Thumbnail = ""


class VoiceFields(Fields):
    url: Address
    duration_seconds: Seconds
    size_bytes: Bytes = 0


class VideoFields(ImageFields):
    duration_seconds: Seconds = 0.0


class FileFields(Fields):
    url: Address
    name: Title
    size_bytes: Bytes = 0


class LocationFields(Fields):
    latitude: Annotated[float, Meta(ge=-90, le=90)]
    longitude: Annotated[float, Meta(ge=-180, le=180)]
    title: Line = ""
    thumbnail: Thumbnail = ""


class StickerFields(Fields):
    url: Address
    width: Pixels = 0
    height: Pixels = 0


class LinkFields(Fields):
    url: Address
    title: Title
    digest: Digest = ""
    thumbnail_url: OptionalAddress = ""


class CardFields(Fields):
    target: Name
    kind: Literal["user", "group", "channel"] = "user"
    name: Line = ""
    portrait: OptionalAddress = ""


class Article(msgspec.Struct, forbid_unknown_fields=True):
    title: Title
    url: Address
    digest: Digest = ""
    cover: OptionalAddress = ""
    id: Annotated[str, Meta(max_length=64)] = ""
    wants_read_report: bool = False


class ArticlesFields(Fields):
    """A channel's post: the first article leads, the others are listed below it."""

    articles: Annotated[list[Article], Meta(min_length=1, max_length=10)]


class Row(msgspec.Struct, forbid_unknown_fields=True):
    key: Line
    value: Annotated[str, Meta(max_length=1_000)]
    color: Annotated[str, Meta(pattern=r"^(#[0-9a-fA-F]{6})?$")] = ""


class NotificationFields(Fields):
    """A service's notice: a title, some rows of key and value, and where to read on."""

    title: Title
    description: Digest = ""
    rows: Annotated[list[Row], Meta(max_length=50)] = []
    remark: Digest = ""
    url: OptionalAddress = ""


class TipFields(Fields):
    text: Annotated[str, Meta(min_length=1, max_length=1_000)]


class ActivityFields(Fields):
    activity: Literal["text", "voice", "camera", "location", "file"] = "text"


class StreamFields(Fields):
    """Text while it is being written: ``text`` is all of it so far, ``stream`` tells which text it is."""

    stream: Name
    text: Annotated[str, Meta(max_length=20_000)]


class RecalledFields(Fields):
    """What stands in a recalled message's place. It does not carry what was said."""

    by: Annotated[str, Meta(max_length=64)] = ""


class GroupNotice(Fields):
    operator: Annotated[str, Meta(max_length=64)]


class GroupNamed(GroupNotice):
    name: Line


class GroupPortrait(GroupNotice):
    portrait: Annotated[str, Meta(max_length=2_048)]


class GroupUsers(GroupNotice):
    users: Users


class GroupUsersSwitched(GroupUsers):
    on: bool


class GroupSwitched(GroupNotice):
    on: bool


class GroupOwner(GroupNotice):
    owner: Name


class GroupAlias(GroupNotice):
    user: Name
    alias: Line


class GroupJoinType(GroupNotice):
    join_type: Literal["open", "invited", "managed"]
