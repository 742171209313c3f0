from balefire import ConversationKind, hookimpl


@hookimpl
def register_conversation_kinds() -> list[ConversationKind]:
    # Hand over an object that says who may speak, who hears it and who may read back.
    return []
