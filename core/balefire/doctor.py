"""Looks for what keeps a platform from starting or running well, and says what to do about it.

Nothing is started and nothing is changed: a database that is not there yet is not made.
"""

from __future__ import annotations

import asyncio
import errno
import os
import resource
import shutil
import socket
import stat
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from balefire.commands.language import say
from balefire_hookspecs import BalefireError, ConfigError

if TYPE_CHECKING:
    from balefire.config import Config
    from balefire.database import SqlDatabase
    from balefire.plugin_record import PluginRecord

ENOUGH_FILES: Final = 8192
ENOUGH_BYTES: Final = 512 * 1024 * 1024
CLOCK_TOLERANCE_SECONDS: Final = 60.0
OLDEST_NOW: Final = 1_767_225_600.0
"""2026-01-01: a clock before this has not been set."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One line. ``remedy`` is what to do, "" when there is nothing; ``advice`` is worth doing and fails nothing."""

    topic: str
    level: Literal["good", "advice", "bad"]
    text: str
    remedy: str = ""


async def examine(path: Path | None) -> AsyncIterator[Diagnosis]:
    """Every line there is.

    :param path: the configuration file, ``None`` for the defaults.
    """
    from balefire.config import load_config

    try:
        config = load_config(path)
        records = _load(config)
    except ConfigError as error:
        remedy = say("mend the line in the file, or the variable", "修改配置文件中的这一行，或相应的环境变量")
        for problem in error.problems:
            yield Diagnosis("configuration", "bad", problem, remedy)
        yield _file_limit()
        return
    yield Diagnosis("configuration", "good", str(path or say("the defaults", "默认配置")))
    for found in (*_plugins(records), *_port(config), *_data_folder(config), _file_limit(), _clock(config)):
        yield found
    async for found in _store(config, records):
        yield found


def _load(config: Config) -> list[PluginRecord]:
    from balefire.plugin_host import offline_host

    host = offline_host(config.plugins, config.plugin_files)
    host.load()
    return list(host.records.values())


# -- plugins -----------------------------------------------------------------------------------------------------------


def _plugins(records: list[PluginRecord]) -> Iterator[Diagnosis]:
    from balefire.plugin_order import never_provided, start_order

    named = {record.name: record for record in records}
    start_order(named)  # marks those that require each other in a circle
    lacking = {record.name for record in records if record.state == "loaded" and never_provided(record, named)}
    for record in records:
        if record.name in lacking:
            remedy = say("switch on a plugin that provides it", "请启用提供该能力的插件")
            text = f"plugin {record.name!r} will be skipped: {never_provided(record, named)}"
            yield Diagnosis("plugins", "bad", text, remedy)
        if record.state == "failed":
            remedy = say(
                "mend it, or set enabled = false in its table", "修复该插件，或在其配置表中设置 enabled = false"
            )
            yield Diagnosis("plugins", "bad", f"plugin {record.name!r}: {record.reason}", remedy)
        for text in record.deprecations:
            remedy = say("look for a newer version of the plugin", "请升级该插件")
            yield Diagnosis(
                "plugins", "advice", f"plugin {record.name!r} uses what balefire 1.0 removes: {text}", remedy
            )
    usable = [record for record in records if record.state == "loaded" and record.name not in lacking]
    yield Diagnosis("plugins", "good", say(f"{len(usable)} can be started", f"{len(usable)} 个可以启动"))


# -- port --------------------------------------------------------------------------------------------------------------


def _port(config: Config) -> Iterator[Diagnosis]:
    host, port = config.server.host, config.server.port
    where = f"{host}:{port}"
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.create_server((host, port), family=family):
            yield Diagnosis("port", "good", say(f"{where} is free", f"{where} 可用"))
    except OSError as error:
        if _is_balefire(host, port):
            yield Diagnosis("port", "good", say(f"a platform is running on {where}", f"平台正在 {where} 上运行"))
            return
        reason = error.strerror or str(error)
        yield Diagnosis("port", "bad", f"{where}: {reason.lower()}", _remedy_for_port(error, port))


def _remedy_for_port(error: OSError, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return say(
            f"see who has it with: ss -ltnp 'sport = :{port}'; or set [server] port",
            f"用 ss -ltnp 'sport = :{port}' 查看占用者，或修改 [server] port",
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        return say(
            "set [server] port to 1024 or more, or give the service CAP_NET_BIND_SERVICE",
            "将 [server] port 设为 1024 以上，或授予服务 CAP_NET_BIND_SERVICE 权限",
        )
    return say(
        "set [server] host to an address of this machine (ip -brief address lists them), or to 0.0.0.0 for all",
        "将 [server] host 设为本机地址（用 ip -brief address 查看），或设为 0.0.0.0 监听全部",
    )


def _is_balefire(host: str, port: int) -> bool:
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1" if host in ("", "0.0.0.0") else host, port, timeout=2)  # noqa: S104
    try:
        connection.request("GET", "/healthz")
        answer = connection.getresponse()
        return answer.status == 200 and answer.getheader("Server") == "balefire"
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


# -- data folder -------------------------------------------------------------------------------------------------------


def _data_folder(config: Config) -> Iterator[Diagnosis]:
    folder = config.data_folder
    standing = next(place for place in (folder, *folder.parents) if os.path.lexists(place))
    if not standing.is_dir():
        remedy = say("move it away, or set [kernel] data_folder", "移走该文件，或修改 [kernel] data_folder")
        yield Diagnosis("data folder", "bad", say(f"{standing} is no folder", f"{standing} 不是目录"), remedy)
        return
    if not os.access(standing, os.W_OK | os.X_OK):
        remedy = say(
            f"give it to the user that runs balefire: chown -R USER {standing}", f"修改属主：chown -R USER {standing}"
        )
        yield Diagnosis("data folder", "bad", say(f"{standing} cannot be written", f"{standing} 不可写"), remedy)
        return
    if not folder.exists():
        yield Diagnosis(
            "data folder", "good", say(f"{folder} will be made at the first start", f"首次启动时创建 {folder}")
        )
    else:
        yield Diagnosis("data folder", "good", str(folder))
        yield from _open_secrets(folder)
    free = shutil.disk_usage(standing).free
    if free < ENOUGH_BYTES:
        text = say(f"{free // 1_048_576} MiB are free on its disk", f"磁盘剩余 {free // 1_048_576} MiB")
        yield Diagnosis(
            "data folder", "advice", text, say("make room; writes fail when it is full", "请清理磁盘，写满后将无法写入")
        )


def _open_secrets(folder: Path) -> Iterator[Diagnosis]:
    """Whoever can read a secret can sign tokens."""
    for path in [folder, *sorted((folder / "secrets").glob("*"))]:
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & (0o077 if path.is_file() else 0o022):
            text = say(f"{path} is open to others (mode {mode:04o})", f"{path} 对其他用户开放（权限 {mode:04o}）")
            yield Diagnosis("data folder", "bad", text, f"chmod {'600' if path.is_file() else '700'} {path}")


# -- machine -----------------------------------------------------------------------------------------------------------


def _file_limit() -> Diagnosis:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    text = say(f"{soft} open files allowed, one per connection", f"允许打开 {soft} 个文件，每个连接占用一个")
    if soft >= ENOUGH_FILES or soft == resource.RLIM_INFINITY:
        return Diagnosis("file limit", "good", text)
    wanted = min(hard, 65_536) if hard != resource.RLIM_INFINITY else 65_536
    return Diagnosis(
        "file limit", "advice", text, f"ulimit -n {wanted}, {say('or in systemd', '或在 systemd 中')} LimitNOFILE=65536"
    )


def _clock(config: Config) -> Diagnosis:
    """A clock that is behind makes tokens of yesterday valid and ids of tomorrow impossible."""
    now = time.time()
    newest = max((path.stat().st_mtime for path in config.data_folder.glob("*") if path.is_file()), default=0.0)
    if now < OLDEST_NOW or newest > now + CLOCK_TOLERANCE_SECONDS:
        when = time.strftime("%Y-%m-%d %H:%M", time.gmtime(now))
        text = say(f"the clock is behind: it says {when} UTC", f"系统时钟落后：{when} UTC")
        return Diagnosis("clock", "bad", text, say("set it, and keep it by NTP", "请校准时钟并启用 NTP"))
    return Diagnosis("clock", "good", time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(now)))


# -- store -------------------------------------------------------------------------------------------------------------


async def _store(config: Config, records: list[PluginRecord]) -> AsyncIterator[Diagnosis]:
    from balefire.database import SqlDatabase

    if not config.database.url and not (config.data_folder / "balefire.db").exists():
        yield Diagnosis("store", "good", say("the database will be made at the first start", "首次启动时创建数据库"))
        return
    database = SqlDatabase(config.database_url, config.database.synchronous, node=config.kernel.node)
    try:
        async with asyncio.timeout(20):
            await database.open()
            async with database.write():
                pass  # takes the writers' lock and gives it back
            yield Diagnosis("store", "good", say("the database can be written", "数据库可写"))
            yield await _migrations(database, records)
    except (BalefireError, TimeoutError, OSError) as error:
        remedy = say(
            "see that the database runs and [database] url is right", "检查数据库是否运行、[database] url 是否正确"
        )
        yield Diagnosis("store", "bad", str(error) or say("no answer within 20 s", "20 秒内无响应"), remedy)
    finally:
        await database.close()


async def _migrations(database: SqlDatabase, records: list[PluginRecord]) -> Diagnosis:
    from balefire.migrations import pending

    waiting = {
        record.name: steps
        for record in records
        if record.manifest.migrations and (steps := await pending(database, record.name, record.manifest.migrations))
    }
    if not waiting:
        return Diagnosis("store", "good", say("every table is up to date", "数据表均为最新"))
    names = ", ".join(f"{name} ({len(steps)})" for name, steps in waiting.items())
    remedy = say("back the database up; the next start applies them", "请先备份数据库；下次启动时自动执行")
    return Diagnosis("store", "advice", say(f"migrations wait: {names}", f"待执行的迁移：{names}"), remedy)
