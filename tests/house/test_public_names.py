"""What is in ``__all__`` is public, and nothing else is."""

import types

import pytest

import balefire
import balefire_hookspecs


@pytest.mark.parametrize("package", [balefire, balefire_hookspecs])
def test_all_equals_the_public_names(package: types.ModuleType) -> None:
    names = {name for name, value in vars(package).items() if not name.startswith("_")}
    modules = {name for name in names if isinstance(getattr(package, name), types.ModuleType)}

    assert set(package.__all__) == names - modules - {"annotations"}


@pytest.mark.parametrize("package", [balefire, balefire_hookspecs])
def test_all_is_in_order_and_without_repeats(package: types.ModuleType) -> None:
    assert len(package.__all__) == len(set(package.__all__))


def test_the_contract_is_public_whole() -> None:
    assert set(balefire_hookspecs.__all__) <= set(balefire.__all__) | {"hookspec"}
