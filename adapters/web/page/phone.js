// One phone: its frame, its chat, and what a hand does on it.

import { draw, firstLine, icon, make } from "./bubble.js";
import { WORDS, chromeDirection } from "./words.js";

const HELD = 450; // milliseconds of a long press

export class Phone {
  #wire;
  #messages = new Map();
  #answersTo = null;
  #edits = null;

  // what: { handle, language, role, hint, scene, lines }. news: called when something arrives.
  constructor(what, wire, { news, remove }) {
    Object.assign(this, what);
    this.#wire = wire;
    this.news = news;
    this.words = WORDS[this.language];
    this.on = {
      press: (id, value) => wire.do(this.handle, "press", { on: id, value }),
      jump: (id) => this.#jump(id),
      reply: (id) => this.#reply(id),
      edit: () => this.#editLast(),
    };
    this.element = this.#build(remove);
    wire.open(this.handle, this.language);
  }

  show(message) {
    const atEnd = this.chat.scrollHeight - this.chat.scrollTop - this.chat.clientHeight < 80;
    const fresh = !this.#messages.has(message.id);
    this.#messages.set(message.id, message);
    const row = draw(message, this, this.#messages.get(message.answers_to));
    const old = this.#row(message.id);
    const focused = old?.contains(document.activeElement) ? document.activeElement : null;
    if (old) old.replaceWith(row);
    else this.chat.append(row);
    if (focused) this.#focusAgain(row, focused);
    this.begin.hidden = true;
    this.#markLast();
    if (fresh && !message.mine) this.news();
    if (atEnd || message.mine) this.chat.scrollTop = this.chat.scrollHeight;
  }

  refuse(id) {
    const message = this.#messages.get(id);
    if (message) this.show({ ...message, state: "refused" });
  }

  unsend(id) {
    this.#messages.delete(id);
    this.#row(id)?.remove();
    if (this.#answersTo === id) {
      this.#answersTo = null;
      this.context.hidden = true;
    }
    this.#markLast();
  }

  focus() {
    this.field.focus({ preventScroll: true });
    this.chat.scrollTop = this.chat.scrollHeight;
  }

  #build(remove) {
    const { words } = this;
    const button = (name, label, more = {}) =>
      make("button", { type: "button", "aria-label": label, title: label, ...more }, icon(name));
    this.chat = make("div", { class: "chat", role: "log", "aria-label": words.chat, tabindex: 0 });
    this.begin = make("div", { class: "begin" },
      make("p", { lang: "en", dir: "ltr" }, this.scene),
      make("button", { type: "button", onclick: () => this.#say(words.start) }, words.start));
    this.context = make("div", { class: "context", hidden: true });
    this.field = make("textarea", { rows: 1, dir: "auto", maxlength: 20000, enterkeyhint: "send",
      placeholder: words.write, "aria-label": words.write,
      onkeydown: (event) => this.#key(event), oninput: () => this.#grow() });
    this.chooser = make("input", { type: "file", hidden: true,
      accept: "image/jpeg,image/png,image/webp,image/gif", onchange: () => this.#picture() });
    this.menu = make("div", { class: "menu", hidden: true });
    const attach = button("clip", words.attach, { "aria-expanded": "false", class: "attach",
      onclick: () => this.#toggle(attach, this.#files()) });
    const ideas = button("idea", words.examples, { "aria-expanded": "false", class: "ideas",
      onclick: () => this.#toggle(ideas, this.#examples()) });
    const composer = make("form", { class: "composer",
      onsubmit: (event) => { event.preventDefault(); this.#submit(); } },
      attach, this.chooser, this.field, this.lines.length ? ideas : "",
      make("button", { type: "submit", class: "send", "aria-label": words.send,
        title: words.send }, icon("send")));
    this.chat.addEventListener("pointerdown", (event) => this.#hold(event));
    const title = make("h2", {}, words[this.role]);
    const thrown = button("close", words.remove, { class: "remove", onclick: remove });
    return make("section", { class: "phone", id: `phone-${this.handle}`, lang: this.language,
      dir: chromeDirection(this.language), "aria-label": words[this.role], "data-role": this.role },
      make("header", { class: "who" },
        make("span", { class: "face", "aria-hidden": "true" }, words[this.role][0]),
        make("div", {}, title, make("p", { lang: "en", dir: "ltr" }, this.hint)),
        this.role === "someone" ? thrown : ""),
      make("div", { class: "frame" },
        make("div", { class: "bar" },
          make("img", { src: "icon.svg", alt: "", width: 30, height: 30 }),
          make("bdi", {}, "Movements")),
        this.chat, this.begin, this.menu, this.context, composer));
  }

  #row(id) {
    return this.chat.querySelector(`[data-id="${CSS.escape(id)}"]`);
  }

  #focusAgain(row, focused) {
    const same = focused.dataset.value
      ? row.querySelector(`[data-value="${CSS.escape(focused.dataset.value)}"]`)
      : row.querySelector(`.${focused.classList[0]}`);
    (same ?? row.querySelector(".choices button") ?? this.field).focus({ preventScroll: true });
  }

  // Only the last message that one wrote oneself can be edited.
  #markLast() {
    this.chat.querySelector(".row.last")?.classList.remove("last");
    const last = this.#last();
    if (last) this.#row(last.id).classList.add("last");
  }

  #last() {
    return [...this.#messages.values()].findLast((message) => message.mine && !message.file);
  }

  // ---------------------------------------------------------------- writing

  #say(text) {
    const more = { text, answers_to: this.#answersTo };
    const id = this.#wire.do(this.handle, "say", more);
    this.#echo(id, more);
  }

  // One's own message stands on the phone at once, whatever the connection does.
  #echo(id, more) {
    this.show({ id, mine: true, text: "", at: Date.now() / 1000, state: "waiting", choices: [],
      ...more });
  }

  #submit() {
    const text = this.field.value;
    if (!text.trim()) return;
    if (this.#edits) this.#wire.do(this.handle, "edit", { text, edits: this.#edits });
    else this.#say(text);
    this.#clear();
  }

  #clear() {
    this.#answersTo = this.#edits = null;
    this.context.hidden = true;
    this.field.value = "";
    this.#grow();
  }

  #grow() {
    this.field.style.height = "auto";
    const border = this.field.offsetHeight - this.field.clientHeight;
    this.field.style.height = `${this.field.scrollHeight + border}px`;
  }

  #key(event) {
    if (event.isComposing) return;
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      this.#submit();
    } else if (event.key === "ArrowUp" && !this.field.value) {
      event.preventDefault();
      this.#editLast();
    } else if (event.key === "Escape") {
      this.#closeMenu();
      if (!this.context.hidden) this.#clear();
    }
  }

  #reply(id) {
    this.#edits = null;
    this.#answersTo = id;
    const message = this.#messages.get(id);
    this.#explain(this.words.reply, firstLine(message.text) || this.words[message.file]);
  }

  #editLast() {
    const last = this.#last();
    if (!last) return;
    this.#answersTo = null;
    this.#edits = last.id;
    this.field.value = last.text;
    this.#grow();
    this.#explain(this.words.edit, firstLine(last.text));
  }

  #explain(what, text) {
    const { cancel } = this.words;
    this.context.replaceChildren(
      make("div", {}, make("b", {}, what), make("span", { dir: "auto" }, text)),
      make("button", { type: "button", "aria-label": cancel, title: cancel,
        onclick: () => { this.#clear(); this.field.focus(); } }, icon("close")),
    );
    this.context.hidden = false;
    this.field.focus();
  }

  // ---------------------------------------------------------------- menus, touching

  #files() {
    return ["picture", "voice", "sticker"].map((kind) =>
      make("button", { type: "button", "data-kind": kind, onclick: () => {
        this.#closeMenu();
        if (kind === "picture") this.chooser.click();
        else this.#file(kind);
      } }, icon(kind), this.words[kind]));
  }

  #file(kind, more = {}) {
    this.#echo(this.#wire.do(this.handle, "file", { kind, ...more }), { file: kind, ...more });
  }

  // A real picture, with what stands in the field as its text.
  async #picture() {
    const [body] = this.chooser.files;
    this.chooser.value = "";
    if (!body) return;
    const answer = await fetch("pictures", { method: "POST", body }).catch(() => null);
    const ref = answer?.ok ? await answer.text() : "-";
    const text = this.field.value.trim();
    this.#file("picture", text ? { ref, text } : { ref });
    this.#clear();
  }

  #examples() {
    return this.lines.map(({ says, means }) =>
      make("button", { type: "button", onclick: () => {
        this.#closeMenu();
        this.field.value = says;
        this.#grow();
        this.field.focus();
      } }, make("span", { dir: "auto" }, says),
        means ? make("small", { lang: "en", dir: "ltr" }, means) : ""));
  }

  #toggle(opener, items) {
    const open = opener.getAttribute("aria-expanded") === "true";
    this.#closeMenu();
    if (open) return;
    opener.setAttribute("aria-expanded", "true");
    this.menu.replaceChildren(...items);
    this.menu.hidden = false;
    items[0].focus();
    this.menu.onkeydown = (event) => {
      if (event.key !== "Escape") return;
      this.#closeMenu();
      opener.focus();
    };
  }

  #closeMenu() {
    this.menu.hidden = true;
    for (const opener of this.element.querySelectorAll("[aria-expanded=true]")) {
      opener.setAttribute("aria-expanded", "false");
    }
  }

  #hold(event) {
    this.#closeMenu();
    this.chat.querySelector(".held")?.classList.remove("held");
    const row = event.target.closest(".row");
    if (!row || event.pointerType === "mouse") return;
    const timer = setTimeout(() => row.classList.add("held"), HELD);
    for (const end of ["pointerup", "pointercancel", "pointermove"]) {
      this.chat.addEventListener(end, () => clearTimeout(timer), { once: true });
    }
  }

  #jump(id) {
    const row = this.#row(id);
    if (!row) return;
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    row.scrollIntoView({ block: "center", behavior: still ? "auto" : "smooth" });
    row.classList.remove("found");
    requestAnimationFrame(() => row.classList.add("found"));
  }
}
