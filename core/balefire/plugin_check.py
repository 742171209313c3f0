"""Checks somebody's plugin: that it loads, fits the contract, explains itself, and passes its tests."""

from __future__ import annotations

import inspect
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final, Literal
from xml.etree import ElementTree

from balefire.plugin_host import offline_host

if TYPE_CHECKING:
    from balefire.plugin_record import PluginRecord

TEST_SECONDS: Final = 600.0


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the result. ``advice`` fails nothing."""

    level: Literal["good", "advice", "bad"]
    text: str


def check_plugin(path: Path, *, run_tests: bool = True) -> Iterator[Finding]:
    """Everything there is to say about the plugins in a file or folder.

    :param path: absolute; what ``[kernel] plugins`` would name.
    :param run_tests: whether to run the tests in the folder, in a process of their own.
    """
    host = offline_host({}, (path,))
    # Settings it requires are not here to be found wrong: only whether it is a plugin at all.
    problems = [problem for problem in host.examine() if not problem.startswith("plugins.")]
    yield from (Finding("bad", problem) for problem in problems)
    for record in host.records.values():
        yield from _look_at(record)
    if host.records and run_tests:
        yield from _run_tests(path, list(host.records.values()))


def _look_at(record: PluginRecord) -> Iterator[Finding]:
    if record.state == "failed":
        yield Finding("bad", f"plugin {record.name!r}: {record.reason}")
        return
    api = ".".join(map(str, record.manifest.api))
    yield Finding("good", f"plugin {record.name!r} {record.version} loads; contract {api}".replace("  ", " "))
    yield Finding("good", f"hooks: {', '.join(sorted(record.hooks))}")
    yield from _explains_itself(record)
    for text in record.deprecations:
        yield Finding("advice", f"uses what balefire 1.0 removes: {text}")


def _explains_itself(record: PluginRecord) -> Iterator[Finding]:
    if not record.manifest.summary:
        yield Finding("bad", "the manifest has no summary; one line on what the plugin does")
    if not record.manifest.summary_zh:
        yield Finding("advice", "the manifest has no summary_zh; the summary in Chinese")
    module = sys.modules.get(type(record.plugin).__module__) or record.plugin
    if not inspect.getdoc(module):
        yield Finding("bad", f"module {getattr(module, '__name__', record.name)!r} has no docstring")
    fields = record.manifest.config.model_fields
    bare = [name for name, field in fields.items() if not field.description]
    if bare:
        yield Finding("bad", f"settings without a description: {', '.join(bare)}; write Field(description=…)")
    elif fields:
        yield Finding("good", f"settings: {', '.join(fields)}")


def _run_tests(path: Path, records: list[PluginRecord]) -> Iterator[Finding]:
    tests = path / "tests"
    if not tests.is_dir():
        yield Finding("bad", f"there are no tests: {tests} is no folder")
        return
    if find_spec("pytest") is None or find_spec("pytest_asyncio") is None:
        yield Finding("bad", "the tests need pytest: pip install 'balefire[testing]'")
        return
    with TemporaryDirectory(prefix="balefire-check-") as folder:
        report = Path(folder) / "report.xml"
        finding = _pytest(path, report)
        yield finding
        if finding.level == "good" and any("register_push_vendors" in record.hooks for record in records):
            yield from _kit_was_passed(_passed(report))


def _kit_was_passed(passed: set[str]) -> Iterator[Finding]:
    from balefire.testing import PushVendorContract

    kit = {name for name in dir(PushVendorContract) if name.startswith("test_")}
    if not kit & passed:
        yield Finding("bad", "no test inherits balefire.testing.push_vendor.PushVendorContract, the conformance kit")
    elif missing := kit - passed:
        yield Finding("bad", f"of the conformance kit these tests were not passed: {', '.join(sorted(missing))}")


def _passed(report: Path) -> set[str]:
    """Names of the tests that ran and passed, without their parameters; one that was skipped did not."""
    cases = ElementTree.parse(report).iter("testcase")  # noqa: S314 - pytest has just written it
    return {case.get("name", "").partition("[")[0] for case in cases if case.find("skipped") is None}


def _pytest(folder: Path, report: Path) -> Finding:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junit-xml={report}"]
    command += ["--rootdir", str(folder), str(folder)]
    try:
        run = subprocess.run(  # noqa: S603 - the plugin's own tests; whoever checks a plugin runs its code
            command, cwd=folder, capture_output=True, text=True, timeout=TEST_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return Finding("bad", f"the tests did not end within {TEST_SECONDS:g} s")
    lines = (run.stdout + run.stderr).strip().splitlines() or ["no output"]
    if run.returncode == 0:
        return Finding("good", f"tests: {lines[-1].strip(' =')}")
    return Finding("bad", "the tests fail:\n" + "\n".join(f"    {line}" for line in lines[-60:]))
