/**
 * syncd for browsers and Node. An app needs `Device`; what it is built on is here as well: state that merges as the
 * server's does, views of it, and the wire.
 *
 * Data has the names of the wire (`position_ms`), functions those of JavaScript (`playbackView`).
 */
export type { Change, Refusal } from "./client/change.js";
export type { DeviceState } from "./client/connector.js";
export { Device, type DeviceOptions, type Patience, type Verified } from "./client/device.js";
export { readLink, type DeviceLink } from "./client/device_link.js";
export type { Done } from "./client/done.js";
export type { History } from "./client/history.js";
export { IndexedDbStore } from "./client/indexeddb_store.js";
export type { Library } from "./client/library.js";
export { linkDevice, revokeDevice, type AsDevice, type LinkedDevice } from "./client/linking.js";
export { MemoryStore } from "./client/memory_store.js";
export type { Outcome } from "./client/own_event.js";
export type { HowToPlay, Playable, Player } from "./client/player.js";
export type { Playlist } from "./client/playlist.js";
export type { Progress } from "./client/progress.js";
export type { Queue } from "./client/queue.js";
export type { Renderer } from "./client/renderer.js";
export type { Settings } from "./client/settings.js";
export type { Store } from "./client/store.js";
export type { Failure } from "./client/tab_words.js";
export * from "./errors.js";
export { canonical, type Json, type JsonObject } from "./model/canonical.js";
export { digest, fold, join, merge, type Cell, type Cells, type ReadonlyCells } from "./model/cells.js";
export * as edits from "./model/edits.js";
export { isKind, type DataOf, type Event, type Kind, type ListName, type Side } from "./model/events.js";
export { lower } from "./model/lowering/lowering.js";
export type { ItemView } from "./model/order/blocks.js";
export { restamp, type Pending, type Reconnect } from "./model/restamp.js";
export { shuffled, upcoming } from "./model/shuffle.js";
export { HybridClock } from "./model/stamp.js";
export { checkedData } from "./model/validate.js";
export { devicesView, type DeviceView } from "./model/views/devices.js";
export { historyView, type HistoryEntry } from "./model/views/history.js";
export { libraryView, type LibraryView } from "./model/views/library.js";
export { listView, sidebarView } from "./model/views/lists.js";
export { ListView } from "./model/views/live_list.js";
export { modesView, type ModesView } from "./model/views/modes.js";
export { playbackView, type PlaybackView } from "./model/views/playback.js";
export { playlistView, type PlaylistView } from "./model/views/playlist.js";
export { consumed } from "./model/views/plays.js";
export { progressView, type ProgressView } from "./model/views/progress.js";
export { settingsView } from "./model/views/settings.js";
export { ClientSession, OWN_STREAM, type Heard, type StreamState } from "./protocol/client_session.js";
export { dutyAfter } from "./protocol/close_codes.js";
export { CODECS, type Codec, type Format, type Payload } from "./protocol/codec.js";
