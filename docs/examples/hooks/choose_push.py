from balefire import PushCandidate, PushChoice, hookimpl


@hookimpl
async def choose_push(candidate: PushCandidate) -> PushChoice | None:
    if candidate.message.sender == "parrot":
        return PushChoice(is_allowed=False, reason="parrots ring nobody")
    return None
