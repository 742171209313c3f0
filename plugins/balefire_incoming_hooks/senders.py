"""The robot accounts that hooks post as, and their places in groups and channels."""

import inspect
from typing import Any, Final

from balefire import (
    Conflict,
    Conversation,
    Denied,
    Forbidden,
    Identity,
    InvalidInput,
    Member,
    MessageDenied,
    NotFound,
    PluginContext,
    Role,
    User,
)
from balefire_incoming_hooks.hook_book import Hook, HookBook

_STAFF: Final = ("owner", "manager")


class Senders:
    """Makes sure that a hook may post: a robot account of its own, in every conversation it posts to."""

    def __init__(self, ctx: PluginContext[Any], book: HookBook) -> None:
        self._ctx = ctx
        self._book = book

    def conversations(self, keys: list[str], caller: Identity) -> list[Conversation]:
        """The conversations an owner named.

        :raises InvalidInput: malformed, or neither a group nor a channel.
        """
        found = [self._ctx.resolve(key, caller.user) for key in dict.fromkeys(keys)]
        for conversation in found:
            if conversation.kind not in ("group", "channel") or "," in conversation.target:
                reason = f"a hook posts to groups and channels, {conversation.key} is neither"
                raise InvalidInput(reason, where="body.conversations")
        return found

    async def check_rights(self, conversations: list[Conversation], caller: Identity) -> None:
        """Whether the caller may let a robot post there: owners and managers may, and operators.

        :raises Forbidden, NotFound: not everywhere.
        """
        for conversation in conversations:
            where = _home(conversation)
            if caller.may("admin"):
                if not await self._ctx.members.count(where):
                    raise NotFound(f"there is no {where.key}", where="body.conversations")
                continue
            member = await self._member(where, caller.user)
            if member is None or member.role not in _STAFF:
                raise Forbidden(f"only an owner or manager of {where.key} may add a hook", where="body.conversations")

    async def check_account(self, hook: Hook, caller: Identity) -> None:
        """Create the account that the hook posts as, or make sure that it is the caller's to use.

        :raises Conflict: the id belongs to a person, or to somebody else's robot.
        """
        known = (await self._ctx.directory.get([hook.sender])).get(hook.sender)
        if known is None:
            await self._ctx.directory.put(User(id=hook.sender, display_name=hook.definition.name, kind="robot"))
            return
        is_own = any(other.sender == hook.sender and other.owner == hook.owner for other in self._book.all())
        if known.kind != "robot" or not (is_own or caller.may("admin")):
            raise Conflict(f"the account {hook.sender!r} is taken; choose another sender", where="body.sender")

    async def enter(self, hook: Hook, by: str) -> None:
        """Give the account its place in every conversation the hook posts to; a manager's in channels.

        Whoever takes it out again, by the means of groups and channels, stops the hook there.
        """
        for conversation in self._targets(hook):
            role: Role = "manager" if conversation.kind == "channel" else "member"
            await self._ctx.members.add(conversation, [hook.sender], role=role, by=by)

    async def check_place(self, hook: Hook, conversation: Conversation) -> None:
        """Whether the account still has its place in a channel; groups ask for themselves.

        :raises MessageDenied: somebody took it away.
        """
        if conversation.kind == "channel":
            member = await self._member(conversation, hook.sender)
            if member is None or member.role not in _STAFF:
                raise MessageDenied(Denied("not_staff", f"{hook.sender} was taken out of {conversation.key}"))

    async def leave(self, hook: Hook, by: str) -> None:
        """Take the account out of conversations that no hook of the book posts to with it any more."""
        still = {target for other in self._book.all() if other.sender == hook.sender for target in self._targets(other)}
        for conversation in self._targets(hook):
            if conversation not in still:
                await self._ctx.members.remove(conversation, [hook.sender], by=by)

    async def _member(self, conversation: Conversation, user: str) -> Member | None:
        member = self._ctx.members.get(_home(conversation), user)
        return await member if inspect.isawaitable(member) else member

    def _targets(self, hook: Hook) -> list[Conversation]:
        found = [self._ctx.resolve(key, hook.sender) for key in hook.definition.conversations]
        return list(dict.fromkeys(_home(conversation) for conversation in found))


def _home(conversation: Conversation) -> Conversation:
    """Members belong to every line of a conversation."""
    return Conversation(conversation.kind, conversation.target)
