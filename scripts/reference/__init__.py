"""Writes the generated pages of ``docs/reference``: ``python -m scripts.reference``, with ``--check`` only compares."""

import os

# In English, whatever the locale of whoever generates it: commands choose their language when they are imported.
os.environ["LC_ALL"] = "C.UTF-8"
