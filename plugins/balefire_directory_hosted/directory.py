"""Profiles in SQL, the recently used ones in memory."""

import re
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

import msgspec
from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from balefire import USER_ID_PATTERN, Clock, Database, InvalidInput, User, UserKind
from balefire_directory_hosted.table import USERS

MOST_IDS: Final = 500
MOST_CACHED: Final = 20_000


class HostedDirectory:
    """The directory named "hosted". A change made through it is seen by the next reader on this node."""

    name = "hosted"

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._cached: OrderedDict[str, User | None] = OrderedDict()
        self._changes = 0

    async def get(self, user_ids: Sequence[str]) -> Mapping[str, User]:
        """The users that exist, by id.

        :raises InvalidInput: more than 500 ids at once.
        """
        if len(user_ids) > MOST_IDS:
            raise InvalidInput(f"at most {MOST_IDS} users can be asked for at once, got {len(user_ids)}")
        found = {user: self._recall(user) for user in user_ids if user in self._cached}
        if missing := set(user_ids) - set(found):
            found |= await self._load(missing)
        return {user: profile for user, profile in found.items() if profile is not None}

    async def put(self, user: User) -> User:
        """Create or replace a profile.

        :raises InvalidInput: the id is malformed.
        """
        if not re.fullmatch(USER_ID_PATTERN, user.id):
            raise InvalidInput("a user id has 1 to 64 characters without space, comma, slash or #", where="id")
        stored = msgspec.structs.replace(user, updated_at=self._clock.now_ms())
        try:
            await self._write(stored)
        except IntegrityError:  # another node created it between our update and our insert: now there is a row
            await self._write(stored)
        self._changes += 1
        self._remember(user.id, stored)
        return stored

    async def search(self, text: str, *, after: str = "", limit: int = 50) -> Sequence[User]:
        """Users whose id or display name contains ``text``, in id order after ``after``; "" finds everybody."""
        query = select(USERS).where(USERS.c.id > after).order_by(USERS.c.id).limit(limit)
        if text:
            query = query.where(USERS.c.folded.contains(text.casefold(), autoescape=True))
        async with self._database.read() as connection:
            return [_user(row) for row in await connection.execute(query)]

    async def _load(self, users: set[str]) -> dict[str, User | None]:
        changes = self._changes
        loaded: dict[str, User | None] = dict.fromkeys(users)
        async with self._database.read() as connection:
            for row in await connection.execute(select(USERS).where(USERS.c.id.in_(users))):
                loaded[row.id] = _user(row)
        if changes == self._changes:  # otherwise what we read may be older than what was written meanwhile
            for user, profile in loaded.items():
                self._remember(user, profile)
        return loaded

    def _recall(self, user: str) -> User | None:
        self._cached.move_to_end(user)
        return self._cached[user]

    def _remember(self, user: str, profile: User | None) -> None:
        self._cached[user] = profile
        self._cached.move_to_end(user)
        if len(self._cached) > MOST_CACHED:
            self._cached.popitem(last=False)

    async def _write(self, user: User) -> None:
        values = msgspec.structs.asdict(user)
        values["extra"] = msgspec.json.encode(user.extra).decode()
        values["folded"] = f"{user.id}\n{user.display_name}".casefold()
        async with self._database.write() as connection:
            changed = await connection.execute(update(USERS).where(USERS.c.id == user.id).values(**values))
            if not changed.rowcount:
                await connection.execute(insert(USERS).values(**values))


def _user(row: Any) -> User:
    return User(
        id=row.id,
        display_name=row.display_name,
        portrait=row.portrait,
        kind=cast(UserKind, row.kind),
        language=row.language,
        timezone=row.timezone,
        is_banned=row.is_banned,
        extra=msgspec.json.decode(row.extra),
        updated_at=row.updated_at,
    )
