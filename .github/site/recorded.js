// Stands in for the browser's WebSocket where no view runs: gives the page the messages of a recorded session, in time.

const SESSION = fetch("session.json").then((response) => response.json());

window.WebSocket = class {
  static OPEN = 1;

  constructor() {
    this.readyState = 0; // no order is sent: nobody would take it
    SESSION.then((messages) => this.play(messages));
  }

  // Plays again from the start when the session is over, as a new stream of the same daemon.
  play(messages) {
    const began = performance.now();
    let next = 0;
    const timer = setInterval(() => {
      const at_s = (performance.now() - began) / 1000;
      while (next < messages.length && messages[next][0] <= at_s) {
        this.onmessage({ data: JSON.stringify(messages[next++][1]) });
      }
      if (next === messages.length) {
        clearInterval(timer);
        this.play(messages);
      }
    }, 15);
  }
};
