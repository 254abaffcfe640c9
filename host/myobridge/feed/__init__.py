"""The feed: one local socket through which views, recorders and commands look into a running daemon, and ask.

`messages.py` says what goes over it and `place.py` where it is; `client.py` is everybody's end and `server.py` the
daemon's.
"""

from myobridge.feed.client import FeedClient, NoDaemon
from myobridge.feed.messages import About, Chunk, Do, Reply, Snapshot
from myobridge.feed.place import feed_path

__all__ = ["About", "Chunk", "Do", "FeedClient", "NoDaemon", "Reply", "Snapshot", "feed_path"]
