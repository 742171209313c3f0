from balefire import Authenticator, Identity, hookimpl


class LetterBox:
    name = "letter-box"

    def authenticate(self, credential: str) -> Identity | None:
        return Identity(user="postman") if credential == "ring twice" else None


@hookimpl
def register_authenticators() -> list[Authenticator]:
    return [LetterBox()]
