"""The wire's version, and what changed with each.

| version | change | who deploys first |
|---|---|---|
| 1 | the first | - |

Fields may be added within a version, and receivers ignore fields that they do not know. A message or field that changes
its meaning or goes away needs a new version, which is a new path and new subprotocols beside the old ones.
"""

WIRE_VERSION = 1
WIRE_VERSION_MIN = 1
"""The oldest version that gateways still speak."""
PATH = "/v1/sync"
SUBPROTOCOL_JSON = "syncd.v1.json"
"""Text frames; also spoken when the client asks for no subprotocol."""
SUBPROTOCOL_MSGPACK = "syncd.v1.msgpack"
"""Binary frames, the same structures."""
