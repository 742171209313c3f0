"""In whose place a caller acts."""

from balefire import Forbidden, Identity


def acting_user(identity: Identity, user: str) -> str:
    """The caller, or the user an operator names.

    :raises Forbidden: the caller is no operator.
    """
    if user and user != identity.user and not identity.may("admin"):
        raise Forbidden("only callers with scope 'admin' may act for others", where="query.user")
    return user or identity.user
