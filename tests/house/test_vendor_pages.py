"""Every push vendor has a page, and what the page tells people to write into their configuration is accepted."""

import re
import tomllib
from importlib.metadata import entry_points
from typing import Any

import pytest
from tests.house.sources import PROJECT

from balefire import VendorPlugin

PAGES = PROJECT / "docs" / "how-to" / "push-vendors"
VENDORS = {
    point.name: plugin
    for point in entry_points(group="balefire")
    if point.name.startswith("push-") and isinstance(plugin := point.load(), type) and issubclass(plugin, VendorPlugin)
}
SECRETS = {"PUSH_HOOK_SECRET": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}


def settings(page: str) -> dict[str, Any]:
    """The plugin tables in a page's TOML blocks, environment variables filled in."""
    found: dict[str, Any] = {}
    for block in re.findall(r"```toml\n(.*?)```", page, re.DOTALL):
        found |= tomllib.loads(block).get("plugins", {})
    return {name: {key: _filled(value) for key, value in table.items()} for name, table in found.items()}


def _filled(value: Any) -> Any:
    return SECRETS.get(value["env"], "secret") if isinstance(value, dict) and set(value) == {"env"} else value


@pytest.mark.parametrize("name", sorted(VENDORS))
def test_what_a_vendors_page_says_is_accepted(name: str) -> None:
    page = (PAGES / f"{name.removeprefix('push-')}.md").read_text()

    config = VENDORS[name].settings.model_validate(settings(page)[name])

    assert config.has_account
    assert name in (PAGES / "index.md").read_text()


def test_there_are_vendors_to_look_at() -> None:
    assert len(VENDORS) >= 12
