from collections import Counter

from balefire import hookimpl

rejected: Counter[str] = Counter()


@hookimpl
async def on_push_rejected(vendor: str) -> None:
    rejected[vendor] += 1
