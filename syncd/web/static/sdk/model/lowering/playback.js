import { keyPart } from "../ids.js";
import { given, registers } from "./writes.js";
export const PLAYBACK = {
    "playback.started": (data, { id, rank }) => {
        const { follows, item, device, context = null, detached = false } = data;
        return registers(rank, [
            [`play/${id}`, { epoch: id, generation: 0, follows, item, device, context, detached }],
            [data.playing ? `play_on/${id}` : `play_off/${id}`, true],
            [`play_speed/${id}`, data.speed_permille],
            [`play_at/${id}`, [data.position_ms, data.playing]],
        ]);
    },
    "playback.advanced": ({ epoch, generation, follows, item, position_ms, automatic = false }, { id, rank }) => {
        const writes = [
            [`play/${id}`, { epoch, generation, follows, item, automatic }],
            [`play_at/${id}`, [position_ms ?? 0, true]],
        ];
        if (!automatic)
            writes.push([`play_on/${epoch}`, true]);
        return registers(rank, writes);
    },
    "playback.paused": ({ epoch }, { rank }) => registers(rank, [[`play_off/${epoch}`, true]]),
    "playback.resumed": ({ epoch, play, position_ms }, { rank }) => registers(rank, [
        [`play_on/${epoch}`, true],
        [`play_at/${play}`, [position_ms, true]],
    ]),
    "playback.seeked": ({ play, position_ms, playing }, { rank }) => registers(rank, [[`play_at/${play}`, [position_ms, playing]]]),
    "playback.speed_changed": ({ epoch, play, position_ms, playing, speed_permille }, { rank }) => registers(rank, [
        [`play_speed/${epoch}`, speed_permille],
        [`play_at/${play}`, [position_ms, playing]],
    ]),
    "playback.reported": ({ play, position_ms, buffering, answers: [at, toggled] }, { rank }) => at >= rank || toggled >= rank
        ? new Map()
        : registers(at + toggled + rank, [[`play_report/${play}`, [position_ms, buffering]]]),
    "playback.mode_changed": (modes, { rank }) => registers(rank, given("mode/", modes)),
    "device.volume_changed": ({ device, volume_permille }, { rank }) => registers(rank, [[`device/${keyPart(device)}/volume_permille`, volume_permille]]),
};
