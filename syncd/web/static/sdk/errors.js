export class SyncdError extends Error {
    code = "error";
    constructor(message, options) {
        super(message, options);
        this.name = new.target.name;
    }
}
export class Unavailable extends SyncdError {
    code = "unavailable";
}
export class LinkClosed extends Unavailable {
    close;
    code = "link_closed";
    constructor(close, reason) {
        super(reason || `closed with code ${close}`);
        this.close = close;
    }
}
export class NotReady extends Unavailable {
    code = "not_ready";
}
export class NotSettled extends Unavailable {
    code = "not_settled";
}
export class StoreBusy extends Unavailable {
    code = "store_busy";
}
export class TimedOut extends Unavailable {
    code = "timed_out";
}
export class WriterLost extends Unavailable {
    code = "writer_lost";
}
export class PositionLost extends SyncdError {
    code = "position_lost";
}
export class FencedOut extends SyncdError {
    code = "fenced_out";
}
export class Unauthenticated extends SyncdError {
    code = "unauthenticated";
}
export class Refused extends SyncdError {
    code = "refused";
}
export class InvalidEvent extends Refused {
    code = "invalid";
}
export class LimitExceeded extends Refused {
    code = "limit";
}
export class NotFound extends Refused {
    code = "not_found";
}
export class OtherAccount extends Refused {
    code = "other_account";
}
export class UndoGone extends Refused {
    code = "undo_gone";
}
export class ProtocolError extends SyncdError {
    code = "protocol_error";
}
export class Unreadable extends ProtocolError {
    code = "unreadable";
}
export class UnexpectedMessage extends ProtocolError {
    code = "unexpected_message";
}
export class ConfigError extends SyncdError {
    code = "config";
}
