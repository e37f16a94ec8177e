/** Names that nobody guesses and nobody else has drawn. */

const ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz";
/** Bytes from here on would make the first signs of the alphabet likelier than the others. */
const FAIR_BELOW = 256 - (256 % ALPHABET.length);

/** Random characters `[0-9a-z]`, 5.17 bits each, from the system's secure source. */
export function randomText(length: number): string {
  let text = "";
  while (text.length < length) {
    for (const byte of crypto.getRandomValues(new Uint8Array(length))) {
      if (byte < FAIR_BELOW && text.length < length) text += ALPHABET[byte % ALPHABET.length];
    }
  }
  return text;
}
