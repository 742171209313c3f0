from typing import Any

from balefire import Job, PluginContext, hookimpl


@hookimpl
def register_jobs(ctx: PluginContext[Any]) -> list[Job]:
    async def sweep() -> None:
        ctx.log.info("swept", extra={"folder": ctx.data_folder.name})

    return [Job("sweep", sweep, cron="30 4 * * *", timezone="Asia/Shanghai")]
