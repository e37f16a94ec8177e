"""Whom syncd is measured beside, and syncd itself: how each is started, and where it listens."""

from __future__ import annotations

from load.peers.centrifuge import Centrifuge
from load.peers.centrifugo import Centrifugo
from load.peers.nats import Nats
from load.peers.peer import Peer
from load.peers.relays import RELAYS
from load.peers.socket_io import SocketIo
from load.peers.syncd import SYNCD

PEERS: dict[str, Peer] = {peer.name: peer for peer in (*SYNCD, SocketIo(), Centrifuge(), Centrifugo(), Nats(), *RELAYS)}
"""By name, in the order in which a round takes them."""
