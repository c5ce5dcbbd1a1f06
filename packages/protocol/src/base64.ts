const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const CODES = new Map([...ALPHABET].map((char, code) => [char, code]));

/** Standard base64 with padding. Pure: the language itself has none before ES2026. */
export function toBase64(bytes: Uint8Array): string {
  const parts: string[] = [];
  for (let i = 0; i < bytes.length; i += 3) {
    const a = bytes[i] ?? 0;
    const b = bytes[i + 1] ?? 0;
    const c = bytes[i + 2] ?? 0;
    parts.push(
      ALPHABET.charAt(a >> 2) + ALPHABET.charAt(((a & 3) << 4) | (b >> 4)) +
      (i + 1 < bytes.length ? ALPHABET.charAt(((b & 15) << 2) | (c >> 6)) : '=') +
      (i + 2 < bytes.length ? ALPHABET.charAt(c & 63) : '='),
    );
  }
  return parts.join('');
}

/** Throws TypeError when the text is not base64. */
export function fromBase64(text: string): Uint8Array {
  const chars = text.replace(/={1,2}$/, '');
  if (text.length % 4 !== 0) throw new TypeError('not base64');
  const bytes = new Uint8Array(Math.floor((chars.length * 3) / 4));
  let bits = 0;
  let held = 0;
  let at = 0;
  for (const char of chars) {
    const code = CODES.get(char);
    if (code === undefined) throw new TypeError('not base64');
    held = ((held << 6) | code) & 0xfffff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes[at++] = (held >> bits) & 255;
    }
  }
  return bytes;
}
