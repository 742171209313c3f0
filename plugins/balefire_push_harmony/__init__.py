"""Push to HarmonyOS NEXT phones through Huawei's Push Kit, version 3."""

from balefire_push_harmony.plugin import Plugin

__all__ = ["Plugin"]
