"""What is particular to Acme."""

import pytest
from acme_stand_in import AcmeStandIn
from balefire_push_acme import Acme, Config, Plugin
from pydantic import ValidationError

from balefire import Notification, NotificationRejected

PHONE = "device-1"


async def test_acmes_id_comes_back(vendor: Acme, stand_in: AcmeStandIn) -> None:
    assert await vendor.send(Notification(id="n-1", token=PHONE, title="Ada", body="tea?")) == "acme-n-1"
    assert stand_in.accepted[0].title == "Ada"


async def test_what_acme_finds_malformed_is_rejected_for_good(vendor: Acme) -> None:
    with pytest.raises(NotificationRejected):
        await vendor.send(Notification(id="n-1", token="x" * 3_000, body="tea?"))


def test_the_key_is_required_and_never_shown() -> None:
    with pytest.raises(ValidationError, match="api_key"):
        Config.model_validate({})
    assert "hush" not in repr(Config.model_validate({"api_key": "hush"}))


def test_the_plugin_describes_itself() -> None:
    assert Plugin().describe().config is Config
