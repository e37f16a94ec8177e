"""Why a socket closed, and what the client does next. The one table; `schemas/` and both SDKs are made from it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from syncd.errors import (
    LoginRevoked,
    PositionLost,
    ProtocolError,
    ShuttingDown,
    SyncdError,
    Unauthenticated,
    Unavailable,
    UnexpectedMessage,
    WrongFormat,
)


class Then(Enum):
    """What the client does after a close; `DUTIES` says it in words."""

    RESUME = "resume"
    SNAPSHOT = "snapshot"
    RENEW_WRITER = "renew_writer"
    RENEW_LOGIN = "renew_login"
    STAY_AWAY = "stay_away"


DUTIES: dict[Then, str] = {
    Then.RESUME: "come back, with jitter, and present the cursor",
    Then.SNAPSHOT: "come back without the cursor",
    Then.RENEW_WRITER: "come back without the cursor and without the writer; pending events are renumbered",
    Then.RENEW_LOGIN: "do not come back with this token",
    Then.STAY_AWAY: "report it; coming back would end the same way",
}


@dataclass(frozen=True)
class CloseCode:
    """One row: the number on the wire, its durable name, the reason's text (at most 123 bytes), the client's duty."""

    code: int
    name: str
    reason: str
    then: Then


DRAINING = CloseCode(4000, "draining", "this gateway is going down for maintenance", Then.RESUME)
UNAVAILABLE = CloseCode(4001, "unavailable", "the log or the store does not answer", Then.RESUME)
TOO_SLOW = CloseCode(4002, "too_slow", "this connection does not read what it is sent", Then.RESUME)
NO_HELLO = CloseCode(4003, "no_hello", "no hello within 5 s", Then.RESUME)
REPLACED = CloseCode(4004, "replaced", "another connection of this local store took over", Then.RESUME)
BUG = CloseCode(4099, "bug", "the gateway met something it believed impossible", Then.RESUME)
POSITION_LOST = CloseCode(4100, "position_lost", "the log does not hold that position any more", Then.SNAPSHOT)
WRITER_OUTDATED = CloseCode(
    4101, "writer_outdated", "this local store knows less than its writer has sent", Then.RENEW_WRITER
)
LOGIN_EXPIRED = CloseCode(4200, "login_expired", "unknown or expired token", Then.RENEW_LOGIN)
LOGIN_REVOKED = CloseCode(4201, "login_revoked", "this device was revoked", Then.RENEW_LOGIN)
UNREADABLE = CloseCode(4500, "unreadable", "that is not a message of this protocol", Then.STAY_AWAY)
UNEXPECTED_HELLO = CloseCode(4501, "unexpected_hello", "hello is missing, or came twice", Then.STAY_AWAY)
WRONG_FORMAT = CloseCode(4502, "wrong_format", "text frame on MessagePack, or binary frame on JSON", Then.STAY_AWAY)

# Codes of RFC 6455 that the gateway sends or a client meets, with what a client of ours does after them.
GOING_AWAY = CloseCode(1001, "going_away", "the peer goes away", Then.RESUME)
ABNORMAL = CloseCode(1006, "abnormal", "the connection broke", Then.RESUME)
MESSAGE_TOO_BIG = CloseCode(1009, "message_too_big", "a message over 256 KiB", Then.STAY_AWAY)
INTERNAL_ERROR = CloseCode(1011, "internal_error", "an endpoint failed", Then.RESUME)
SERVICE_RESTART = CloseCode(1012, "service_restart", "the server restarts", Then.RESUME)

TABLE: tuple[CloseCode, ...] = (
    GOING_AWAY, ABNORMAL, MESSAGE_TOO_BIG, INTERNAL_ERROR, SERVICE_RESTART,
    DRAINING, UNAVAILABLE, TOO_SLOW, NO_HELLO, REPLACED, BUG,
    POSITION_LOST, WRITER_OUTDATED,
    LOGIN_EXPIRED, LOGIN_REVOKED,
    UNREADABLE, UNEXPECTED_HELLO, WRONG_FORMAT,
)  # fmt: skip

_BY_CODE = {row.code: row for row in TABLE}
FAMILIES: dict[int, Then] = {40: Then.RESUME, 41: Then.SNAPSHOT, 42: Then.RENEW_LOGIN, 45: Then.STAY_AWAY}
"""The first two digits of our own codes -> what a client does after one that is newer than its table."""


def then(code: int) -> Then:
    """The client's duty after a close, also for a code of a known family that is newer than this table."""
    row = _BY_CODE.get(code)
    if row is not None:
        return row.then
    return FAMILIES.get(code // 100, Then.RESUME)


CLOSE_OF: dict[type[SyncdError], CloseCode] = {
    Unavailable: UNAVAILABLE,
    ShuttingDown: DRAINING,
    PositionLost: POSITION_LOST,
    Unauthenticated: LOGIN_EXPIRED,
    LoginRevoked: LOGIN_REVOKED,
    ProtocolError: UNREADABLE,
    UnexpectedMessage: UNEXPECTED_HELLO,
    WrongFormat: WRONG_FORMAT,
}
"""Error -> how a connection that meets it is closed. An error that is not here closes like the family it is in."""


def close_of(error: type[SyncdError]) -> CloseCode | None:
    """The close code of an error; None for one that is answered (`Refused`) or never meets a connection."""
    return next((CLOSE_OF[family] for family in error.__mro__ if family in CLOSE_OF), None)
