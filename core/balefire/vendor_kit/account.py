"""A vendor's account: from the configuration, or from a file that is read again when it changes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar, Generic, Self, TypeVar

from pydantic import Field, SecretStr, ValidationError, model_validator

from balefire_hookspecs import Misconfigured, Settings, TryLater


class VendorSettings(Settings):
    """What the tables of push vendors have in common.

    Give your settings defaults and name in ``needed`` those that an account cannot do without: with none of them
    the plugin waits to be configured, with some of them the configuration is refused.
    """

    needed: ClassVar[tuple[str, ...]] = ()

    account_file: Path | None = Field(
        None,
        description="a JSON file with any of these settings, read again when it changes, relative to the plugin's "
        "data folder; the push sandbox writes one",
    )
    timeout_seconds: float = Field(10.0, gt=0, le=14, description="for one request, connecting included")

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        missing = [name for name in self.needed if not _is_set(getattr(self, name))]
        if self.account_file is None and 0 < len(missing) < len(self.needed):
            raise ValueError(f"{', '.join(missing)}: needed too; this account is not complete without")
        return self

    @property
    def has_account(self) -> bool:
        """Whether there is anything to push with."""
        return self.account_file is not None or all(_is_set(getattr(self, name)) for name in self.needed)


def _is_set(value: object) -> bool:
    return bool(value.get_secret_value() if isinstance(value, SecretStr) else value)


S = TypeVar("S", bound=VendorSettings)
T = TypeVar("T")


class Account(Generic[S]):
    """The settings in use. With an ``account_file``, its time stamp is looked at before each answer."""

    def __init__(self, plugin: str, config: S, folder: Path) -> None:
        """
        :param plugin: the table's name, for messages.
        :param folder: what ``account_file`` is relative to; the plugin's own, for keys it makes.
        """
        self.folder = folder
        self._where = f"plugins.{plugin}.account_file"
        self._config = config
        self._file = folder / config.account_file if config.account_file is not None else None
        self._read_at = -1
        self._current: S | None = config if self._file is None else None

    def read(self) -> S:
        """The settings as of now; the same object until they change.

        :raises TryLater: the account file is not there yet.
        :raises Misconfigured: it cannot be used.
        """
        if self._file is not None:
            try:
                modified = self._file.stat().st_mtime_ns
            except OSError:
                raise TryLater(f"{self._where}: {self._file.name} is not there yet") from None
            if self._current is None or modified != self._read_at:
                self._current, self._read_at = self._load(self._file), modified
        assert self._current is not None
        return self._current

    def derive(self, make: Callable[[S], T]) -> Callable[[], T]:
        """A function that gives what ``make`` makes of the settings: made when asked for, again when they change."""
        made: list[tuple[S, T]] = []

        def current() -> T:
            config = self.read()
            if not made or made[0][0] is not config:
                made[:] = [(config, make(config))]
            return made[0][1]

        return current

    def _load(self, file: Path) -> S:
        try:
            given = json.loads(file.read_bytes())
            if not isinstance(given, dict):
                raise ValueError("not an object")
            fixed = self._config.model_dump(exclude={"account_file"}, exclude_unset=True)
            account = type(self._config).model_validate(fixed | given)
        except ValidationError as error:
            found = error.errors(include_input=False, include_url=False)
            wrong = "; ".join(".".join(map(str, problem["loc"])) or problem["msg"] for problem in found)
            raise Misconfigured(f"{self._where}: {file.name} is not accepted: {wrong}") from None
        except (OSError, ValueError):
            raise Misconfigured(f"{self._where}: {file.name} is not a JSON object of settings") from None
        if not account.has_account:
            raise Misconfigured(f"{self._where}: {file.name} must give {', '.join(account.needed)}")
        return account
