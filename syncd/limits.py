"""Every bound of the service: name, unit, value, why this value, what happens at the edge.

Relations between bounds are asserted at the end, so that a change to one cannot quietly break another.
"""

from __future__ import annotations

# --- the wire (design.md section 6; the welcome tells clients the first four) ---

FRAME_BYTES_MAX = 256 * 1024
"""One websocket message. Holds four events of the largest size; beyond it the socket closes with 1009."""

EVENT_BYTES_MAX = 64 * 1024
"""One event's data as canonical JSON; beyond it the event is refused (`nack limit`)."""

EMIT_EVENTS_MAX = 256
"""Events in one emit; beyond it the emit is refused (`error limit`) and none of its events is taken."""

SUBSCRIPTIONS_MAX = 1_000
"""Streams of one connection; an account has one and a few hundred playlists. Beyond it: `error limit`."""

NESTING_MAX = 32
"""Depth of arrays and objects in a message. Our own go to 6; decoders fail by recursion near 1,000."""

HELLO_TIMEOUT_S = 5.0
"""From the TCP accept to the hello; then close 4003."""

SEND_TIMEOUT_S = 10.0
"""How long a reader may leave the transport full before it is aborted (never closed politely: it does not read)."""

PING_INTERVAL_S = 20.0
"""Between websocket pings of an otherwise silent connection."""

PING_TIMEOUT_S = 20.0
"""Without any byte from the peer for interval + timeout the transport is aborted."""

OUTBOX_BYTES_HIGH = 512 * 1024
"""Framed bytes that wait in one connection's transport before it counts as slow. Holds two of the largest frames."""

OUTBOX_BYTES_LOW = 128 * 1024
"""Where a slow connection counts as drained, and catch-up serves it."""

SLOW_ACKS_MAX = 256
"""Acks kept for a slow connection; as many as one emit can hold. Beyond it the socket closes with 4002."""

CURSOR_REFRESH_S = 30.0
"""An idle stream on a busy partition gets an empty delta with a fresh cursor this often, so that resume stays cheap."""

SNAPSHOT_CELLS_MAX = 500
"""Cells in one part of a snapshot; parts are cut by bytes as well (half a frame)."""

# --- events (merge.md section 1) ---

ITEMS_MAX = 500
"""Items, or ids, in one event."""

RECORD_BYTES_MAX = EVENT_BYTES_MAX + 8 * 1024
"""One record's body: an event and what a gateway adds to it, well below 1 KiB. No gateway writes a larger one; it
becomes a dead letter, since its delta might be beyond a frame."""

LIST_ITEMS_MAX = 20_000
"""Items of one list, where `SYNCD_LIST_ITEMS_MAX` says nothing else; a view of 10,000 is built in tens of ms."""

LIST_ITEMS_MAX_MOST = 50_000
"""The most that setting may say: the gateway's exact count of a list that looks full would stop its loop for longer
than half a second (`python -m load.lists --sizes 50000`)."""

CLOCK_AHEAD_MS_MAX = 500
"""How far a stamp may lie in the future before the gateway clamps it to now."""

CONTROL_VALID_MS = 10_000
"""How long a control for another device's session stays good (merge.md section 3.2)."""

ID_CHARS_MAX = 128
"""Characters of an id that a client chose, before percent-encoding."""

EVENT_NESTING_MAX = NESTING_MAX - 3
"""Depth of an event's data, itself included: message, list and event (or message, list and cell) stand around it."""

SAFE_INTEGER_MAX = 2**53 - 1
"""The largest integer that JavaScript holds exactly."""

# --- accounts ---

NAME_CHARS_MAX = 200
"""Characters of an account's or a device's name, trimmed; longer ones are refused."""

LINKED_DEVICES_MAX = 100
"""Of an account that links devices over HTTP, those not counted that were signed out; beyond it that is refused."""

# --- the gateway ---

CONNECTIONS_MAX = 20_000
"""Sockets of one gateway process; beyond it new ones get HTTP 503."""

APPEND_RECORDS_MAX = 2_000
"""Records in one grouped append; keeps a transaction below about 20 ms."""

APPEND_WAITING_MAX = 50_000
"""Records that may wait for the next grouped append; beyond it events are nacked `unavailable`."""

APPEND_WAITING_BYTES_MAX = 64 * 1024 * 1024
"""Bytes of those records; a thousand of the largest events, or a second of a very busy gateway."""

APPEND_BYTES_MAX = 4 * 1024 * 1024
"""Bytes of the records of one grouped append, but for a single record, which may always go."""

APPEND_TIMEOUT_S = 10.0
"""After this long an append's outcome is unknown."""

RING_BYTES_MAX = 64 * 1024 * 1024
"""Encoded records that the recent ring keeps, over all streams of a gateway."""

TAIL_OPEN_TIMEOUT_S = 10.0
"""How long a hello or a subscribe waits for the tail of its partition to come to the log's end; then close 4001."""

TAIL_LINGER_S = 30.0
"""How long a partition is tailed on after the last who needed it: longer than most reconnects take."""

LEFT_KEPT_S = 20.0
"""How long a gateway keeps what it knows of a device whose connection ended: its login, its writer's seqs, the rules of
its account's stream. Most reconnects take less, and then cost no question of their own."""

LEFT_KEPT_MAX = 20_000
"""Of each; beyond it the longest gone are forgotten. About 2 KiB a device."""

LOGIN_TRUSTED_S = 5.0
"""How long a gateway that cannot ask lets in a device whose token it has seen; then close 4001. As long as a revoked
device's socket may stay open."""

GATEWAY_HEARTBEAT_S = 1.0
"""How often a gateway says that it is here."""

GATEWAY_TTL_S = 4.0
"""How long after its last word a gateway is handed out to devices: three heartbeats may be lost."""

# --- log, store, projector ---

ANSWER_SCAN_RECORDS_MAX = 200_000
"""Records of a partition looked through backwards for the answer of an event that is sent again: in a log that cannot
read one stream alone about a second of work. Beyond it the event is nacked `unavailable` there."""

PARTITIONS_MAX = 1024
"""Of one log. Far beyond what the readers of one deployment can hold; the table `deployment` refuses more."""

READ_RECORDS_MAX = 2_000
"""Records in one read of the log."""

READ_BYTES_MAX = 16 * 1024 * 1024
"""Bodies in one read of the log, give or take one; a read of larger ones returns fewer records, never none."""

LEASE_TTL_S = 4.0
"""How long a projector's lease lives without renewal, by the database's clock."""

LOG_POLL_S = 0.5
"""How often a tail looks for records when no notification came; covers a lost NOTIFY."""

STATEMENT_TIMEOUT_S = 15.0
"""Any statement of the store or the log."""

REVOCATION_POLL_S = 2.0
"""How often a gateway asks for revoked devices when no notification came; a socket must close within 5 s."""

SIDE_CHANNEL_BYTES_MAX = 4_000
"""One message of the side channel; Postgres takes 7,999 with its topic. A longer one is refused."""

# --- operators' commands ---

TIMELINE_STEPS_MAX = 100_000
"""Steps that one look at a timeline keeps in memory; about a kilobyte each."""

# --- http ---

HTTP_HEAD_BYTES_MAX = 16 * 1024
"""A request's line and headers; ours are below 1 KiB, browsers' cookies of other programs on the host come on top."""

HTTP_HEAD_TIMEOUT_S = 5.0
"""For a request's head to arrive, from its first byte or from the accept; then the connection is aborted."""

HTTP_REQUEST_TIMEOUT_S = 30.0
"""For a request to be answered (then 503), and for its peer to read the answer (then aborted)."""

HTTP_KEEP_ALIVE_S = 15.0
"""How long a connection may idle between requests."""

HTTP_CONNECTIONS_MAX = 1_000
"""HTTP connections of one process; beyond it requests get 503."""

HTTP_STOP_TIMEOUT_S = 5.0
"""For requests under way when the server stops; then they are cut."""

READY_LAG_RECORDS_MAX = 100_000
"""Beyond this lag `/readyz` says no: arrivals read the log from the checkpoint, and would wait for seconds."""

# --- console ---

CONSOLE_PAGE_MAX = 500
"""Rows of one answer; the page asks on for more."""

CONSOLE_STREAM_S = 20.0
"""How long one answer of live figures lasts; the page then asks for the next. Below `HTTP_REQUEST_TIMEOUT_S`."""

CONSOLE_STREAMS_MAX = 32
"""Pages that may follow live figures at once; beyond it: 503."""

CONSOLE_READS_MAX = 2
"""Questions answered at once, since some read a stream from its beginning; beyond it they wait."""

CONSOLE_WAITING_MAX = 16
"""Questions that may wait; beyond it: 503."""

CONSOLE_REQUESTS = 60
"""Requests that one operator may make in a row; then `CONSOLE_REQUESTS_PER_S`. Beyond it: 429."""

CONSOLE_REQUESTS_PER_S = 10.0
"""A page that follows a scrubber asks a few times a second."""

CONSOLE_LOGINS = 10
"""Requests with no good token that one address may make in a row; then one each `1 / CONSOLE_LOGINS_PER_S`."""

CONSOLE_LOGINS_PER_S = 0.2
"""Nobody guesses 256 bits; this spares the database."""

assert EVENT_BYTES_MAX * 2 <= FRAME_BYTES_MAX, "a frame holds an event, escaped and enveloped"
assert OUTBOX_BYTES_HIGH >= 2 * FRAME_BYTES_MAX, "one large frame must not make a healthy reader slow"
assert RECORD_BYTES_MAX * 2 <= FRAME_BYTES_MAX, "what was folded can be sent"
assert OUTBOX_BYTES_LOW < OUTBOX_BYTES_HIGH
assert APPEND_WAITING_BYTES_MAX >= 2 * APPEND_BYTES_MAX >= 4 * EVENT_BYTES_MAX
assert ITEMS_MAX <= LIST_ITEMS_MAX <= LIST_ITEMS_MAX_MOST
assert SLOW_ACKS_MAX >= EMIT_EVENTS_MAX, "a slow reader may still be acked for a whole emit"
assert GATEWAY_TTL_S > 3 * GATEWAY_HEARTBEAT_S
assert LEFT_KEPT_S < TAIL_LINGER_S, "what is kept of a writer is kept up to date by the tail"
assert REVOCATION_POLL_S < LOGIN_TRUSTED_S, "a login that was asked about in time is trusted"
assert REVOCATION_POLL_S < 5.0, "a revoked device's socket closes within 5 s even if the notification was lost"
assert CONSOLE_STREAM_S < HTTP_REQUEST_TIMEOUT_S, "a stream of figures ends by itself"
