// The connection to the view's server: passes on messages by kind, and reconnects when it is lost.

const RETRY_MS = 700;

export class Socket {
  // handlers: one function for each kind of message, and `closed` for a lost connection.
  constructor(handlers) {
    this.handlers = handlers;
    this.open();
  }

  open() {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    this.socket = new WebSocket(`${scheme}://${location.host}/socket${location.search}`);
    this.socket.onmessage = (event) => {
      const message = JSON.parse(event.data);
      this.handlers[message.kind]?.(message);
    };
    this.socket.onclose = () => {
      this.handlers.closed();
      setTimeout(() => this.open(), RETRY_MS);
    };
  }

  // Sends an order with the time of the snapshot behind it; returns false without a connection.
  order(what, seen_s) {
    return this.send({ do: what, seen_s });
  }

  send(message) {
    if (this.socket.readyState !== WebSocket.OPEN) return false;
    this.socket.send(JSON.stringify(message));
    return true;
  }
}
