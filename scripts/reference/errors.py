"""``errors.md``: every stable code that the REST API and the client protocol answer with."""

from scripts.reference.markdown import GENERATED, code, paragraph, table

from balefire.problems import error_codes

INTRODUCTION = """\
# Error codes

The REST API answers a failure with a problem document (RFC 9457, `application/problem+json`) whose `code` is one of
these; the client protocol puts the same code into its `error` frame. Codes are stable: branch on them, never on the
sentence beside them. A plugin may add codes of its own.
"""


def page() -> str:
    """The page, in the order of the codes."""
    rows = ((code(it.code), str(it.status), paragraph(it.meaning), code(it.origin)) for it in error_codes())
    return f"{GENERATED}\n{INTRODUCTION}\n" + table(["Code", "HTTP status", "What it means", "Comes from"], rows)
