"""``python -m balefire`` is ``balefire``."""

from balefire.cli import main

if __name__ == "__main__":
    main(prog_name="balefire")
