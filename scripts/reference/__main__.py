"""Write every generated page, or with ``--check`` say which are out of date."""

import sys

from scripts.reference.pages import PAGES, out_of_date, write_all

if "--check" in sys.argv[1:]:
    stale = out_of_date()
    for path in stale:
        print(f"{path} is out of date: run `make docs`")
    sys.exit(bool(stale))
write_all()
print(f"wrote {len(PAGES)} pages")
