export const CONNECT_TIMEOUT_MS = 10_000;
