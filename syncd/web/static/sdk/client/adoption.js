export function adoptIfFree(player) {
    const { view, live } = player;
    if (view?.detached !== true)
        return null;
    return live !== null && live.playing && !live.stale ? null : player.playHere();
}
