"""Other people's optimisers behind the project's Searcher Protocol.

They need the benchmarks' own environment (`make bench-env`); each library is imported only when a
peer of it is made. Settings are their authors' defaults, or better where a default is known to be
weak; what differs is said where it is set.
"""

from __future__ import annotations

from benchmarks.peers.factory import PEERS, make_peer
from benchmarks.peers.searcher import Library, PeerSearcher

__all__ = ["PEERS", "Library", "PeerSearcher", "make_peer"]
