// SHA-256 (FIPS 180-4) and HMAC (RFC 2104). The browser's own crypto.subtle works in a secure context only, and plain HTTP
// in a home's network is none.

const primes = (count) => {
  const found = [];
  for (let n = 2; found.length < count; n++) if (found.every((prime) => n % prime)) found.push(n);
  return found;
};
const fraction = (x) => ((x % 1) * 2 ** 32) | 0;
const START = primes(8).map((prime) => fraction(Math.sqrt(prime)));
const ROUND = primes(64).map((prime) => fraction(Math.cbrt(prime)));
const BLOCK = 64;

const turned = (x, bits) => (x >>> bits) | (x << (32 - bits));

// The message, a bit, zeros, and the length in bits, in whole blocks.
function padded(bytes) {
  const whole = new Uint8Array(Math.ceil((bytes.length + 9) / BLOCK) * BLOCK);
  whole.set(bytes);
  whole[bytes.length] = 0x80;
  new DataView(whole.buffer).setUint32(whole.length - 4, 8 * bytes.length);
  return whole;
}

function compress(state, words) {
  for (let i = 16; i < 64; i++) {
    const [x, y] = [words[i - 15], words[i - 2]];
    const small = turned(x, 7) ^ turned(x, 18) ^ (x >>> 3), large = turned(y, 17) ^ turned(y, 19) ^ (y >>> 10);
    words[i] = (words[i - 16] + small + words[i - 7] + large) | 0;
  }
  let [a, b, c, d, e, f, g, h] = state;
  for (let i = 0; i < 64; i++) {
    const chosen = (e & f) ^ (~e & g), major = (a & b) ^ (a & c) ^ (b & c);
    const first = (h + (turned(e, 6) ^ turned(e, 11) ^ turned(e, 25)) + chosen + ROUND[i] + words[i]) | 0;
    const second = ((turned(a, 2) ^ turned(a, 13) ^ turned(a, 22)) + major) | 0;
    [h, g, f, e, d, c, b, a] = [g, f, e, (d + first) | 0, c, b, a, (first + second) | 0];
  }
  [a, b, c, d, e, f, g, h].forEach((value, i) => { state[i] = (state[i] + value) | 0; });
}

// bytes: Uint8Array, up to 512 MB; returns the 32 bytes of its hash.
export function sha256(bytes) {
  const whole = new DataView(padded(bytes).buffer), state = [...START], words = new Int32Array(64);
  for (let at = 0; at < whole.byteLength; at += BLOCK) {
    for (let i = 0; i < 16; i++) words[i] = whole.getInt32(at + 4 * i);
    compress(state, words);
  }
  const hash = new DataView(new ArrayBuffer(32));
  state.forEach((word, i) => hash.setInt32(4 * i, word));
  return new Uint8Array(hash.buffer);
}

const joined = (one, other) => Uint8Array.of(...one, ...other);

// The HMAC of a text, as 32 bytes. key: Uint8Array.
export function hmac(key, text) {
  const block = new Uint8Array(BLOCK);
  block.set(key.length > BLOCK ? sha256(key) : key);
  const inner = sha256(joined(block.map((byte) => byte ^ 0x36), new TextEncoder().encode(text)));
  return sha256(joined(block.map((byte) => byte ^ 0x5c), inner));
}

export const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
