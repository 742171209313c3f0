import msgspec

from balefire import Payload, hookimpl


@hookimpl
async def amend_message(payload: Payload) -> Payload | None:
    text = str(payload.fields.get("text", ""))
    if "darn" not in text:
        return None
    return msgspec.structs.replace(payload, fields={**payload.fields, "text": text.replace("darn", "****")})
