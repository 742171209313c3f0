"""``configuration.md``: every setting, from the models that validate them."""

import json
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from scripts.reference.built_in import manifests
from scripts.reference.markdown import GENERATED, code, paragraph, table

from balefire.config import DEFAULT_PLUGINS, SECTIONS

INTRODUCTION = """\
# Configuration

One file, `balefire.toml`, in the folder you start `balefire` in (or `balefire --config FILE …`). Without a file
everything has its default. `balefire check` validates it without starting anything and names every problem at once.

* Any string may be `{ env = "NAME" }` or `{ file = "path" }`: the value is read from there. Keep secrets out of the
  file this way.
* `BALEFIRE_SERVER__PORT=9000` sets `[server] port`, `BALEFIRE_PLUGINS__PUSH_APNS__KEY_ID=…` sets
  `[plugins.push-apns] key_id`; environment variables win over the file.
* Plugins are asked in the order in which their tables stand in the file.
* Every plugin's table also takes `enabled` (default `true`) and `critical` (default `false`: when the plugin fails, the
  platform starts without it; `true` makes that a reason not to start).

The plugins marked *on* run without a table, unless `[kernel] defaults = false`.
"""


def settings_models() -> dict[str, type[BaseModel]]:
    """The model behind every table of the file, by the table's name."""
    plugins = {f"plugins.{name}": manifest.config for name, manifest in manifests().items()}
    return {**SECTIONS, **plugins}


def page() -> str:
    """The page: the kernel's sections first, then the plugins in alphabetical order."""
    sections = [f"## [{name}]\n\n{_about(model)}\n{_table(model)}" for name, model in SECTIONS.items()]
    plugins = [_plugin(name) for name in sorted(manifests())]
    return "\n".join([GENERATED, INTRODUCTION, *sections, "## Plugins\n", *plugins])


def _about(model: type[BaseModel]) -> str:
    text = paragraph(model.__doc__)
    _, _, what = text.partition("]`: ")
    return f"{what[:1].upper()}{what[1:]}\n" if what else f"{text}\n"


def _plugin(name: str) -> str:
    manifest = manifests()[name]
    state = "on" if name in DEFAULT_PLUGINS else "off until it has a table"
    settings = _table(manifest.config) if manifest.config.model_fields else "It has no settings of its own.\n"
    return f"### [plugins.{name}]\n\n{manifest.summary}. *{state}*\n\n{settings}"


def _table(model: type[BaseModel]) -> str:
    return table(["Key", "Type", "Default", "What for"], _rows(model))


def _rows(model: type[BaseModel]) -> Iterator[list[str]]:
    schema = model.model_json_schema()
    for name, field in model.model_fields.items():
        kind = _kind(schema["properties"][field.alias or name], schema.get("$defs", {}))
        yield [code(field.alias or name), kind, code(_default(field)), paragraph(field.description)]


def _default(field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=True, validated_data={})
    if value is PydanticUndefined:
        return ""
    if hasattr(value, "get_secret_value"):
        return '""'
    if isinstance(value, BaseModel):
        value = value.model_dump(mode="json")
    if isinstance(value, tuple | list | set | frozenset):
        value = [str(item) if not isinstance(item, int | float) else item for item in value]
    return "" if value is None else json.dumps(value, ensure_ascii=False, default=str)


def _kind(schema: dict[str, Any], definitions: dict[str, Any]) -> str:
    """A JSON schema in a few words."""
    if "$ref" in schema:
        return _kind(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    if "enum" in schema:
        return " or ".join(code(json.dumps(choice)) for choice in schema["enum"])
    if "anyOf" in schema:
        kinds = [_kind(choice, definitions) for choice in schema["anyOf"] if choice.get("type") != "null"]
        return " or ".join(dict.fromkeys(kinds))
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}), definitions)}"
    return _number(schema) if schema.get("type") in ("integer", "number") else _word(schema)


def _word(schema: dict[str, Any]) -> str:
    if schema.get("format") == "password":
        return "secret"
    kind = str(schema.get("type", "any"))
    return {"object": "table", "boolean": "true or false"}.get(kind, kind)


def _number(schema: dict[str, Any]) -> str:
    bounds = [
        f"{word} {schema[key]:,}".replace(",", " ")
        for key, word in {
            "minimum": "at least",
            "exclusiveMinimum": "above",
            "maximum": "at most",
            "exclusiveMaximum": "below",
        }.items()
        if key in schema
    ]
    return ", ".join([schema["type"], *bounds])
