from typing import Any

from balefire import InvalidInput, Payload, hookimpl


class Dice:
    name, number, is_counted, is_stored, sent_by_server_only = "dice", 0, True, True, False

    def check(self, fields: dict[str, Any]) -> None:
        if fields.get("eyes") not in range(1, 7):
            raise InvalidInput("eyes must be 1 to 6", where="eyes")

    def digest(self, payload: Payload, language: str) -> str:
        return f"🎲 {payload.fields['eyes']}"


@hookimpl
def register_content_types() -> list[Dice]:
    return [Dice()]
