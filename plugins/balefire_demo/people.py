"""Who is in the demo."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody to sign in as; ``about`` and ``about_zh`` say why one would."""

    id: str
    name: str
    about: str
    about_zh: str
    language: str = "en"


PEOPLE: Final = (
    Person("alice", "Alice 爱丽丝", "runs the group and the channel", "群主，也是频道的主人", "zh"),
    Person("bob", "Bob", "in the group, reads the channel", "群成员，频道的读者"),
    Person("carol", "Carol 卡萝", "away: her phone rings", "不在线：消息推送到她的模拟手机", "zh"),
    Person("dave", "Dave", "somebody new to talk to", "一位可以聊天的新朋友"),
)

PLACES: Final = (
    ("Carol's phone", "卡萝的手机", "/sandbox"),
    ("REST API", "接口文档", "/docs"),
)
"""What there is to see beside the chat: English, Chinese, where."""

GROUP: Final = "team"
GROUP_NAME: Final = "Team 团队"
CHANNEL: Final = "news"
CHANNEL_NAME: Final = "Release news 发布消息"
ECHO: Final = "echo"
GITHUB: Final = "github"

OPERATOR: Final = "demo"
"""In whose name the stage is set; nobody can sign in as this."""
