"""The hook surface as text: a change of the contract shows in review as a change of ``hook_surface.txt``.

``python -m tests.house.hook_surface`` writes that file again.
"""

from pathlib import Path

from scripts.reference.hooks import hook_specs, signature

from balefire_hookspecs import PROJECT

FILE = Path(__file__).with_suffix(".txt")


def surface() -> str:
    """One line per hook: its signature, and the options that are not off."""
    lines = []
    for name, spec in hook_specs().items():
        options = {key: value for key, value in getattr(spec, f"{PROJECT}_spec").items() if value}
        lines.append(f"{signature(name)} {options or ''}".rstrip())
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    FILE.write_text(surface())
