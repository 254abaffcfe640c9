// The phone's key, which comes in the fragment of the address that the QR code holds. A browser never sends a fragment, and
// this page keeps the key on the phone. view/proof.py says how the key is used.

import { hex, hmac, sha256 } from "./sha256.js";

const KEY = "myobridge-key";

// The key, from the address or from an earlier visit; null if this phone is not paired.
function findKey() {
  const given = /^#([A-Za-z0-9_-]{22})$/.exec(location.hash)?.[1];
  if (given) {
    localStorage[KEY] = given;
    history.replaceState(null, "", location.pathname + location.search); // nobody reads the key from the screen
  }
  return localStorage[KEY] ?? null;
}

const key = findKey();

const keyBytes = () => Uint8Array.from(atob(key.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));

export const randomHex = (bytes) => hex(crypto.getRandomValues(new Uint8Array(bytes)));

// Answers the view's challenge; null without a key.
export function prove(viewNonce) {
  if (key === null) return null;
  const nonce = randomHex(16), nonces = `${viewNonce} ${nonce}`;
  const mac = (what) => hmac(keyBytes(), `myobridge ${what} ${nonces}`);
  const phone = hex(sha256(new TextEncoder().encode(`myobridge phone ${key}`))).slice(0, 16);
  return {
    message: { phone, nonce, proof: hex(mac("phone")) },
    expects: hex(mac("view")),
    seal: sealed(mac("orders")),
  };
}

// Signs the messages of one connection, in their order.
function sealed(connection) {
  let n = 0;
  return (message) => {
    const say = JSON.stringify(message);
    n += 1;
    return { n, mac: hex(hmac(connection, `${n} ${say}`)), say };
  };
}
