"""What the demo prints when it is ready."""

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
