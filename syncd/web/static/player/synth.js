// Plays the bundled scores: a track in, a WAV file out. Pure and deterministic, so it runs in a worker and in tests.

export const RATE_HZ = 22_050;
const TABLE = 4_096; // samples of one period; linear interpolation is not needed at this size
const SINE = Float32Array.from({ length: TABLE }, (_, i) => Math.sin((2 * Math.PI * i) / TABLE));
const SCALES = { tide: [0, 2, 4, 7, 9], pluck: [0, 2, 4, 5, 7, 9, 11], beat: [0, 3, 5, 7, 10], keys: [0, 2, 3, 5, 7, 8, 10] };
const ROUNDS = [[0, 5, 3, 4], [0, 3, 4, 3], [5, 3, 0, 4], [0, 4, 5, 3]]; // degrees of the scale, a bar each

/** Numbers in [0, 1), the same for the same text (mulberry32 over a hash of it). */
export function chance(text) {
  let state = 2_166_136_261;
  for (const character of text) state = Math.imul(state ^ character.codePointAt(0), 16_777_619);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** One note into the mix. `attack` and `release` in seconds; `bright` is how much of the second and third partial sounds. */
function note(mix, { at, hz, seconds, gain, attack, release, bright }) {
  const start = Math.floor(at * RATE_HZ);
  const rise = attack * RATE_HZ;
  const length = Math.min(Math.floor((seconds + release) * RATE_HZ), mix.length - start);
  const held = seconds * RATE_HZ;
  const step = (hz * TABLE) / RATE_HZ;
  for (let i = 0; i < length; i += 1) {
    const level = i < rise ? i / rise : i < held ? 1 - (0.35 * (i - rise)) / held : 0.65 * (1 - (i - held) / (release * RATE_HZ));
    const phase = step * i;
    const tone = SINE[phase & (TABLE - 1)] + bright * (0.5 * SINE[(2 * phase) & (TABLE - 1)] + 0.3 * SINE[(3.003 * phase) & (TABLE - 1)]);
    mix[start + i] += gain * level * level * tone;
  }
}

/** A burst of noise that dies away: brushes and hats; `low` makes it a drum. */
function hit(mix, random, { at, seconds, gain, low }) {
  const start = Math.floor(at * RATE_HZ);
  const length = Math.min(Math.floor(seconds * RATE_HZ), mix.length - start);
  let last = 0;
  for (let i = 0; i < length; i += 1) {
    const level = (1 - i / length) ** 3;
    last = low ? SINE[Math.floor((55 + 70 * level) * i * (TABLE / RATE_HZ)) & (TABLE - 1)] : 0.4 * last + (random() * 2 - 1) * 0.6;
    mix[start + i] += gain * level * last;
  }
}

/** Chords under a melody that wanders over the scale, with what each style adds. */
function music(mix, track) {
  const random = chance(track.id);
  const beat = 60 / track.tempo;
  const scale = SCALES[track.style];
  const root = 45 + Math.floor(random() * 8);
  const round = ROUNDS[Math.floor(random() * ROUNDS.length)];
  const hz = (degree) => 440 * 2 ** ((root + scale[((degree % scale.length) + scale.length) % scale.length] + 12 * Math.floor(degree / scale.length) - 69) / 12);
  const seconds = mix.length / RATE_HZ;
  const soft = track.style === "tide";
  let melody = scale.length;
  for (let bar = 0; bar * 4 * beat < seconds - 3; bar += 1) {
    const at = bar * 4 * beat;
    const chord = round[bar % round.length];
    for (const voice of [0, 2, 4]) {
      note(mix, { at, hz: hz(chord + voice + scale.length), seconds: 3.6 * beat, gain: soft ? 0.1 : 0.06, attack: soft ? 0.9 : 0.2, release: 1.2, bright: 0.25 });
    }
    note(mix, { at, hz: hz(chord), seconds: 3.2 * beat, gain: 0.13, attack: 0.02, release: 0.5, bright: 0.5 });
    const notes = soft ? 2 : 8;
    for (let step = 0; step < notes; step += 1) {
      const then = at + (step * 4 * beat) / notes;
      if (bar >= 2 && random() < (track.style === "pluck" ? 0.85 : 0.6)) {
        melody = Math.min(Math.max(melody + Math.floor(random() * 5) - 2, 4), 3 * scale.length);
        const bright = { tide: 0.15, pluck: 0.9, beat: 0.45, keys: 0.6 }[track.style];
        note(mix, { at: then, hz: hz(melody + chord % 2 + scale.length), seconds: soft ? 1.4 * beat : 0.3 * beat, gain: 0.075, attack: 0.008, release: soft ? 1.6 : 0.55, bright });
      }
      if (track.style === "beat" && bar >= 1) {
        hit(mix, random, { at: then, seconds: 0.05, gain: step % 2 ? 0.05 : 0.025, low: false });
        if (step === 0 || step === 5) hit(mix, random, { at: then, seconds: 0.3, gain: 0.36, low: true });
        if (step === 2 || step === 6) hit(mix, random, { at: then, seconds: 0.16, gain: 0.14, low: false });
      }
    }
  }
}

/** Weather: noise through a filter that opens and closes slowly, with drops or birds above it. */
function place(mix, track) {
  const random = chance(track.id);
  const swell = 5 + random() * 9; // seconds from wave to wave
  let low = 0;
  let mid = 0;
  for (let i = 0; i < mix.length; i += 1) {
    const open = 0.5 + 0.5 * SINE[Math.floor((i * TABLE) / (RATE_HZ * swell)) & (TABLE - 1)];
    low += (0.01 + 0.05 * open) * (random() * 2 - 1 - low);
    mid += 0.35 * (low - mid);
    mix[i] += mid * (0.7 + 0.9 * open);
  }
  for (let at = 2; at < mix.length / RATE_HZ - 4; at += 0.2 + random() * 3.2) {
    const hz = 900 + random() * 2_400;
    for (let call = 0; call < 1 + random() * 3; call += 1) {
      note(mix, { at: at + call * 0.14, hz: hz * (1 + 0.08 * call), seconds: 0.04, gain: 0.018 + 0.02 * random(), attack: 0.01, release: 0.09, bright: 0.1 });
    }
  }
}

/** The sound of a bundled track, as samples between -1 and 1. */
export function samples(track) {
  const mix = new Float32Array(Math.round((track.duration_ms * RATE_HZ) / 1_000));
  (track.style === "place" ? place : music)(mix, track);
  const fade = 1.5 * RATE_HZ;
  for (let i = 0; i < mix.length; i += 1) {
    const level = Math.min(1, (mix.length - i) / fade, (i + 200) / 2_000);
    const loud = mix[i] * level * 1.2;
    mix[i] = loud / (1 + Math.abs(loud)); // soft limit: chords and melody may meet
  }
  return mix;
}

/** A WAV file, 16 bit mono. */
export function wav(mix) {
  const bytes = new DataView(new ArrayBuffer(44 + 2 * mix.length));
  const text = (at, letters) => [...letters].forEach((letter, i) => bytes.setUint8(at + i, letter.charCodeAt(0)));
  text(0, "RIFF");
  bytes.setUint32(4, 36 + 2 * mix.length, true);
  text(8, "WAVEfmt ");
  bytes.setUint32(16, 16, true);
  bytes.setUint16(20, 1, true); // PCM
  bytes.setUint16(22, 1, true); // mono
  bytes.setUint32(24, RATE_HZ, true);
  bytes.setUint32(28, 2 * RATE_HZ, true);
  bytes.setUint16(32, 2, true);
  bytes.setUint16(34, 16, true);
  text(36, "data");
  bytes.setUint32(40, 2 * mix.length, true);
  const sound = new Int16Array(bytes.buffer, 44);
  for (let i = 0; i < mix.length; i += 1) sound[i] = mix[i] * 32_000;
  return bytes.buffer;
}
