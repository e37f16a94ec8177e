export function modesView(cells) {
    return {
        shuffle: (cells.get("mode/shuffle")?.value ?? { on: false, seed: 0 }),
        repeat: (cells.get("mode/repeat")?.value ?? "off"),
        sleep_at_ms: (cells.get("mode/sleep_at_ms")?.value ?? null),
    };
}
