"""The per-event hooks as the kernel calls them: one frozen chain each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pluggy import PluginManager

from balefire.dispatcher import Amend, Ask, Dispatcher, Notify
from balefire_hookspecs import (
    PROJECT,
    Conversation,
    Message,
    Payload,
    PushCandidate,
    PushChoice,
    Submission,
    Verdict,
    hooks,
)


@dataclass(frozen=True, slots=True)
class Hooks:
    """Compiled once per change of plugins and replaced as a whole, never altered."""

    authorize_message: Ask[[Submission], Verdict]
    amend_message: Amend[Payload, [Submission]]
    on_message_stored: Notify[[Message]]
    on_message_recalled: Notify[[Message, str]]
    choose_push: Ask[[PushCandidate], PushChoice]
    on_push_rejected: Notify[[str, str, str]]
    on_channel_subscribed: Notify[[Conversation, str]]
    on_channel_unsubscribed: Notify[[Conversation, str]]
    on_presence_changed: Notify[[str, bool]]


EVENT_HOOKS: Final = frozenset(Hooks.__dataclass_fields__)
"""Names of the hooks that are called per event; every other hook is called once per plugin."""


def hook_manager() -> PluginManager:
    """A plugin manager that knows the contract's hooks."""
    manager = PluginManager(PROJECT)
    manager.add_hookspecs(hooks)
    return manager


def compile_hooks(manager: PluginManager, calls: Dispatcher) -> Hooks:
    """Freeze the implementations that are registered now.

    :raises TypeError: a plugin brings a wrapper for an async hook.
    """
    return Hooks(
        authorize_message=calls.ask(manager, hooks.authorize_message, is_strict=True),
        amend_message=calls.amend(manager, hooks.amend_message),
        on_message_stored=calls.notify(manager, hooks.on_message_stored),
        on_message_recalled=calls.notify(manager, hooks.on_message_recalled),
        choose_push=calls.ask(manager, hooks.choose_push),
        on_push_rejected=calls.notify(manager, hooks.on_push_rejected),
        on_channel_subscribed=calls.notify(manager, hooks.on_channel_subscribed),
        on_channel_unsubscribed=calls.notify(manager, hooks.on_channel_unsubscribed),
        on_presence_changed=calls.notify(manager, hooks.on_presence_changed),
    )
