"""What the demo prints when it is ready."""

import os
import subprocess
import sys

from rich.cells import cell_len

from balefire_demo.panel import HINTS, where_to_click

NARROW_TERMINAL = 80
FRAME_AND_PADDING = 8


def test_the_panel_fits_a_narrow_terminal() -> None:
    rows = [
        english + "  " + chinese + "  " + address
        for english, chinese, address in where_to_click("http://127.0.0.1:8450")
    ]

    assert max(map(cell_len, [*rows, *HINTS])) <= NARROW_TERMINAL - FRAME_AND_PADDING


def test_a_terminal_without_the_letters_shows_what_it_can() -> None:
    show = "from balefire_demo.panel import show_panel; show_panel('http://127.0.0.1:8450')"
    shown = subprocess.run(
        [sys.executable, "-c", show],
        env=os.environ | {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert shown.returncode == 0, shown.stderr
    assert "http://127.0.0.1:8450/?as=alice" in shown.stdout
