from balefire import HealthCheck, hookimpl


async def check() -> str | None:
    return None  # or what is wrong: "the vendor has not answered for 5 minutes"


@hookimpl
def register_health_checks() -> list[HealthCheck]:
    return [HealthCheck("vendor", check, is_critical=False)]
