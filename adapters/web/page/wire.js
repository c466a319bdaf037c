// The connection to the gateway. Whatever is done on a phone is kept here, and sent again after a
// break, until the gateway says that it is committed.

const KEPT = "unheard";

export class Wire {
  #socket = null;
  #opened = new Map();
  #unheard = new Map();
  #pause = 250;
  #on;

  // on: { message(phone, message), heard(phone, id), refused(id, why), story(playing), link(up) }
  constructor(on) {
    this.#on = on;
    for (const event of JSON.parse(sessionStorage.getItem(KEPT) ?? "[]")) {
      this.#unheard.set(event.id, event);
    }
    this.#connect();
  }

  open(phone, language) {
    this.#opened.set(phone, { do: "open", phone, language });
    this.#send(this.#opened.get(phone));
  }

  close(phone) {
    this.#opened.delete(phone);
  }

  // -> the id of the event
  do(phone, what, more = {}) {
    const event = { do: what, phone, id: crypto.randomUUID(), ...more };
    this.#unheard.set(event.id, event);
    this.#keep();
    this.#send(event);
    return event.id;
  }

  stopStory() {
    this.#send({ do: "stop story" });
  }

  #connect() {
    const socket = new WebSocket(new URL("wire", location.href.replace(/^http/, "ws")));
    socket.onopen = () => {
      this.#socket = socket;
      this.#pause = 250;
      this.#on.link(true);
      for (const event of [...this.#opened.values(), ...this.#unheard.values()]) this.#send(event);
    };
    socket.onmessage = (frame) => this.#read(JSON.parse(frame.data));
    socket.onclose = () => {
      this.#socket = null;
      this.#on.link(false);
      setTimeout(() => this.#connect(), this.#pause);
      this.#pause = Math.min(this.#pause * 2, 4000);
    };
  }

  #read(what) {
    if (what.is === "message") this.#on.message(what.phone, what.message);
    if (what.is === "unsent") this.#on.unsent(what.phone, what.id);
    if (what.is === "story") this.#on.story(what.playing);
    if (what.is === "heard" || what.is === "refused") {
      const event = this.#unheard.get(what.id);
      this.#unheard.delete(what.id);
      this.#keep();
      if (what.is === "refused" && event) this.#on.refused(event.phone, event.id);
    }
  }

  #send(event) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(event));
  }

  #keep() {
    sessionStorage.setItem(KEPT, JSON.stringify([...this.#unheard.values()]));
  }
}
