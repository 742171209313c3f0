"""The list of stable codes is complete and readable."""

import re

from balefire.problems import error_codes


def test_every_code_has_a_meaning_and_one_form() -> None:
    codes = error_codes()

    assert codes == sorted(codes)
    for entry in codes:
        assert re.fullmatch(r"[a-z][a-z0-9_]*", entry.code), entry
        assert entry.meaning and entry.meaning[0] not in " .", entry
        assert 400 <= entry.status < 600, entry


def test_the_list_has_errors_of_the_contract_of_http_and_refusals_of_plugins() -> None:
    codes = {entry.code for entry in error_codes()}

    assert {"invalid_input", "unauthenticated", "storage_full", "slow_down"} <= codes
    assert {"idempotency_key_reused", "method_not_allowed", "unsupported_media_type"} <= codes
    assert {"not_a_member"} <= codes
