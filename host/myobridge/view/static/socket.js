// The connection to the view's server: messages by kind, and again and again until it is back.

const RETRY_MS = 700;

export class Socket {
  // handlers: what to call for each kind of message; `closed` when the connection is lost.
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

  // Sends an order, with the time of the look that it rests on; false if there is no connection to send it on.
  order(what, seen_s) {
    if (this.socket.readyState !== WebSocket.OPEN) return false;
    this.socket.send(JSON.stringify({ do: what, seen_s }));
    return true;
  }
}
