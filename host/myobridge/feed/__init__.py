"""The feed: a local socket through which views, recorders and commands watch a running daemon and send it requests.

`messages.py` defines the messages and `place.py` the socket's path; `client.py` is the clients' end, `server.py` the
daemon's.
"""

from myobridge.feed.client import FeedClient, NoDaemon
from myobridge.feed.messages import About, Chunk, Do, Reply, Snapshot
from myobridge.feed.place import feed_path

__all__ = ["About", "Chunk", "Do", "FeedClient", "NoDaemon", "Reply", "Snapshot", "feed_path"]
