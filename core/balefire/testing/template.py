"""A migrated data folder to copy, so that a platform per test costs no migrations."""

import atexit
import functools
import shutil
import tempfile
from pathlib import Path

from balefire.config import load_config
from balefire.kernel import Kernel


@functools.cache
def _place() -> Path:
    # One folder per process, made on demand: the only state that outlives a test, and nothing writes to it twice.
    folder = Path(tempfile.mkdtemp(prefix="balefire-template-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


async def template_folder() -> Path:
    """The data folder of a platform that was started once with the default plugins and stopped again."""
    data = _place() / "data"
    if not data.exists():
        fresh = _place() / "fresh"
        server = {"host": "127.0.0.1", "port": 0}
        config = load_config(overrides={"server": server, "kernel": {"data_folder": str(fresh)}}, environ={})
        async with Kernel(config).running():
            pass
        fresh.rename(data)
    return data
