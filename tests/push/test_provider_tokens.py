"""Provider tokens: shared without talking, renewed in time, never too often."""

import itertools

import jwt
import pytest
from tests.push.conftest import MovableClock

from balefire import ConfigError
from balefire_push_apns.signing import ProviderTokens
from balefire_push_sandbox.authority import Authority


@pytest.fixture
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.getbasetemp() / "authority")


def make(authority: Authority, clock: MovableClock) -> ProviderTokens:
    identity = authority.identity
    return ProviderTokens(authority.key_file.read_text(), key_id=identity.key_id, team_id=identity.team_id, clock=clock)


def test_apple_can_read_them(authority: Authority, clock: MovableClock) -> None:
    token = make(authority, clock).current()

    claims = jwt.decode(token, authority.public_key, algorithms=["ES256"], options={"verify_iat": False})
    assert claims["iss"] == authority.identity.team_id
    assert isinstance(claims["iat"], int)
    assert jwt.get_unverified_header(token) == {"alg": "ES256", "kid": authority.identity.key_id}


def test_two_processes_make_the_same(authority: Authority, clock: MovableClock) -> None:
    first, second = make(authority, clock), make(authority, clock)

    clock.move(600)

    assert first.current() == second.current()


def test_a_restart_makes_no_new_one(authority: Authority, clock: MovableClock) -> None:
    before = make(authority, clock).current()
    clock.move(900)

    assert make(authority, clock).current() == before


def test_over_a_day_no_token_is_too_old_or_changed_too_soon(authority: Authority, clock: MovableClock) -> None:
    tokens = make(authority, clock)
    clock.move(25 * 60)  # first used late in its slot
    seen: dict[str, int] = {}
    for _ in range(24 * 60):
        now = clock.now_ms() // 1000
        token = tokens.current()
        seen.setdefault(token, now)
        issued_at = jwt.decode(token, options={"verify_signature": False})["iat"]
        assert 0 <= now - issued_at < 55 * 60
        clock.move(60)

    changes = sorted(seen.values())
    assert min(later - sooner for sooner, later in itertools.pairwise(changes)) >= 20 * 60
    assert 40 <= len(changes) <= 49


def test_a_clock_that_was_set_back_gets_a_new_one(authority: Authority, clock: MovableClock) -> None:
    tokens = make(authority, clock)
    tokens.current()
    clock.move(-86_400)

    issued_at = jwt.decode(tokens.current(), options={"verify_signature": False})["iat"]

    assert issued_at <= clock.now_ms() / 1000


@pytest.mark.parametrize("key", ["", "no key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"])
def test_what_is_no_key_is_refused_without_showing_it(key: str, clock: MovableClock) -> None:
    with pytest.raises(ConfigError, match=r"plugins\.push-apns\.key") as refused:
        ProviderTokens(key, key_id="K", team_id="T", clock=clock)

    assert key[30:60] not in str(refused.value) or not key[30:60]
