"""What every push vendor must do: Balefire's conformance kit, run against this one."""

from balefire.testing.push_vendor import PushVendorContract


class TestAcme(PushVendorContract):
    """The fixtures ``vendor`` and ``stand_in`` are in ``conftest.py``."""
