"""The operations under ``/v1/hooks``: owners make, change, try and delete their hooks."""

import asyncio
import secrets
from dataclasses import replace
from typing import Annotated, Any, Self

from pydantic import BaseModel, Field

from balefire import Forbidden, Identity, InvalidInput, Operation, PluginContext
from balefire_incoming_hooks.definition import EventName, HookChange, HookDefinition, NewHook, Template
from balefire_incoming_hooks.hook_book import Hook, HookBook, Seal, hash_of, new_secret
from balefire_incoming_hooks.pace import Pace
from balefire_incoming_hooks.rendering import Occasion, Templates
from balefire_incoming_hooks.senders import Senders
from balefire_incoming_hooks.turns import Turns

Limit = Annotated[int, Field(ge=1, le=200)]
SCOPE = "hooks:write"


class HookState(HookDefinition):
    """A hook and how it fares. Times are milliseconds since the epoch. Its address is shown when it is made only."""

    id: str
    owner: str
    created_at: int
    updated_at: int
    used_at: int
    delivered: int
    ignored: int
    refused: int
    last_error: str

    @classmethod
    def of(cls, hook: Hook, **more: Any) -> Self:
        """As the API shows it."""
        figures = hook.figures
        return cls(
            **{**hook.definition.model_dump(), "sender": hook.sender},
            id=hook.id,
            owner=hook.owner,
            created_at=hook.created_at,
            updated_at=hook.updated_at,
            used_at=figures.used_at,
            delivered=figures.delivered,
            ignored=figures.ignored,
            refused=figures.refused,
            last_error=figures.last_error,
            **more,
        )


class HookMade(HookState):
    """A hook with what is shown once: its address, and the key that senders sign with ("" if they need not)."""

    url: str
    signing_key: str = ""


class HookList(BaseModel):
    items: list[HookState]
    next: str = ""


class Trial(BaseModel):
    """A payload and the templates to try on it."""

    payload: Any = None
    template: Template = ""
    templates: dict[EventName, Template] = Field({}, max_length=300)
    event: str = Field("", max_length=128)
    action: str = Field("", max_length=128)
    headers: dict[str, str] = Field({}, max_length=50)


class Rendered(BaseModel):
    text: str = Field(description="what would be posted; empty when nothing would")
    template: str = Field(description="which template was used")


class HookRoutes:
    """Owners see and change their own hooks; operators all."""

    def __init__(
        self, ctx: PluginContext[Any], book: HookBook, seal: Seal, pace: Pace, turns: Turns, senders: Senders
    ) -> None:
        self._ctx = ctx
        self._book = book
        self._seal = seal
        self._pace = pace
        self._turns = turns
        self._senders = senders

    def operations(self) -> list[Operation]:
        """Every operation, for ``register_routes``."""
        tags, one = ("hooks",), "/v1/hooks/{hook}"
        missing = {404: "no such hook, or not yours"}
        taken = {404: "no such conversation", 409: "the sender's id is taken"}
        return [
            Operation(
                "POST", "/v1/hooks", self.create_hook, SCOPE, tags=tags, status=201, errors=taken, is_idempotent=True
            ),
            Operation("GET", "/v1/hooks", self.list_hooks, SCOPE, tags=tags),
            Operation("POST", "/v1/hooks/preview", self.preview_hook, SCOPE, tags=tags),
            Operation("GET", one, self.get_hook, SCOPE, tags=tags, errors=missing),
            Operation("PATCH", one, self.update_hook, SCOPE, tags=tags, errors=missing),
            Operation("POST", f"{one}/rotate", self.rotate_hook, SCOPE, tags=tags, errors=missing),
            Operation("DELETE", one, self.delete_hook, SCOPE, tags=tags, errors=missing),
        ]

    async def create_hook(self, new: NewHook, caller: Identity) -> HookMade:
        """Make a hook.

        For owners and managers of the groups and channels it posts to. The answer holds its address, which is shown
        this once: whoever knows it can post.
        """
        definition = HookDefinition.model_validate(new.model_dump(exclude={"signing_key"}))
        conversations = self._senders.conversations(definition.conversations, caller)
        await self._senders.check_rights(conversations, caller)
        await asyncio.to_thread(definition.compiled().check)
        secret, key = new_secret(), _key(definition, new)
        id_, now = secrets.token_hex(8), self._ctx.clock.now_ms()
        hook = Hook(id_, hash_of(secret), self._seal.close(key, id_), caller.user, definition, now, now)
        await self._senders.check_account(hook, caller)
        await self._senders.enter(hook, caller.user)
        await self._book.add(hook)
        return self._made(hook, secret, key)

    async def list_hooks(self, caller: Identity, after: str = "", limit: Limit = 100) -> HookList:
        """List your hooks; operators see everybody's."""
        mine = [h for h in self._book.all() if h.id > after and (h.owner == caller.user or caller.may("admin"))]
        page = [HookState.of(hook) for hook in mine[:limit]]
        return HookList(items=page, next=page[-1].id if len(mine) > limit else "")

    async def get_hook(self, hook: str, caller: Identity) -> HookState:
        """Show a hook and how it fares."""
        return HookState.of(self._owned(hook, caller))

    async def update_hook(self, hook: str, change: HookChange, caller: Identity) -> HookState:
        """Change a hook; its address stays."""
        old = self._owned(hook, caller)
        given = change.model_dump(exclude_unset=True, exclude={"signing_key"})
        definition = HookDefinition.model_validate({**old.definition.model_dump(), **given})
        await asyncio.to_thread(definition.compiled().check)
        changes: dict[str, Any] = {"definition": definition, "updated_at": self._ctx.clock.now_ms()}
        if change.signing_key is not None:
            changes["sealed_key"] = self._seal.close(change.signing_key.get_secret_value(), old.id)
        if definition.verify != "none" and not changes.get("sealed_key", old.sealed_key):
            raise InvalidInput("signatures can be checked with a key only; give one", where="body.signing_key")
        if change.conversations is not None:
            await self._senders.check_rights(self._senders.conversations(change.conversations, caller), caller)
            await self._senders.enter(replace(old, definition=definition), caller.user)
        changed = await self._book.change(old, **changes)
        await self._senders.leave(old, caller.user)
        return HookState.of(changed)

    async def rotate_hook(self, hook: str, caller: Identity) -> HookMade:
        """Give a hook a new address; the old one stops working at once. The signing key stays."""
        secret = new_secret()
        changed = await self._book.change(
            self._owned(hook, caller), secret_hash=hash_of(secret), updated_at=self._ctx.clock.now_ms()
        )
        return self._made(changed, secret, "")

    async def delete_hook(self, hook: str, caller: Identity) -> None:
        """Delete a hook; what it posted stays."""
        old = self._owned(hook, caller)
        await self._book.remove(old)
        self._pace.forget(old.id)
        await self._senders.leave(old, caller.user)

    async def preview_hook(self, trial: Trial, caller: Identity) -> Rendered:
        """Render a template with a sample payload; nothing is posted. Faults name the template and the line."""
        templates = Templates(trial.template, trial.templates)
        headers = {name.lower(): value for name, value in trial.headers.items()}
        occasion = Occasion(trial.payload, trial.event, trial.action, headers)
        text = await self._turns.render(f"user:{caller.user}", templates, occasion)
        return Rendered(text=text, template=templates.choose(occasion)[0])

    def _owned(self, hook: str, caller: Identity) -> Hook:
        found = self._book.get(hook)
        if found.owner != caller.user and not caller.may("admin"):
            raise Forbidden("this hook is somebody else's")
        return found

    def _made(self, hook: Hook, secret: str, key: str) -> HookMade:
        return HookMade.of(hook, url=f"{self._ctx.public_url}/hooks/{secret}", signing_key=key)


def _key(definition: HookDefinition, new: NewHook) -> str:
    """The key senders sign with: the given one, or a new one when signatures are wanted."""
    given = new.signing_key.get_secret_value() if new.signing_key is not None else ""
    return given or ("" if definition.verify == "none" else secrets.token_urlsafe(32))
