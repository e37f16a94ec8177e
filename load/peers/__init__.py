"""Whom syncd is measured beside, and syncd itself: how each is started, and where it listens."""

from __future__ import annotations

from load.peers.bare_kafka import BareKafka
from load.peers.centrifuge import Centrifuge
from load.peers.centrifugo import Centrifugo
from load.peers.nats import Nats
from load.peers.peer import Peer
from load.peers.relays import RELAYS
from load.peers.socket_io import SocketIo
from load.peers.syncd import SYNCD

_ALL: tuple[Peer, ...] = (*SYNCD, SocketIo(), Centrifuge(), Centrifugo(), Nats(), *RELAYS, BareKafka())
PEERS: dict[str, Peer] = {peer.name: peer for peer in _ALL}
"""By name, in the order in which a round takes them."""
