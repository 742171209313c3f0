"""Between rows and values: how messages, members, events and devices are written down."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from balefire import Conversation, Device, Event, Member, Message, Payload
from balefire_store_sql.tables import DeviceRow, EventRow, MemberRow, MessageRow, columns


class Body(msgspec.Struct, frozen=True, omit_defaults=True):
    """A payload as it is stored, without its type, which has a column of its own."""

    fields: dict[str, Any] = {}
    mentions: tuple[str, ...] = ()
    push_text: str = ""


_encode = msgspec.json.Encoder().encode
_body = msgspec.json.Decoder(Body).decode
_names = msgspec.json.Decoder(tuple[str, ...]).decode
_object = msgspec.json.Decoder(dict[str, Any]).decode

MESSAGE_COLUMNS: Final = tuple(column.name for column in columns(MessageRow).columns)
MEMBER_COLUMNS: Final = tuple(column.name for column in columns(MemberRow).columns)
DEVICE_COLUMNS: Final = tuple(column.name for column in columns(DeviceRow).columns)
EVENT_COLUMNS: Final = tuple(column.name for column in columns(EventRow).columns)


def body_of(payload: Payload) -> str:
    """A payload's text form."""
    return _encode(Body(payload.fields, payload.mentions, payload.push_text)).decode()


def json_of(value: Any) -> str:
    """The text form of anything JSON-shaped."""
    return _encode(value).decode()


def message_values(message: Message, conversation_id: int, counted: int) -> tuple[Any, ...]:
    """A message in the order of ``MESSAGE_COLUMNS``."""
    payload = message.payload
    return (
        message.id,
        conversation_id,
        message.seq,
        counted,
        message.sender,
        message.client_message_id,
        payload.type,
        _encode(Body(payload.fields, payload.mentions, payload.push_text)).decode(),
        message.at,
        int(message.flags),
        message.origin,
        _encode(message.to).decode() if message.to else "",
        message.expires_at,
    )


def message_from(row: Sequence[Any], conversation: Conversation) -> Message:
    """The message that a row in the order of ``MESSAGE_COLUMNS`` holds."""
    id_, _, seq, _, sender, client_message_id, type_, text, at, flags, origin, recipients, expires_at = row
    body = _body(text)
    return Message(
        id=id_,
        conversation=conversation,
        seq=seq,
        sender=sender,
        client_message_id=client_message_id,
        payload=Payload(type_, body.fields, body.mentions, body.push_text),
        at=at,
        origin=origin,
        to=_names(recipients) if recipients else (),
        expires_at=expires_at,
        flags=flags,
    )


def member_from(row: Sequence[Any], conversation: Conversation) -> Member:
    """The member that a row in the order of ``MEMBER_COLUMNS`` holds."""
    _, user, role, alias, visible_from_seq, left_at_seq, read_seq, delivered_seq, settings, joined_at = row
    return Member(
        conversation=conversation,
        user=user,
        role=role,
        alias=alias,
        visible_from_seq=visible_from_seq,
        left_at_seq=left_at_seq,
        read_seq=read_seq,
        delivered_seq=delivered_seq,
        settings=_object(settings),
        joined_at=joined_at,
    )


def member_values(member: Member, conversation_id: int) -> tuple[Any, ...]:
    """A member in the order of ``MEMBER_COLUMNS``."""
    return (
        conversation_id,
        member.user,
        member.role,
        member.alias,
        member.visible_from_seq,
        member.left_at_seq,
        member.read_seq,
        member.delivered_seq,
        json_of(member.settings),
        member.joined_at,
    )


def event_values(event: Event) -> tuple[Any, ...]:
    """An event in the order of ``EVENT_COLUMNS``."""
    about = event.conversation or Conversation("", "")
    return (event.id, event.kind, event.at, about.kind, about.target, about.line, event.user, json_of(event.data))


def event_from(row: Sequence[Any]) -> Event:
    """The event that a row in the order of ``EVENT_COLUMNS`` holds."""
    id_, kind, at, about_kind, target, line, user, text = row
    return Event(
        id=id_,
        kind=kind,
        at=at,
        conversation=Conversation(about_kind, target, line) if about_kind else None,
        user=user,
        data=_object(text),
    )


def device_from(row: Sequence[Any]) -> Device:
    """The device that a row in the order of ``DEVICE_COLUMNS`` holds."""
    values = dict(zip(DEVICE_COLUMNS, row, strict=True))
    return Device(user=values.pop("user_id"), **values)


def device_values(device: Device) -> dict[str, Any]:
    """A device as a row."""
    values = msgspec.structs.asdict(device)
    values["user_id"] = values.pop("user")
    return values
