"""What can go wrong on a device's own side; the families and their meaning are those of `syncd.errors`."""

from __future__ import annotations

from syncd.errors import Conflict, Refused, Unavailable


class NotReady(Unavailable):
    """The device has not been in step with the server yet, or not within the time that was given."""

    code = "not_ready"


class NotSettled(Unavailable):
    """Some own events are not answered yet; they stay in the store and will be sent."""

    code = "not_settled"


class StoreBusy(Unavailable):
    """The local store did not take the write: another process holds it, or the disk is full. Nothing was saved."""

    code = "store_busy"


class WriterLost(Unavailable):
    """The server and this store disagree on what the writer's numbers stand for: come back without a writer."""

    code = "writer_lost"


class OtherAccount(Conflict):
    """The local store belongs to another account than the token. Use another store."""

    code = "other_account"


class UndoGone(Refused):
    """Somebody changed it since; undoing now would undo them."""

    code = "undo_gone"
