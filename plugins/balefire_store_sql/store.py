"""The message store: every method of the contract, each handed to the part that knows about it."""

from collections.abc import Callable, Mapping, Sequence

from sqlalchemy import update

from balefire import (
    Appended,
    Conversation,
    Database,
    Device,
    Draft,
    Event,
    Member,
    Message,
    Payload,
    Summary,
)
from balefire_store_sql.cursors import CursorTable
from balefire_store_sql.devices import DeviceTable
from balefire_store_sql.log import LogWriter
from balefire_store_sql.membership import MemberTable
from balefire_store_sql.postgres_log import PostgresLog
from balefire_store_sql.process_log import ProcessLog
from balefire_store_sql.reading import LogReader, messages
from balefire_store_sql.rows import body_of
from balefire_store_sql.summaries import Summaries
from balefire_store_sql.thread_log import ThreadLog


class SqlMessageStore:
    """Implements ``MessageStore`` on SQLite and on PostgreSQL."""

    name = "sql"

    def __init__(
        self,
        database: Database,
        *,
        now_ms: Callable[[], int],
        recent_messages: int = 8192,
        conversations: int = 100_000,
        log_process: bool = False,
    ) -> None:
        """Prepare; ``open`` connects.

        :param now_ms: wall-clock time in milliseconds since the epoch, for ids.
        :param recent_messages: how many messages are remembered to answer repeated sends from memory.
        :param conversations: how many conversations' counters are remembered (SQLite).
        :param log_process: write the log in a process of its own (SQLite).
        """
        self._database = database
        self._log: LogWriter
        if database.dialect == "sqlite" and log_process:
            self._log = ProcessLog(database, recent_messages=recent_messages, conversations=conversations)
        elif database.dialect == "sqlite":
            self._log = ThreadLog(database, now_ms, recent_messages=recent_messages, conversations=conversations)
        else:
            self._log = PostgresLog(database, now_ms, recent_messages=recent_messages)
        self._reader = LogReader(database)
        self._members = MemberTable(database)
        self._summaries = Summaries(database, now_ms)
        self._devices = DeviceTable(database)
        self._cursors = CursorTable(database)

    async def open(self) -> None:
        """Connect the log writer.

        :raises StorageUnavailable: the database does not answer.
        """
        await self._log.open()

    async def close(self) -> None:
        """Give connections back; nothing may be called afterwards."""
        await self._log.close()

    # -- the log -----------------------------------------------------------------------------------------------

    async def append(self, drafts: Sequence[Draft]) -> Sequence[Appended]:
        return await self._log.append(drafts)

    async def replace_payload(self, message_id: int, payload: Payload, flags: int) -> Message | None:
        values = {"content_type": payload.type, "body": body_of(payload), "flags": int(flags)}
        replace = update(messages).where(messages.c.id == message_id).values(values)
        await self._database.change(lambda connection: connection.execute(replace))
        message = await self._reader.get_message(message_id)
        if message is not None:
            await self._log.forget(message)
        return message

    async def get_message(self, message_id: int) -> Message | None:
        return await self._reader.get_message(message_id)

    async def history(
        self,
        conversation: Conversation,
        *,
        after_seq: int = 0,
        before_seq: int = 0,
        limit: int = 100,
        newest_first: bool = False,
    ) -> Sequence[Message]:
        return await self._reader.history(
            conversation, after_seq=after_seq, before_seq=before_seq, limit=limit, newest_first=newest_first
        )

    async def last_seq(self, conversation: Conversation) -> int:
        return await self._reader.last_seq(conversation)

    # -- members -----------------------------------------------------------------------------------------------

    async def put_members(self, members: Sequence[Member]) -> None:
        await self._members.put(members)

    async def get_member(self, conversation: Conversation, user: str) -> Member | None:
        return await self._members.get(conversation, user)

    async def get_members(self, conversation: Conversation, users: Sequence[str]) -> Sequence[Member]:
        return await self._members.some(conversation, users)

    async def members(
        self,
        conversation: Conversation,
        *,
        after: str = "",
        limit: int = 1000,
        include_removed: bool = False,
        only_reachable: bool = False,
    ) -> Sequence[Member]:
        if only_reachable:
            return await self._members.reachable(conversation, after=after, limit=limit)
        return await self._members.page(conversation, after=after, limit=limit, include_removed=include_removed)

    async def count_members(self, conversation: Conversation) -> int:
        return await self._members.count(conversation)

    async def memberships(self, user: str, *, kinds: Sequence[str] = ()) -> Sequence[Conversation]:
        return await self._members.of_user(user, kinds)

    async def summaries(self, user: str, *, after: str = "", limit: int = 100) -> Sequence[Summary]:
        return await self._summaries.page(user, after=after, limit=limit)

    async def mark(
        self, conversation: Conversation, user: str, *, read_seq: int = 0, delivered_seq: int = 0
    ) -> Member | None:
        return await self._members.mark(conversation, user, read_seq=read_seq, delivered_seq=delivered_seq)

    # -- devices -----------------------------------------------------------------------------------------------

    async def put_device(self, device: Device) -> None:
        await self._devices.put(device)

    async def devices(self, users: Sequence[str]) -> Mapping[str, Sequence[Device]]:
        return await self._devices.of_users(users)

    async def forget_device(self, user: str, device_id: str) -> None:
        await self._devices.forget(user, device_id)

    async def forget_token(self, vendor: str, token: str, *, registered_before: int) -> Device | None:
        return await self._devices.forget_token(vendor, token, registered_before=registered_before)

    # -- events and cursors ------------------------------------------------------------------------------------

    async def append_events(self, events: Sequence[Event]) -> Sequence[Event]:
        return await self._log.append_events(events)

    async def read_log(self, *, after: int, limit: int = 1000) -> Sequence[Event]:
        return await self._reader.read_log(after=after, limit=limit)

    async def last_event_id(self) -> int:
        return await self._reader.last_event_id()

    async def load_cursor(self, consumer: str) -> int | None:
        return await self._cursors.load(consumer)

    async def save_cursors(self, positions: Mapping[str, int]) -> None:
        await self._cursors.save(positions)

    async def check(self) -> None:
        await self._log.check()
