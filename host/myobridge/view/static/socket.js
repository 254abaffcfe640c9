// The connection to the view's server: proves that this phone is paired, passes on messages by kind, and reconnects when the
// connection is lost.

import { prove } from "./pairing.js";

const RETRY_MS = 700;
const UNPAIRED = "this phone is not paired"; // the reason that the view gives
const NO_KEY = "This phone is not paired with the hand. Run “myobridge view --pair” on the computer of the hand, and open " +
  "the QR code with the camera of this phone.";
const SHUT_OUT = "The hand does not let this phone in: the phone was shut out, or it was paired with another hand. Pair it " +
  "again with “myobridge view --pair”.";
const IMPOSTOR = "The computer at this address is not the one that this phone is paired with. Do not trust what it shows.";

export class Socket {
  // handlers: one function for each kind of message, `closed` for a lost connection, and `unpaired` for a sentence that says
  // why the view lets this phone in no more.
  constructor(handlers, query = "") {
    this.handlers = handlers;
    this.query = query;
    this.open();
  }

  open() {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const query = [location.search.slice(1), this.query].filter(Boolean).join("&");
    this.proof = null;
    this.isIn = false;
    this.socket = new WebSocket(`${scheme}://${location.host}/socket${query && `?${query}`}`);
    this.socket.onmessage = (event) => this.hear(JSON.parse(event.data));
    this.socket.onclose = (event) => this.ended(event.reason === UNPAIRED);
  }

  hear(message) {
    if (message.kind === "challenge") return this.answer(message.nonce);
    if (message.kind === "welcome" && message.proof !== this.proof?.expects) return this.leave(IMPOSTOR);
    if (this.proof && message.kind !== "welcome" && !this.isIn) return undefined; // the view has not proved itself
    this.isIn = true;
    return this.handlers[message.kind]?.(message);
  }

  answer(nonce) {
    this.proof = prove(nonce);
    if (this.proof === null) this.leave(NO_KEY);
    else this.socket.send(JSON.stringify(this.proof.message));
  }

  ended(isRefused) {
    this.isIn = false;
    if (isRefused) return this.leave(SHUT_OUT);
    this.handlers.closed();
    return setTimeout(() => this.open(), RETRY_MS);
  }

  // Ends the connection for good: another try needs a person.
  leave(why) {
    this.socket.onclose = this.socket.onmessage = null;
    this.socket.close();
    this.handlers.closed();
    this.handlers.unpaired?.(why);
  }

  // Sends an order with the time of the snapshot behind it; returns false without a connection.
  order(what, seen_s) {
    return this.send({ do: what, seen_s });
  }

  send(message) {
    if (this.socket.readyState !== WebSocket.OPEN || !this.isIn) return false;
    const isSigned = this.proof && message.do !== "estop"; // an ESTOP depends on nothing but the connection
    this.socket.send(JSON.stringify(isSigned ? this.proof.seal(message) : message));
    return true;
  }
}
