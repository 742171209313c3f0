from balefire import Metric, hookimpl

sent: dict[tuple[str, ...], float] = {("delivered",): 0.0, ("rejected",): 0.0}


@hookimpl
def register_metrics() -> list[Metric]:
    return [Metric("balefire_pigeons_total", "pigeons by outcome", lambda: sent, labels=("outcome",), kind="counter")]
