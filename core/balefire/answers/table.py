"""The table of stored answers."""

from sqlalchemy import BigInteger, LargeBinary
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel


class Tables(SQLModel, registry=registry()):
    """The HTTP server's own tables."""


class Answer(Tables, table=True):
    """What a request with an Idempotency-Key was answered; ``status`` 0 while it runs.

    ``digest`` stands for caller and key, ``fingerprint`` for method, path, query and body.
    ``body`` is encrypted.
    """

    __tablename__ = "http_answer"

    digest: str = Field(primary_key=True, max_length=64)
    fingerprint: str = Field(max_length=64)
    status: int
    content_type: str
    body: bytes = Field(sa_type=LargeBinary)
    at: int = Field(sa_type=BigInteger, index=True)


ANSWERS = Tables.metadata.tables["http_answer"]
