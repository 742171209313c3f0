"""Counts what happens, for ``/metrics``: messages, recalls, subscriptions, dead push tokens, comings and goings."""

from collections import Counter

from balefire import Conversation, Manifest, Message, Metric, hookimpl


class Plugin:
    """Only adds up; figures start at 0 with the process, as those who scrape counters expect."""

    def __init__(self) -> None:
        self._messages: Counter[tuple[str, ...]] = Counter()
        self._recalls: Counter[tuple[str, ...]] = Counter()
        self._subscriptions: Counter[tuple[str, ...]] = Counter()
        self._dead_tokens: Counter[tuple[str, ...]] = Counter()
        self._presence: Counter[tuple[str, ...]] = Counter()

    @hookimpl
    def describe(self) -> Manifest:
        """Say what this plugin is."""
        return Manifest(summary="Counts what happens, for /metrics", summary_zh="统计各类事件，供 /metrics 采集")

    @hookimpl
    def register_metrics(self) -> list[Metric]:
        """One counter for each thing that is counted."""
        return [
            _counter("messages", "Messages stored on this node", self._messages, "kind", "origin"),
            _counter("recalls", "Messages taken back", self._recalls, "kind"),
            _counter("subscriptions", "Channel subscriptions begun and ended", self._subscriptions, "change"),
            _counter("push_tokens_rejected", "Tokens that vendors rejected for good", self._dead_tokens, "vendor"),
            _counter("presence_changes", "Users coming online and going offline", self._presence, "change"),
        ]

    @hookimpl
    def on_message_stored(self, message: Message) -> None:
        """Count it by kind of conversation and by who speaks."""
        self._messages[message.conversation.kind, message.origin] += 1

    @hookimpl
    def on_message_recalled(self, message: Message) -> None:
        """Count it by kind of conversation."""
        self._recalls[(message.conversation.kind,)] += 1

    @hookimpl
    def on_channel_subscribed(self, conversation: Conversation) -> None:
        """Somebody came."""
        self._subscriptions[("begun",)] += 1

    @hookimpl
    def on_channel_unsubscribed(self, conversation: Conversation) -> None:
        """Somebody left."""
        self._subscriptions[("ended",)] += 1

    @hookimpl
    def on_push_rejected(self, vendor: str) -> None:
        """Count it by vendor."""
        self._dead_tokens[(vendor,)] += 1

    @hookimpl
    def on_presence_changed(self, is_online: bool) -> None:
        """Count it by direction."""
        self._presence[("online" if is_online else "offline",)] += 1


def _counter(name: str, help: str, counts: Counter[tuple[str, ...]], *labels: str) -> Metric:
    return Metric(f"balefire_{name}_total", help, lambda: dict(counts), labels=labels, kind="counter")
