"""Push to Android and web apps through Google's Firebase Cloud Messaging, HTTP v1."""

from balefire_push_fcm.plugin import Plugin

__all__ = ["Plugin"]
