"""The configuration: read once, validated whole before anything starts, frozen after.

Four sources, later ones win: defaults, one TOML file, ``BALEFIRE_SECTION__KEY`` environment variables, overrides
(command-line flags, tests). Every problem is reported in one go, each with the dotted path of its key.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from balefire.config_problems import describe_problems, unknown
from balefire.config_sources import Tables, gather
from balefire_hookspecs import ConfigError


def _as_written(value: object) -> object:
    """Python makes networks of numbers and of true and false too; nobody means that."""
    if not isinstance(value, str | IPv4Network | IPv6Network):
        raise ValueError("must be a network such as 10.0.0.0/8")
    return value


Network = Annotated[IPv4Network | IPv6Network, BeforeValidator(_as_written)]

DEFAULT_PLUGINS: Final = (
    "store-sql",
    "auth-tokens",
    "auth-keys",
    "auth-passwords",
    "directory-hosted",
    "content",
    "private",
    "groups",
    "channels",
    "rate-limit",
    "gateway-websocket",
    "rest",
    "robots",
    "incoming-hooks",
    "push",
    "chat-page",
)
"""The plugins that make the product complete: on without a table of their own, unless ``[kernel] defaults = false``."""

DEFAULT_FILE: Final = "balefire.toml"


class Section(BaseModel):
    """A table of the configuration file."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


class RateSection(Section):
    """A limit on requests: ``burst`` at once, refilled at ``per_minute``."""

    per_minute: float = Field(gt=0, description="how many a minute in the long run")
    burst: int = Field(ge=1, description="how many at once")


class ServerSection(Section):
    """``[server]``: the one HTTP port."""

    host: str = Field("127.0.0.1", description="address to listen on; 0.0.0.0 for every interface")
    port: int = Field(8450, ge=0, le=65535, description="port to listen on; 0 takes a free one")
    public_url: str = Field(
        "", pattern=r"^(https?://[^/\s]+(/[^\s]*[^/\s])?)?$", description="where people reach it, without a final slash"
    )
    drain_seconds: float = Field(5.0, ge=0, le=60, description="over how long clients are asked to leave at stop")
    max_body_bytes: int = Field(1_048_576, ge=1024, le=67_108_864, description="largest body of an HTTP request")
    trusted_proxies: tuple[Network, ...] = Field(
        (), description="reverse proxies, as CIDR, whose X-Forwarded-For is believed"
    )
    rates: dict[str, RateSection] = Field(
        default_factory=dict, description="requests per caller: default, operator, anonymous, login, or a plugin's own"
    )


class KernelSection(Section):
    """``[kernel]``: what the platform is made of and where it keeps things."""

    data_folder: Path = Field(Path("data"), description="database, secrets and plugin files; relative to this file")
    store: str = Field("sql", description="name of the message store in use")
    directory: str = Field("hosted", description="name of the user directory in use")
    plugins: tuple[str, ...] = Field((), description="plugins that are files or folders; relative to this file")
    defaults: bool = Field(True, description="whether the built-in plugins are on without a table of their own")
    node: int = Field(0, ge=0, le=127, description="number of this node; unique among nodes sharing a database")
    max_message_bytes: int = Field(65_536, ge=1024, le=1_048_576, description="largest message, encoded")


class DatabaseSection(Section):
    """``[database]``: where the log and every plugin's tables are."""

    url: str = Field(
        "",
        repr=False,
        pattern=r"^(sqlite(\+aiosqlite)?:///.+|postgres(ql)?(\+asyncpg)?://.+)?$",
        description="postgresql://user:password@host/name; empty for SQLite in the data folder",
    )
    synchronous: Literal["full", "normal"] = Field(
        "full", description="SQLite only; normal is faster and may lose the last messages on a power cut"
    )


class OutgoingSection(Section):
    """``[outgoing]``: calls to addresses that users supply."""

    allow: tuple[Network, ...] = Field((), description="private networks that may be called, as CIDR")


class LogSection(Section):
    """``[log]``: what the platform tells on standard error."""

    level: Literal["debug", "info", "warning", "error"] = Field("info", description="the least that is shown")
    format: Literal["text", "json"] = Field("text", description="text for people, json for machines")


SECTIONS: Final[Mapping[str, type[Section]]] = {
    "server": ServerSection,
    "kernel": KernelSection,
    "database": DatabaseSection,
    "outgoing": OutgoingSection,
    "log": LogSection,
}
"""Every table of the file but ``[plugins.<name>]``, which the plugins describe themselves."""


@dataclass(frozen=True, slots=True)
class Config:
    """A configuration that is known to be right, but for the plugins' own tables: their settings classes check those.

    ``plugins`` holds the plugins' tables in the order in which they are asked, ``enabled`` and ``critical`` included.
    """

    server: ServerSection
    kernel: KernelSection
    database: DatabaseSection
    outgoing: OutgoingSection
    log: LogSection
    plugins: Mapping[str, Mapping[str, Any]] = field(repr=False)
    source: Path | None = None

    @property
    def data_folder(self) -> Path:
        """Absolute path of the data folder."""
        return self.kernel.data_folder

    @property
    def database_url(self) -> str:
        """The database as SQLAlchemy names it, driver included. May hold a password: never log it."""
        url = self.database.url or f"sqlite:///{self.data_folder / 'balefire.db'}"
        scheme, _, rest = url.partition("://")
        driver = "sqlite+aiosqlite" if scheme.startswith("sqlite") else "postgresql+asyncpg"
        return f"{driver}://{rest}"

    @property
    def address(self) -> str:
        """Where people, and tools on this machine, reach the platform: without a trailing slash."""
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self.server.host, self.server.host)  # noqa: S104 - compared
        return self.server.public_url or f"http://{host}:{self.server.port}"

    @property
    def plugin_files(self) -> tuple[Path, ...]:
        """Absolute paths of the plugins that are files or folders."""
        return tuple(Path(name) for name in self.kernel.plugins)


def load_config(
    path: Path | None = None,
    *,
    overrides: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] = os.environ,
    only_sections: bool = False,
) -> Config:
    """Read and validate the configuration.

    :param path: the TOML file; ``None`` for defaults, environment and overrides alone.
    :param overrides: tables as in the file; they win over everything else.
    :param only_sections: for tools that speak to a running platform: what is wrong in the plugins' tables, a secret
        that is not in this shell's environment for one, is not their business.
    :raises ConfigError: with every problem found, those in the plugins' own tables included.
    """
    home = (path.parent if path else Path()).absolute()
    keys = {name: tuple(section.model_fields) for name, section in SECTIONS.items()}
    tables, problems, origins = gather(
        path, overrides or {}, environ, home=home, sections=keys, plugins=DEFAULT_PLUGINS
    )
    sections = {name: _validate(name, tables, problems) for name in SECTIONS}
    known = (*SECTIONS, "plugins")
    problems += [unknown(name, name, known, "section") for name in tables if name not in known]
    kernel = _absolute(sections["kernel"] or KernelSection.model_validate({}), home)
    plugins = _in_order(tables.get("plugins", {}), defaults=kernel.defaults)
    if only_sections:
        problems = [problem for problem in problems if not problem.startswith("plugins.")]
    elif problems:
        from balefire.plugin_host import settings_problems  # the plugins' own problems belong in the same list

        problems += settings_problems(plugins, tuple(Path(name) for name in kernel.plugins))
    if problems:
        raise ConfigError([_with_origin(problem, origins) for problem in problems])
    return Config(**sections | {"kernel": kernel}, plugins=plugins, source=path)  # type: ignore[arg-type]  # by name


def _with_origin(problem: str, origins: Mapping[str, str]) -> str:
    """Nobody finds in the file what stands in the environment."""
    variable = origins.get(problem.partition(":")[0])
    return f"{problem} (set by {variable})" if variable else problem


def _validate(name: str, tables: Tables, problems: list[str]) -> Section | None:
    model = SECTIONS[name]
    try:
        return model.model_validate(tables.get(name, {}))
    except ValidationError as error:
        problems += describe_problems(error, model, name)
        return None


def _absolute(kernel: Section, home: Path) -> KernelSection:
    """Paths in a file mean what stands beside that file, wherever the server was started."""
    assert isinstance(kernel, KernelSection)
    files = tuple(str((home / name).resolve()) for name in kernel.plugins)
    return kernel.model_copy(update={"data_folder": (home / kernel.data_folder).resolve(), "plugins": files})


def _in_order(tables: Tables, *, defaults: bool) -> Tables:
    """Built-in plugins the file does not mention come first; the others in the order of their tables."""
    unmentioned: Tables = {name: {} for name in DEFAULT_PLUGINS if name not in tables} if defaults else {}
    return unmentioned | tables
