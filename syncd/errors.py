"""Every error that may cross a room's border, cut by what the next hand should do.

    SyncdError
    ├── Unavailable        not now: back off with jitter, come back          (close codes 40xx)
    │   ├── LogUnavailable · StoreUnavailable · Overloaded · ShuttingDown
    │   └── AppendUnknown  the append may or may not have happened
    ├── PositionLost       that past is gone: take a snapshot                (41xx)
    │   └── EpochChanged · OffsetExpired · OffsetInFuture
    ├── Unauthenticated    who are you: renew the login                      (42xx)
    │   └── LoginExpired · LoginRevoked
    ├── Refused            understood, no: tell the listener                 (answered, socket stays open)
    │   └── Forbidden · InvalidEvent · LimitExceeded · NotFound · Conflict
    ├── ProtocolError      broke the rules: stop, report, do not return      (45xx)
    │   └── Unreadable · UnexpectedMessage · WrongFormat
    ├── FencedOut          no longer yours: stop work at once
    ├── Poison             this record can never be folded: dead letter
    │   └── Undecodable · UpcastFailed
    └── ConfigError        the operator must change a setting first

`code` is a durable lower-case word that programs may match on. `str(error)` is public text: it shows the value and the
limit, and holds nothing of another account. Drivers' exceptions travel as `__cause__`, never in the text.
"""

from __future__ import annotations

from typing import ClassVar


class SyncdError(Exception):
    """Base of all errors that leave a room."""

    code: ClassVar[str] = "error"
    retryable: ClassVar[bool] = False


class Unavailable(SyncdError):
    """Not now. Nothing is lost by trying again later."""

    code = "unavailable"
    retryable = True


class LogUnavailable(Unavailable):
    """The log did not answer; nothing was written."""

    code = "log_unavailable"


class AppendUnknown(Unavailable):
    """The log was asked to append and nobody knows whether it did. Never answer as if it had failed."""

    code = "append_unknown"


class StoreUnavailable(Unavailable):
    """The store did not answer."""

    code = "store_unavailable"


class Overloaded(Unavailable):
    """A bound was reached; the caller should slow down."""

    code = "overloaded"


class ShuttingDown(Unavailable):
    """This process is draining."""

    code = "shutting_down"


class PositionLost(SyncdError):
    """The position asked for is not part of this log any more."""

    code = "position_lost"
    retryable = False


class EpochChanged(PositionLost):
    """The log lives another life than the one the position names."""

    code = "epoch_changed"


class OffsetExpired(PositionLost):
    """Retention has passed the offset."""

    code = "offset_expired"


class OffsetInFuture(PositionLost):
    """The offset is beyond the end of the log."""

    code = "offset_in_future"


class Unauthenticated(SyncdError):
    """The login does not stand."""

    code = "unauthenticated"


class LoginExpired(Unauthenticated):
    """The token is unknown or has expired."""

    code = "login_expired"


class LoginRevoked(Unauthenticated):
    """The device was revoked."""

    code = "login_revoked"


class Refused(SyncdError):
    """Understood, and the answer is no."""

    code = "refused"


class Forbidden(Refused):
    """This account may not do that."""

    code = "forbidden"


class InvalidEvent(Refused):
    """The event's kind or data is not what this version accepts."""

    code = "invalid"


class LimitExceeded(Refused):
    """A size is over its bound; the text names both."""

    code = "limit"


class NotFound(Refused):
    """No such account, device, stream or key."""

    code = "not_found"


class Conflict(Refused):
    """That name or id is taken."""

    code = "conflict"


class ProtocolError(SyncdError):
    """The peer broke the rules of the wire."""

    code = "protocol_error"


class Unreadable(ProtocolError):
    """Bytes that are no message."""

    code = "unreadable"


class UnexpectedMessage(ProtocolError):
    """A message that does not belong here, as a second hello."""

    code = "unexpected_message"


class WrongFormat(ProtocolError):
    """Text on a binary protocol, or the other way round."""

    code = "wrong_format"


class FencedOut(SyncdError):
    """Somebody newer holds the lease. Stop; do not retry."""

    code = "fenced_out"


class Poison(SyncdError):
    """A record that can never be folded."""

    code = "poison"


class Undecodable(Poison):
    """The record's body is not what its header says."""

    code = "undecodable"


class UpcastFailed(Poison):
    """The record's schema version is unknown here, or cannot be lifted."""

    code = "upcast_failed"


class ConfigError(SyncdError):
    """A setting is missing or wrong; the text names it and what is allowed."""

    code = "config"
