"""The table ``robots_delivery``: one row per message that a robot was to hear."""

from sqlalchemy import BigInteger
from sqlmodel import Field, SQLModel


class RobotsDelivery(SQLModel, table=True):
    """A delivery and what became of it. Times are milliseconds since the epoch; 0 means not yet.

    ``event_id`` is the id of the message, which is its event's id too. ``round`` counts the times somebody asked for
    the robot to be asked afresh. ``answers`` holds the ids of what the robot said, joined by commas.
    """

    __tablename__ = "robots_delivery"

    robot: str = Field(primary_key=True, max_length=64)
    event_id: int = Field(primary_key=True, sa_type=BigInteger)
    kind: str = Field(max_length=32)
    target: str = Field(max_length=160)
    line: int = 0
    state: str = Field(max_length=16, index=True)
    attempts: int = 0
    round: int = 0
    answers: str = ""
    error: str = Field(default="", max_length=500)
    received_at: int = Field(sa_type=BigInteger)
    started_at: int = Field(default=0, sa_type=BigInteger)
    finished_at: int = Field(default=0, sa_type=BigInteger, index=True)
