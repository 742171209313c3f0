"""The table ``[plugins.push-apns]`` and the account that comes of it."""

import json
from pathlib import Path
from typing import Literal, Self

import msgspec
from pydantic import Field, SecretStr, model_validator

from balefire import Misconfigured, Settings, TryLater


class Config(Settings):
    """The table ``[plugins.push-apns]``: a signing key, or a certificate, or a file that holds the account.

    Without any of them the plugin waits to be configured and registers no vendor.
    """

    key: SecretStr = Field(SecretStr(""), description="the text of Apple's .p8 signing key; or use key_file")
    key_file: Path | None = Field(None, description="path of Apple's .p8 signing key")
    key_id: str = Field("", max_length=32, description="the key's id: ten characters, shown beside the key")
    team_id: str = Field("", max_length=32, description="the team's id: ten characters, on the membership page")
    topics: list[str] = Field([], description="bundle ids of your apps; the first is used for devices that name none")
    certificate_file: Path | None = Field(None, description="a push certificate in PEM form, instead of a key")
    certificate_key_file: Path | None = Field(None, description="the certificate's private key, if in another file")
    account_file: Path | None = Field(
        None,
        description="a JSON file with any of these settings, read again when it changes, relative to the plugin's "
        "data folder; the push sandbox writes one",
    )
    production_host: str = Field("api.push.apple.com:443", description="where devices of released apps are reached")
    sandbox_host: str = Field("api.sandbox.push.apple.com:443", description="where devices of Xcode builds are reached")
    default_environment: Literal["production", "sandbox"] = Field(
        "production",
        description="tried first for devices that do not say; the other one once if it knows no such token",
    )
    ca_file: Path | None = Field(None, description="certificate authority to trust instead of the system's")
    transport: Literal["http2", "pyapns"] = Field(
        "http2", description='"pyapns" uses the pyapns-client package, which opens a TLS connection for every push'
    )
    timeout_seconds: float = Field(10.0, gt=0, le=14, description="for one request, connecting included")
    connect_seconds: float = Field(5.0, gt=0, le=14, description="for opening the connection")
    ping_after_seconds: float = Field(3600.0, gt=0, description="ask whether the server is there after such a silence")
    pong_within_seconds: float = Field(5.0, gt=0, description="how long it may take to answer that")

    @model_validator(mode="after")
    def _one_account(self) -> Self:
        has_key = bool(self.key.get_secret_value()) or self.key_file is not None
        if not has_key and (self.key_id or self.team_id):
            raise ValueError("key_id and team_id need a signing key: give key_file or key")
        if has_key and not (self.key_id and self.team_id):
            raise ValueError("a signing key needs key_id and team_id")
        if (has_key or self.certificate_file is not None) and not self.topics:
            raise ValueError("topics: name at least one bundle id")
        if self.transport == "pyapns" and self.certificate_file is not None:
            raise ValueError('transport "pyapns" knows signing keys only; use "http2" with a certificate')
        return self

    @property
    def has_account(self) -> bool:
        """Whether there is anything to push with."""
        files = (self.key_file, self.certificate_file, self.account_file)
        return bool(self.key.get_secret_value()) or any(file is not None for file in files)


class Account(msgspec.Struct, frozen=True):
    """Who we are for Apple and where Apple is. ``key`` is secret."""

    topics: tuple[str, ...]
    production_host: str
    sandbox_host: str
    key: str = ""
    key_id: str = ""
    team_id: str = ""
    certificate_file: str = ""
    certificate_key_file: str = ""
    ca_file: str = ""

    def host(self, environment: str) -> str:
        return self.production_host if environment == "production" else self.sandbox_host


class AccountSource:
    """Gives the account in use; with an ``account_file`` it looks at the file's time before each answer."""

    def __init__(self, config: Config, folder: Path) -> None:
        self._config = config
        self._file = folder / config.account_file if config.account_file is not None else None
        self._read_at = -1
        self._account: Account | None = None

    def read(self) -> Account:
        """The account as of now.

        :raises TryLater: the account file is not there yet.
        :raises Misconfigured: it, or the key file, cannot be used.
        """
        modified = self._modified_at()
        if self._account is None or modified != self._read_at:
            self._account = self._load()
            self._read_at = modified
        return self._account

    def _modified_at(self) -> int:
        if self._file is None:
            return 0
        try:
            return self._file.stat().st_mtime_ns
        except OSError:
            raise TryLater(f"plugins.push-apns.account_file: {self._file.name} is not there yet") from None

    def _load(self) -> Account:
        config = self._config
        if self._file is not None:
            try:
                given = json.loads(self._file.read_bytes())
                config = Config.model_validate(config.model_dump(exclude={"account_file"}) | given)
                if not (config.has_account and config.topics):
                    raise ValueError("no account")
            except (OSError, ValueError):
                raise Misconfigured(
                    "plugins.push-apns.account_file: not a JSON object of settings with key and topics"
                ) from None
        return Account(
            topics=tuple(config.topics),
            production_host=config.production_host,
            sandbox_host=config.sandbox_host,
            key=_key(config),
            key_id=config.key_id,
            team_id=config.team_id,
            certificate_file=str(config.certificate_file or ""),
            certificate_key_file=str(config.certificate_key_file or ""),
            ca_file=str(config.ca_file or ""),
        )


def _key(config: Config) -> str:
    if config.key_file is None:
        return config.key.get_secret_value()
    try:
        return config.key_file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "not a text file"
        raise Misconfigured(f"plugins.push-apns.key_file: cannot read {config.key_file}: {why}") from None
