"""What an owner says about a hook: where it posts, as whom, with which words, and whom it believes."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from balefire import USER_ID_PATTERN
from balefire_incoming_hooks.allowance import MAX_TEMPLATE
from balefire_incoming_hooks.rendering import Templates

Verification = Literal["none", "github", "standard"]

Place = Annotated[str, Field(pattern=r"^(header:[A-Za-z0-9-]{1,64}|body:[A-Za-z0-9_.\-]{1,128})?$")]
"""Where something stands in a request: ``header:X-GitHub-Event`` or ``body:object.kind``; "" for nowhere."""

Template = Annotated[str, Field(max_length=MAX_TEMPLATE)]
EventName = Annotated[str, Field(min_length=1, max_length=128)]

_EVENT = "where the kind of event is named; it chooses the template"
_KEY = "where a delivery's id is; a delivery that comes again is posted once"
_VERIFY = "github: X-Hub-Signature-256; standard: the three webhook-* headers of Standard Webhooks"


class HookDefinition(BaseModel):
    """A hook as its owner describes it. Templates are Jinja2; they see the payload's own keys, and ``payload``,
    ``event``, ``action`` and ``headers``. What renders to nothing is not posted."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1, max_length=64, description="shown as the sender's name")
    conversations: list[str] = Field(min_length=1, max_length=20, description="groups and channels: group/team")
    sender: str = Field(
        "", description="the robot account that posts; made when missing", pattern=f"{USER_ID_PATTERN}|^$"
    )
    template: Template = Field("", description="for events that have no template of their own")
    templates: dict[EventName, Template] = Field({}, max_length=300, description="by event, or event.action")
    event_from: Place = Field("", description=_EVENT)
    action_from: Place = Field("body:action", description="where the event's action is named")
    key_from: Place = Field("", description=_KEY)
    verify: Verification = Field("none", description=_VERIFY)
    is_enabled: bool = True

    def compiled(self) -> Templates:
        """The templates, ready to be chosen from."""
        return Templates(self.template, self.templates)


class NewHook(HookDefinition):
    """A hook to create."""

    signing_key: SecretStr | None = Field(
        None, description="what the other side signs with, if it gave you one; made when missing", max_length=256
    )


class HookChange(BaseModel):
    """What to change of a hook; what is left out stays as it is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str | None = Field(None, min_length=1, max_length=64)
    conversations: list[str] | None = Field(None, min_length=1, max_length=20)
    template: Template | None = None
    templates: dict[EventName, Template] | None = Field(None, max_length=300)
    event_from: Place | None = None
    action_from: Place | None = None
    key_from: Place | None = None
    verify: Verification | None = None
    is_enabled: bool | None = None
    signing_key: SecretStr | None = Field(None, max_length=256)
