const K = constants();
const encoder = new TextEncoder();
const words = new Uint32Array(64);
export function sha256Head(text) {
    const message = encoder.encode(text);
    const padded = new Uint8Array((message.length + 72) & ~63);
    padded.set(message);
    padded[message.length] = 0x80;
    const view = new DataView(padded.buffer);
    view.setUint32(padded.length - 8, Math.floor(message.length / 0x20000000));
    view.setUint32(padded.length - 4, message.length << 3);
    const state = Uint32Array.of(0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19);
    for (let at = 0; at < padded.length; at += 64)
        compress(state, view, at);
    return [state[0], state[1]];
}
function compress(state, view, at) {
    for (let i = 0; i < 16; i++)
        words[i] = view.getUint32(at + 4 * i);
    for (let i = 16; i < 64; i++) {
        const x = words[i - 15];
        const y = words[i - 2];
        const s0 = turned(x, 7) ^ turned(x, 18) ^ (x >>> 3);
        const s1 = turned(y, 17) ^ turned(y, 19) ^ (y >>> 10);
        words[i] = words[i - 16] + s0 + words[i - 7] + s1;
    }
    let [a, b, c, d, e, f, g, h] = state;
    for (let i = 0; i < 64; i++) {
        const s1 = turned(e, 6) ^ turned(e, 11) ^ turned(e, 25);
        const t1 = (h + s1 + ((e & f) ^ (~e & g)) + K[i] + words[i]) | 0;
        const s0 = turned(a, 2) ^ turned(a, 13) ^ turned(a, 22);
        const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
        [h, g, f, e, d, c, b, a] = [g, f, e, (d + t1) | 0, c, b, a, (t1 + t2) | 0];
    }
    [a, b, c, d, e, f, g, h].forEach((word, i) => (state[i] = state[i] + word));
}
function turned(word, by) {
    return (word >>> by) | (word << (32 - by));
}
function constants() {
    const found = new Uint32Array(64);
    let count = 0;
    for (let n = 2; count < 64; n++) {
        let isPrime = true;
        for (let by = 2; by * by <= n; by++)
            isPrime &&= n % by !== 0;
        if (isPrime) {
            const root = Math.cbrt(n);
            found[count++] = (root - Math.floor(root)) * 2 ** 32;
        }
    }
    return found;
}
