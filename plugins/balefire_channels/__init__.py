"""Channels: an owner broadcasts to subscribers; whoever writes back gets a thread of their own.

In the reference, what a follower writes to a channel is numbered among the channel's own posts and hidden from the
other followers, who see gaps. Here every follower has a conversation ``channel/<id>,<user>`` with its own seq, so
every reader of every conversation counts 1, 2, 3 … without gaps (I2), and a post costs one row however many follow.
"""

from balefire_channels.plugin import Plugin

__all__ = ["Plugin"]
