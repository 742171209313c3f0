"""A port that is free now."""

import socket


def free_port() -> int:
    """A port of the loopback interface; a server that is killed and restarted needs the same one each time."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port
