"""The table of built-in content types, and what makes a row of it a provider.

``number`` is the type's number in the reference protocol. Counted types raise the unread figure; transient ones are
delivered live and never stored.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from balefire import InvalidInput, Payload
from balefire_content import schemas
from balefire_content.digests import fill, one_line

Words = tuple[str, str]
"""The same in Chinese and in English."""

Wording = Words | Callable[[Mapping[str, Any]], Words]


@dataclass(slots=True, kw_only=True)
class DeclaredType:
    """A content type made of a schema and two templates. Stateless."""

    name: str
    digest_words: Wording
    schema: type[schemas.Fields] | None = None
    """``None`` accepts any fields: an application's own type."""
    number: int = 0
    is_counted: bool = True
    is_stored: bool = True
    sent_by_server_only: bool = False

    def check(self, fields: dict[str, Any]) -> None:
        """Validate the fields; about 0.4 µs for a text.

        :raises InvalidInput: ``where`` is the dotted path of the field, ``fields.text``.
        """
        if self.schema is None:
            return
        try:
            msgspec.convert(fields, self.schema)
        except msgspec.ValidationError as error:
            raise _invalid(self.name, str(error)) from error

    def digest(self, payload: Payload, language: str) -> str:
        """One line of at most 200 characters."""
        words = self.digest_words(payload.fields) if callable(self.digest_words) else self.digest_words
        return fill(words[0] if language.startswith("zh") else words[1], payload.fields, language)


_MISSING: Final = re.compile(r"Object (?:missing required|contains unknown) field `([^`]*)`")
_PATH: Final = re.compile(r" - at `(?:key` in `)?\$\.?([^`]*)`$")


def _invalid(name: str, text: str) -> InvalidInput:
    """Turn msgspec's sentence into ours: ``fields.quote.message: expected `str`, got `int```."""
    path = match.group(1) if (match := _PATH.search(text)) else ""
    sentence = _PATH.sub("", text)
    if match := _MISSING.match(sentence):
        path = f"{path}.{match.group(1)}".lstrip(".")
        problem = "this field is required" if "missing" in sentence else "no such field; own data goes under extra"
    else:
        problem = sentence[:1].lower() + sentence[1:]
    where = f"fields.{path}" if path else "fields"
    return InvalidInput(f"{where}: {problem}, in content of type {name}", where=where)


def _switched(on: Words, off: Words) -> Callable[[Mapping[str, Any]], Words]:
    return lambda fields: on if fields.get("on") else off


def _added(fields: Mapping[str, Any]) -> Words:
    if fields.get("users") == [fields.get("operator")]:
        return "{operator} 加入了群聊", "{operator} joined the group"
    return "{operator} 邀请 {users} 加入群聊", "{operator} added {users}"


def _lead(fields: Mapping[str, Any]) -> Words:
    articles = fields.get("articles")
    lead = articles[0] if isinstance(articles, list) and articles else {}
    title = one_line(str(lead.get("title", "")) if isinstance(lead, dict) else "")
    safe = title.replace("{", "{{").replace("}", "}}")
    return f"[文章] {safe}", f"[article] {safe}"


def _notice(
    name: str, number: int, words: Wording, schema: type[schemas.GroupNotice] = schemas.GroupNotice
) -> DeclaredType:
    return DeclaredType(
        name=f"group.{name}",
        number=number,
        digest_words=words,
        schema=schema,
        is_counted=False,
        sent_by_server_only=True,
    )


MESSAGES: Final = (
    DeclaredType(name="text", number=1, schema=schemas.TextFields, digest_words=("{text}", "{text}")),
    DeclaredType(name="voice", number=2, schema=schemas.VoiceFields, digest_words=("[语音]", "[voice]")),
    DeclaredType(name="image", number=3, schema=schemas.ImageFields, digest_words=("[图片]", "[image]")),
    DeclaredType(
        name="location",
        number=4,
        schema=schemas.LocationFields,
        digest_words=("[位置] {title}", "[location] {title}"),
    ),
    DeclaredType(name="file", number=5, schema=schemas.FileFields, digest_words=("[文件] {name}", "[file] {name}")),
    DeclaredType(name="video", number=6, schema=schemas.VideoFields, digest_words=("[视频]", "[video]")),
    DeclaredType(name="sticker", number=7, schema=schemas.StickerFields, digest_words=("[表情]", "[sticker]")),
    DeclaredType(name="link", number=8, schema=schemas.LinkFields, digest_words=("[链接] {title}", "[link] {title}")),
    DeclaredType(
        name="quiet-text", number=9, schema=schemas.TextFields, digest_words=("{text}", "{text}"), is_counted=False
    ),
    DeclaredType(name="card", number=10, schema=schemas.CardFields, digest_words=("[名片] {name}", "[card] {name}")),
    DeclaredType(
        name="notification", number=12, schema=schemas.NotificationFields, digest_words=("{title}", "{title}")
    ),
    DeclaredType(name="articles", number=13, schema=schemas.ArticlesFields, digest_words=_lead),
    DeclaredType(
        name="streaming",
        number=14,
        schema=schemas.StreamFields,
        digest_words=("{text}", "{text}"),
        is_counted=False,
        is_stored=False,
    ),
    DeclaredType(name="streamed", number=15, schema=schemas.StreamFields, digest_words=("{text}", "{text}")),
    DeclaredType(name="tip", number=90, schema=schemas.TipFields, digest_words=("{text}", "{text}"), is_counted=False),
    DeclaredType(
        name="typing",
        number=91,
        schema=schemas.ActivityFields,
        digest_words=("正在输入…", "typing…"),
        is_counted=False,
        is_stored=False,
    ),
)

NOTICES: Final = (
    DeclaredType(
        name="recalled",
        number=80,
        schema=schemas.RecalledFields,
        digest_words=("{by} 撤回了一条消息", "{by} took a message back"),
        is_counted=False,
        sent_by_server_only=True,
    ),
    _notice(
        "created", 104, ("{operator} 创建了群聊 {name}", "{operator} created the group {name}"), schemas.GroupNamed
    ),
    _notice("members_added", 105, _added, schemas.GroupUsers),
    _notice(
        "members_removed",
        106,
        ("{operator} 将 {users} 移出群聊", "{operator} removed {users}"),
        schemas.GroupUsers,
    ),
    _notice("member_left", 107, ("{operator} 退出了群聊", "{operator} left the group")),
    _notice("dissolved", 108, ("{operator} 解散了群聊", "{operator} dissolved the group")),
    _notice(
        "owner_transferred",
        109,
        ("{operator} 将群主转让给 {owner}", "{operator} made {owner} the owner"),
        schemas.GroupOwner,
    ),
    _notice(
        "renamed",
        110,
        ("{operator} 将群名改为 {name}", "{operator} renamed the group to {name}"),
        schemas.GroupNamed,
    ),
    _notice(
        "alias_changed",
        111,
        ("{operator} 将 {user} 的群昵称改为 {alias}", "{operator} set the alias of {user} to {alias}"),
        schemas.GroupAlias,
    ),
    _notice(
        "portrait_changed",
        112,
        ("{operator} 更换了群头像", "{operator} changed the group's picture"),
        schemas.GroupPortrait,
    ),
    _notice(
        "mute_all_changed",
        113,
        _switched(
            ("{operator} 开启了全员禁言", "{operator} muted everyone"),
            ("{operator} 关闭了全员禁言", "{operator} let everyone speak again"),
        ),
        schemas.GroupSwitched,
    ),
    _notice(
        "join_type_changed",
        114,
        ("{operator} 修改了加群方式", "{operator} changed who may join"),
        schemas.GroupJoinType,
    ),
    _notice(
        "private_chat_changed",
        115,
        _switched(
            ("{operator} 允许成员私聊", "{operator} allowed private chats between members"),
            ("{operator} 禁止成员私聊", "{operator} forbade private chats between members"),
        ),
        schemas.GroupSwitched,
    ),
    _notice(
        "managers_changed",
        117,
        _switched(
            ("{operator} 将 {users} 设为管理员", "{operator} made {users} manager"),
            ("{operator} 取消了 {users} 的管理员", "{operator} ended the manager role of {users}"),
        ),
        schemas.GroupUsersSwitched,
    ),
    _notice(
        "members_muted",
        118,
        _switched(
            ("{operator} 将 {users} 禁言", "{operator} muted {users}"),
            ("{operator} 解除了 {users} 的禁言", "{operator} let {users} speak again"),
        ),
        schemas.GroupUsersSwitched,
    ),
    _notice(
        "members_allowed",
        119,
        _switched(
            ("{operator} 允许 {users} 在禁言时发言", "{operator} lets {users} speak while the group is muted"),
            ("{operator} 取消了 {users} 的发言许可", "{operator} no longer lets {users} speak while it is muted"),
        ),
        schemas.GroupUsersSwitched,
    ),
    _notice("extra_changed", 122, ("{operator} 修改了群资料", "{operator} changed the group's data")),
)

BUILT_IN: Final = MESSAGES + NOTICES
