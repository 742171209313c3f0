"""Whether a phone rings, and why: the one place where that is decided (I8), in the order of the domain rules 5.10."""

from collections.abc import Callable
from typing import Final

import msgspec

from balefire import PushChoice
from balefire_push.preferences import Preferences


class Situation(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the decision depends on. ``minute`` is the user's local minute of the day; ``is_read``: they have
    read the message somewhere already; ``is_late``: it is too old to ring for."""

    is_sender: bool = False
    is_mentioned: bool = False
    is_call: bool = False
    has_text: bool = True
    has_token: bool = True
    is_read: bool = False
    is_late: bool = False
    is_muted: bool = False
    is_online: bool = False
    minute: int = 0
    preferences: Preferences = Preferences()
    choice: PushChoice | None = None


class Step(msgspec.Struct, frozen=True):
    """One rule and what it found."""

    rule: str
    result: str


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """Push or not. ``rule`` is the one that decided, ``steps`` all that were looked at, in order."""

    is_pushed: bool
    rule: str
    shows_detail: bool = True
    steps: tuple[Step, ...] = ()


def decide(situation: Situation) -> Decision:
    """Decide for one recipient. Pure: the same situation gives the same decision.

    The first of the firm rules that objects ends it. The others are the user's wishes; a plugin's ``choose_push``
    answer comes last and outweighs them.
    """
    steps: list[Step] = []
    for rule, ask in FIRM_RULES:
        objection, finding = ask(situation)
        steps.append(Step(rule, finding))
        if objection:
            return Decision(is_pushed=False, rule=rule, steps=tuple(steps))
    refused_by = ""
    for rule, ask in WISHES:
        objection, finding = ask(situation)
        steps.append(Step(rule, finding))
        if objection:
            refused_by = rule
            break
    rule = refused_by or "default"
    is_pushed = not refused_by
    if situation.choice is not None:
        rule, is_pushed = "choose_push", situation.choice.is_allowed
        steps.append(Step(rule, situation.choice.reason))
    shows_detail = not situation.preferences.hides_detail
    if is_pushed and not shows_detail:
        steps.append(Step("hide_detail", "the text is left out: the user asked for it"))
    return Decision(is_pushed=is_pushed, rule=rule, shows_detail=shows_detail, steps=tuple(steps))


Finding = tuple[bool, str]


def _sender(situation: Situation) -> Finding:
    return situation.is_sender, "the user wrote it" if situation.is_sender else "somebody else wrote it"


def _text(situation: Situation) -> Finding:
    if situation.has_text or situation.is_call:
        return False, "there is something to show"
    return True, "the content type has no text for notifications"


def _device(situation: Situation) -> Finding:
    return not situation.has_token, "has a push token" if situation.has_token else "no device with a push token"


def _read(situation: Situation) -> Finding:
    return situation.is_read, "read already" if situation.is_read else "not read yet"


def _age(situation: Situation) -> Finding:
    return situation.is_late, "too old to ring for" if situation.is_late else "fresh"


def _muted(situation: Situation) -> Finding:
    if not situation.is_muted:
        return False, "the conversation is not muted"
    if situation.is_call:
        return False, "the conversation is muted, but it is a call"
    if situation.is_mentioned:
        return False, "the conversation is muted, but the message mentions the user"
    return True, "the conversation is muted"


def _muted_everywhere(situation: Situation) -> Finding:
    if not situation.preferences.is_muted:
        return False, "notifications are on"
    if situation.is_call:
        return False, "notifications are off, but it is a call"
    return True, "the user switched notifications off"


def _calls_muted(situation: Situation) -> Finding:
    if not situation.is_call:
        return False, "not a call"
    mutes = situation.preferences.mutes_calls
    return mutes, "the user switched calls off" if mutes else "calls are on"


def _online(situation: Situation) -> Finding:
    return situation.is_online, "has a live session" if situation.is_online else "no live session"


def _quiet_hours(situation: Situation) -> Finding:
    hours = situation.preferences.quiet_hours
    if hours is None:
        return False, "none set"
    clock = f"{situation.minute // 60:02}:{situation.minute % 60:02} there"
    is_quiet = hours.covers(situation.minute)
    return is_quiet, f"{hours}, {clock}"


Rule = tuple[str, Callable[[Situation], Finding]]

FIRM_RULES: Final[tuple[Rule, ...]] = (
    ("sender", _sender),
    ("text", _text),
    ("device", _device),
    ("read", _read),
    ("age", _age),
)
WISHES: Final[tuple[Rule, ...]] = (
    ("muted", _muted),
    ("muted_everywhere", _muted_everywhere),
    ("calls_muted", _calls_muted),
    ("online", _online),
    ("quiet_hours", _quiet_hours),
)
