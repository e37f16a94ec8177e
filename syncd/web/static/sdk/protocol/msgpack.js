import { Unreadable } from "../errors.js";
const WORD = 2 ** 32;
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
export function encodeMsgpack(value) {
    const writer = new Writer();
    writer.value(value);
    return writer.bytes();
}
class Writer {
    #view = new DataView(new ArrayBuffer(256));
    #length = 0;
    bytes() {
        return new Uint8Array(this.#view.buffer, 0, this.#length);
    }
    value(value) {
        if (value === null)
            this.#byte(0xc0);
        else if (typeof value === "boolean")
            this.#byte(value ? 0xc3 : 0xc2);
        else if (typeof value === "number")
            this.#integer(value);
        else if (typeof value === "string")
            this.#text(value);
        else if (Array.isArray(value))
            this.#array(value);
        else
            this.#map(Object.entries(value).filter(([, each]) => each !== undefined));
    }
    #integer(n) {
        if (!Number.isSafeInteger(n))
            throw new RangeError(`${n} is no whole number within ±(2^53 - 1)`);
        if (n >= -32 && n < 128)
            this.#put(1, (view, at) => view.setInt8(at, n));
        else if (n < 0)
            this.#headed(0xd3, 8, (view, at) => view.setBigInt64(at, BigInt(n)));
        else if (n < 2 ** 8)
            this.#headed(0xcc, 1, (view, at) => view.setUint8(at, n));
        else if (n < 2 ** 16)
            this.#headed(0xcd, 2, (view, at) => view.setUint16(at, n));
        else if (n < WORD)
            this.#headed(0xce, 4, (view, at) => view.setUint32(at, n));
        else
            this.#headed(0xcf, 8, (view, at) => view.setBigUint64(at, BigInt(n)));
    }
    #text(text) {
        const bytes = encoder.encode(text);
        const { length } = bytes;
        if (length < 32)
            this.#byte(0xa0 | length);
        else
            this.#sized(length, [0xd9, 0xda, 0xdb]);
        this.#room(length);
        new Uint8Array(this.#view.buffer).set(bytes, this.#length);
        this.#length += length;
    }
    #array(values) {
        if (values.length < 16)
            this.#byte(0x90 | values.length);
        else
            this.#sized(values.length, [null, 0xdc, 0xdd]);
        for (const each of values)
            this.value(each);
    }
    #map(entries) {
        if (entries.length < 16)
            this.#byte(0x80 | entries.length);
        else
            this.#sized(entries.length, [null, 0xde, 0xdf]);
        for (const [key, each] of entries) {
            this.#text(key);
            this.value(each);
        }
    }
    #sized(length, [byte, short, word]) {
        if (byte !== null && length < 2 ** 8)
            this.#headed(byte, 1, (view, at) => view.setUint8(at, length));
        else if (length < 2 ** 16)
            this.#headed(short, 2, (view, at) => view.setUint16(at, length));
        else
            this.#headed(word, 4, (view, at) => view.setUint32(at, length));
    }
    #headed(first, bytes, write) {
        this.#byte(first);
        this.#put(bytes, write);
    }
    #byte(byte) {
        this.#put(1, (view, at) => view.setUint8(at, byte));
    }
    #put(bytes, write) {
        this.#room(bytes);
        write(this.#view, this.#length);
        this.#length += bytes;
    }
    #room(bytes) {
        const needed = this.#length + bytes;
        if (needed <= this.#view.byteLength)
            return;
        const larger = new Uint8Array(Math.max(needed, 2 * this.#view.byteLength));
        larger.set(new Uint8Array(this.#view.buffer, 0, this.#length));
        this.#view = new DataView(larger.buffer);
    }
}
export function decodeMsgpack(bytes, depth) {
    const reader = new Reader(bytes);
    try {
        const value = reader.value(depth);
        if (reader.left > 0)
            throw new Unreadable(`not msgpack: ${reader.left} bytes are left over`);
        return value;
    }
    catch (cause) {
        if (cause instanceof Unreadable)
            throw cause;
        throw new Unreadable("not msgpack: it ends too early, or holds text that is not UTF-8", { cause });
    }
}
class Reader {
    #bytes;
    #view;
    #at = 0;
    constructor(bytes) {
        this.#bytes = bytes;
        this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    }
    get left() {
        return this.#bytes.length - this.#at;
    }
    value(depth) {
        const first = this.#uint(1);
        if (first < 0x80)
            return first;
        if (first < 0x90)
            return this.#map(first & 0x0f, depth);
        if (first < 0xa0)
            return this.#array(first & 0x0f, depth);
        if (first < 0xc0)
            return this.#text(first & 0x1f);
        if (first >= 0xe0)
            return first - 0x100;
        switch (first) {
            case 0xc0:
                return null;
            case 0xc2:
            case 0xc3:
                return first === 0xc3;
            case 0xca:
                return this.#view.getFloat32(this.#skip(4));
            case 0xcb:
                return this.#view.getFloat64(this.#skip(8));
            case 0xcc:
            case 0xcd:
            case 0xce:
            case 0xcf:
                return safe(this.#uint(2 ** (first - 0xcc)));
            case 0xd0:
                return this.#view.getInt8(this.#skip(1));
            case 0xd1:
                return this.#view.getInt16(this.#skip(2));
            case 0xd2:
                return this.#view.getInt32(this.#skip(4));
            case 0xd3:
                return safe(Number(this.#view.getBigInt64(this.#skip(8))));
            case 0xd9:
            case 0xda:
            case 0xdb:
                return this.#text(this.#uint(2 ** (first - 0xd9)));
            case 0xdc:
            case 0xdd:
                return this.#array(this.#uint(2 ** (first - 0xdb)), depth);
            case 0xde:
            case 0xdf:
                return this.#map(this.#uint(2 ** (first - 0xdd)), depth);
            default:
                throw new Unreadable(`not msgpack as JSON has it: type 0x${first.toString(16)}`);
        }
    }
    #array(length, depth) {
        this.#checkContainer(length, depth);
        return Array.from({ length }, () => this.value(depth - 1));
    }
    #map(length, depth) {
        this.#checkContainer(length, depth);
        return Object.fromEntries(Array.from({ length }, () => [this.#key(), this.value(depth - 1)]));
    }
    #checkContainer(length, depth) {
        if (depth < 1)
            throw new Unreadable("arrays and maps nest too deep");
        if (length > this.left)
            throw new Unreadable("not msgpack: it ends too early");
    }
    #key() {
        const key = this.value(0);
        if (typeof key !== "string")
            throw new Unreadable(`a map's key is ${JSON.stringify(key)}, must be a string`);
        return key;
    }
    #text(bytes) {
        const at = this.#skip(bytes);
        return decoder.decode(this.#bytes.subarray(at, at + bytes));
    }
    #uint(bytes) {
        const at = this.#skip(bytes);
        if (bytes === 8)
            return this.#view.getUint32(at) * WORD + this.#view.getUint32(at + 4);
        if (bytes === 4)
            return this.#view.getUint32(at);
        return bytes === 2 ? this.#view.getUint16(at) : this.#view.getUint8(at);
    }
    #skip(bytes) {
        if (bytes > this.left)
            throw new Unreadable("not msgpack: it ends too early");
        this.#at += bytes;
        return this.#at - bytes;
    }
}
function safe(n) {
    if (!Number.isSafeInteger(n))
        throw new Unreadable("an integer is beyond ±(2^53 - 1)");
    return n;
}
