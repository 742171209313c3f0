"""Installations of client programs and their push tokens."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, and_, delete, func, or_, select, update

from balefire import Database, Device
from balefire_store_sql.rows import device_from, device_values
from balefire_store_sql.statements import upsert
from balefire_store_sql.tables import DeviceRow, columns

devices = columns(DeviceRow)
_d = devices.c


class DeviceTable:
    """Devices by user and id; a push token belongs to one of them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._upsert = upsert(database, devices, ("user_id", "id"))

    async def put(self, device: Device) -> None:
        is_other = or_(_d.user_id != device.user, _d.id != device.id)

        def put(connection: Connection) -> None:
            for column in (_d.token, _d.voip_token):
                token = getattr(device, column.name)
                if token:
                    self._reserve(connection, device.vendor, column.name, token)
                    taken = and_(_d.vendor == device.vendor, column == token, is_other)
                    connection.execute(update(devices).where(taken).values({column.name: ""}))
            connection.execute(self._upsert, device_values(device))

        await self._database.change(put)

    def _reserve(self, connection: Connection, *token: str) -> None:
        """Let nobody else register this token before this transaction ends; on SQLite nobody else is writing."""
        if self._database.dialect == "postgresql":
            connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended("/".join(token), 0))))

    async def of_users(self, users: Sequence[str]) -> Mapping[str, list[Device]]:
        query = select(devices).where(_d.user_id.in_(users)).order_by(_d.user_id, _d.id)
        found: dict[str, list[Device]] = {user: [] for user in users}
        for row in await self._database.query(lambda connection: connection.execute(query).all()):
            found[row.user_id].append(device_from(row))
        return found

    async def forget(self, user: str, device_id: str) -> None:
        forget = delete(devices).where(_d.user_id == user, _d.id == device_id)
        await self._database.change(lambda connection: connection.execute(forget))

    async def forget_token(self, vendor: str, token: str, *, registered_before: int) -> Device | None:
        if not token:
            return None

        def blank(connection: Connection) -> Device | None:
            found = None
            for column in (_d.token, _d.voip_token):
                statement = (
                    update(devices)
                    .where(_d.vendor == vendor, column == token, _d.registered_at < registered_before)
                    .values({column.name: ""})
                    .returning(*devices.c)
                )
                found = connection.execute(statement).first() or found
            return None if found is None else device_from(found)

        return await self._database.change(blank)
