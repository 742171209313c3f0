"""Every setting says what it is for; the configuration page is made from that."""

import pytest
from scripts.reference.configuration import settings_models

MODELS = settings_models()


@pytest.mark.parametrize("table", MODELS)
def test_every_setting_is_described(table: str) -> None:
    mute = [name for name, field in MODELS[table].model_fields.items() if not field.description]

    assert mute == [], f"[{table}] needs a description for these"


@pytest.mark.parametrize("table", MODELS)
def test_unknown_keys_are_refused_and_settings_do_not_change(table: str) -> None:
    config = MODELS[table].model_config

    assert config.get("extra") == "forbid"
    assert config.get("frozen") is True
