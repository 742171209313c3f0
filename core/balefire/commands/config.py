"""``balefire config show``: what the platform would run with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from balefire.cli import read_config
from balefire.commands.language import say

if TYPE_CHECKING:
    from balefire.config import Config
    from balefire.plugin_record import PluginRecord

MASK: Final = "********"


@click.group(help=say(None, "查看配置。"))
def config() -> None:
    """Look at the configuration."""


@config.command(
    help=say(
        None,
        """以 TOML 输出生效的全部设置；密钥以星号代替。

        \b
        设置来自文件、环境变量和默认值。

        \b
        示例：
          balefire config show
          BALEFIRE_SERVER__PORT=9000 balefire config show
        """,
    )
)
@click.pass_obj
def show(path: Path | None) -> None:
    """Print every setting in force, from file, environment and defaults, as TOML. Secrets are masked.

    \b
    Examples:
      balefire config show
      BALEFIRE_SERVER__PORT=9000 balefire config show
    """
    click.echo(as_toml(masked(read_config(path))))


def masked(settings: Config) -> dict[str, Any]:
    """The whole configuration with secrets replaced."""
    from balefire.commands.plugins import examine
    from balefire.config import SECTIONS

    tree = {name: getattr(settings, name).model_dump(mode="json") for name in SECTIONS}
    if settings.database.url:
        tree["database"]["url"] = _without_password(settings.database.url)
    tree["plugins"] = {name: _plugin(record) for name, record in examine(settings).records.items()}
    return tree


def _plugin(record: PluginRecord) -> dict[str, Any]:
    switches = {"enabled": False} if record.state == "off" else {}
    switches |= {"critical": True} if record.is_critical else {}
    if record.state == "loaded":
        shown: dict[str, Any] = _mask_secrets(record.config.model_dump(mode="json"), record.config.model_dump())
        return switches | shown
    # Nobody said which of its keys are secret, so all of them are.
    return switches | {key: MASK for key in record.table if key not in ("enabled", "critical")}


def _mask_secrets(shown: Any, real: Any) -> Any:
    if hasattr(real, "get_secret_value"):
        return MASK if real.get_secret_value() else ""
    if isinstance(real, dict):
        return {key: _mask_secrets(shown[key], value) for key, value in real.items() if key in shown}
    return shown


def _without_password(url: str) -> str:
    scheme, separator, rest = url.partition("://")
    credentials, at, host = rest.rpartition("@")
    user, colon, _ = credentials.partition(":")
    return f"{scheme}{separator}{user}{colon and ':' + MASK}{at}{host}"


def as_toml(tree: dict[str, Any]) -> str:
    """Tables and values as ``balefire.toml`` writes them. Keys without a value are left out."""
    return "\n\n".join(_table(tree, "")).strip()


def _table(table: dict[str, Any], path: str) -> list[str]:
    own = [f"{_key(key)} = {_value(v)}" for key, v in table.items() if not isinstance(v, dict) and v is not None]
    blocks = ["\n".join([f"[{path}]", *own])] if path and (own or not table) else []
    for key, value in table.items():
        if isinstance(value, dict):
            blocks += _table(value, f"{path}.{_key(key)}" if path else _key(key))
    return blocks


def _key(key: str) -> str:
    is_bare = key.replace("-", "").replace("_", "").isalnum() and key.isascii()
    return key if is_bare else json.dumps(key, ensure_ascii=False)


def _value(value: Any) -> str:
    """JSON's strings, numbers, booleans and lists are TOML's; its objects are not."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_key(key)} = {_value(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    return json.dumps(value, ensure_ascii=False)
