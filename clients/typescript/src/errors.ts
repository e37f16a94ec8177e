/**
 * Every error that leaves this package, cut by what the next hand should do.
 *
 *     SyncdError
 *     ├── Unavailable        not now: nothing is lost by trying again
 *     │   └── LinkClosed · NotReady · NotSettled · StoreBusy · TimedOut · WriterLost
 *     ├── PositionLost       that past is gone: a snapshot comes
 *     ├── Unauthenticated    renew the login
 *     ├── FencedOut          another tab took over: stop work at once
 *     ├── Refused            understood, no: tell the listener
 *     │   └── InvalidEvent · LimitExceeded · NotFound · OtherAccount · UndoGone
 *     ├── ProtocolError      somebody broke the rules of the wire: do not come back
 *     │   └── Unreadable · UnexpectedMessage
 *     └── ConfigError        a setting is wrong; the text names it
 *
 * `code` is a durable word that programs may match on; `message` shows the value and what is allowed.
 */

export class SyncdError extends Error {
  readonly code: string = "error";

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** Not now. */
export class Unavailable extends SyncdError {
  override readonly code: string = "unavailable";
}

/** The connection is closed. */
export class LinkClosed extends Unavailable {
  override readonly code = "link_closed";

  /** `close`: the code of the closing, see `schemas/close_codes.ts`; 1006 when it just broke. */
  constructor(
    readonly close: number,
    reason: string,
  ) {
    super(reason || `closed with code ${close}`);
  }
}

/** The device has not been in step with the server yet, or not within the time that was given. */
export class NotReady extends Unavailable {
  override readonly code = "not_ready";
}

/** Some own events are not answered yet; they stay in the store and will be sent. */
export class NotSettled extends Unavailable {
  override readonly code = "not_settled";
}

/** The local store did not take the write: it is full, or closed. What was not saved is taken back. */
export class StoreBusy extends Unavailable {
  override readonly code = "store_busy";
}

/** What was waited for did not come true in time. */
export class TimedOut extends Unavailable {
  override readonly code = "timed_out";
}

/** The server and this store disagree on what the writer's numbers stand for: come back without a writer. */
export class WriterLost extends Unavailable {
  override readonly code = "writer_lost";
}

/** The position asked for is not part of this log any more. */
export class PositionLost extends SyncdError {
  override readonly code = "position_lost";
}

/** Another tab of this store leads by now. */
export class FencedOut extends SyncdError {
  override readonly code = "fenced_out";
}

/** The login does not stand. */
export class Unauthenticated extends SyncdError {
  override readonly code = "unauthenticated";
}

/** Understood, and the answer is no. */
export class Refused extends SyncdError {
  override readonly code: string = "refused";
}

/** The event's kind or data is not what a gateway accepts. */
export class InvalidEvent extends Refused {
  override readonly code = "invalid";
}

/** A size is over its bound; the text names both. */
export class LimitExceeded extends Refused {
  override readonly code = "limit";
}

/** No such entry, index or session. */
export class NotFound extends Refused {
  override readonly code = "not_found";
}

/** The local store belongs to another account than the token. Use another store. */
export class OtherAccount extends Refused {
  override readonly code = "other_account";
}

/** Somebody changed it since; undoing now would undo them. */
export class UndoGone extends Refused {
  override readonly code = "undo_gone";
}

/** The peer broke the rules of the wire. */
export class ProtocolError extends SyncdError {
  override readonly code: string = "protocol_error";
}

/** Bytes that are no message. */
export class Unreadable extends ProtocolError {
  override readonly code = "unreadable";
}

/** A message that does not belong here. */
export class UnexpectedMessage extends ProtocolError {
  override readonly code = "unexpected_message";
}

/** A setting is missing or wrong. */
export class ConfigError extends SyncdError {
  override readonly code = "config";
}
