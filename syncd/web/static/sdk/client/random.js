const ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz";
const FAIR_BELOW = 256 - (256 % ALPHABET.length);
export function randomText(length) {
    let text = "";
    while (text.length < length) {
        for (const byte of crypto.getRandomValues(new Uint8Array(length))) {
            if (byte < FAIR_BELOW && text.length < length)
                text += ALPHABET[byte % ALPHABET.length];
        }
    }
    return text;
}
