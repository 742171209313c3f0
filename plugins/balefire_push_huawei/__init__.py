"""Push to Huawei's Android and HarmonyOS (up to 4) phones through HMS Push Kit."""

from balefire_push_huawei.plugin import Plugin

__all__ = ["Plugin"]
