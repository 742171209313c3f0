"""A vendor's settings: whole or none, and read again from a file that changes."""

import json
import os
from pathlib import Path
from typing import ClassVar

import pytest
from pydantic import SecretStr, ValidationError

from balefire import Account, Misconfigured, TryLater, VendorSettings


class Config(VendorSettings):
    needed: ClassVar[tuple[str, ...]] = ("app_id", "app_secret")

    app_id: str = ""
    app_secret: SecretStr = SecretStr("")


def account(folder: Path, **settings: object) -> Account[Config]:
    return Account("push-beacon", Config.model_validate(settings), folder)


def write(path: Path, text: str) -> None:
    """With a time stamp that differs from the last."""
    before = path.stat().st_mtime_ns if path.exists() else 0
    path.write_text(text)
    os.utime(path, ns=(before + 10**9, before + 10**9))


def test_half_an_account_is_refused_and_says_what_is_missing() -> None:
    with pytest.raises(ValidationError, match="app_secret: needed too"):
        Config.model_validate({"app_id": "1"})
    assert not Config.model_validate({}).has_account
    assert Config.model_validate({"app_id": "1", "app_secret": "hush"}).has_account


def test_settings_of_the_configuration_are_used_as_they_are(tmp_path: Path) -> None:
    assert account(tmp_path, app_id="1", app_secret="hush").read().app_id == "1"


def test_a_file_is_read_again_when_it_changes(tmp_path: Path) -> None:
    found = account(tmp_path, account_file="a.json", timeout_seconds=3)
    with pytest.raises(TryLater, match=r"plugins\.push-beacon\.account_file: a\.json is not there yet"):
        found.read()

    write(tmp_path / "a.json", json.dumps({"app_id": "1", "app_secret": "x"}))
    first = found.read()
    assert (first.app_id, first.timeout_seconds) == ("1", 3)
    assert found.read() is first, "the same object tells a vendor that nothing changed"

    write(tmp_path / "a.json", json.dumps({"app_id": "2", "app_secret": "x"}))
    assert found.read().app_id == "2"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nonsense", "not a JSON object"),
        ("[]", "not a JSON object"),
        ('{"app_id": "1"}', "app_secret: needed too"),
        ('{"app_id": "1", "app_secret": "hush", "surprise": 1}', "surprise"),
        ('{"app_id": 7, "app_secret": "hush"}', "app_id"),
        ("{}", "must give app_id, app_secret"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_without_its_secrets(tmp_path: Path, text: str, said: str) -> None:
    write(tmp_path / "a.json", text)

    with pytest.raises(Misconfigured, match=said) as caught:
        account(tmp_path, account_file="a.json").read()

    assert "hush" not in str(caught.value)


def test_what_comes_of_the_settings_is_made_again_only_when_they_change(tmp_path: Path) -> None:
    current = account(tmp_path, account_file="a.json").derive(lambda config: [config.app_id])
    write(tmp_path / "a.json", json.dumps({"app_id": "1", "app_secret": "x"}))
    first = current()
    assert current() is first == ["1"]

    write(tmp_path / "a.json", json.dumps({"app_id": "2", "app_secret": "x"}))

    assert current() == ["2"]
