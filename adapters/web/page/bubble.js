// One message, drawn. Every text goes in as textContent: nothing that anybody writes is ever markup.

import { direction, hasDirection } from "./words.js";

// The marks before a bar are there for the bar, and go with it.
const BAR = /^[\u200e\u200f]*│ ?/;
const MARKS = /[\u200e\u200f\u2066-\u2069]/g;
const icons = document.getElementById("icons").content;

export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

export function icon(name) {
  return icons.querySelector(`[data-icon=${name}]`).cloneNode(true);
}

// Lines, each with its own direction; words behind bars become a quote.
export function lines(text, otherwise) {
  const rows = text.split("\n");
  const blocks = [];
  let quote = null;
  rows.forEach((row, i) => {
    const said = BAR.test(row);
    const shown = row.replace(BAR, "");
    const line = hasDirection(shown)
      ? make("div", { class: "line", dir: "auto" }, shown)
      : make("div", { class: "line fixed", dir: direction(shown, otherwise) }, shown || "\u200b");
    if (said) {
      if (!quote) blocks.push((quote = make("blockquote", { dir: direction(shown, otherwise) })));
      quote.append(line);
      return;
    }
    quote = null;
    if (i === 0 && row.length < 80 && BAR.test(rows[1] ?? "")) line.classList.add("from");
    blocks.push(line);
  });
  return blocks;
}

// For a snippet on one line, which goes by its words alone.
export function firstLine(text) {
  const row = text.split("\n").find((line) => BAR.test(line)) ?? text.split("\n")[0];
  return row.replace(BAR, "").replace(MARKS, "");
}

// message: as the gateway sends it. phone: { words, language, on: { press, jump, reply, edit } }
export function draw(message, phone, quoted) {
  const { words, language, on } = phone;
  const otherwise = direction(words.name, "ltr");
  const parts = [];
  if (message.answers_to) {
    const start = firstLine(quoted?.text ?? message.quote ?? "");
    const snippet = start || words[quoted?.file];
    if (snippet) {
      parts.push(
        make("button", { type: "button", class: "snippet", dir: "auto",
          onclick: () => on.jump(message.answers_to) }, snippet),
      );
    }
  }
  if (message.file) {
    parts.push(make("div", { class: "file" }, icon(message.file), words[message.file]));
  }
  if (message.picture) parts.push(make("img", { class: "picture", src: message.picture, alt: words.picture }));
  if (message.text || !(message.file || message.picture)) {
    const shown = lines(message.text, otherwise);
    parts.push(make("div", { class: "text", lang: message.language }, ...shown));
  }
  parts.push(meta(message, words, language));
  const bubble = make("div", { class: "bubble" }, ...parts);
  const row = make("article", {
    class: `row ${message.mine ? "mine" : "theirs"} ${message.state}`,
    "data-id": message.id,
  }, make("div", { class: "with-tools" }, bubble, tools(message, words, on)));
  if (message.choices.length) row.append(choices(message, on));
  return row;
}

// As the gateway writes them; browsers differ.
const DIGITS = { ar: "ar-u-nu-arab" };

function meta(message, words, language) {
  const time = new Date(message.at * 1000);
  const clock = time.toLocaleTimeString(DIGITS[language] ?? language, { hour: "2-digit", minute: "2-digit",
    hourCycle: "h23" });
  const line = make("div", { class: "meta" });
  if (message.edited) line.append(make("span", { class: "edited" }, words.edited));
  line.append(make("time", { datetime: time.toISOString() }, clock));
  if (message.mine) {
    const tick = { waiting: "○", heard: "✓", handed: "✓✓", refused: "!" }[message.state];
    line.append(
      make("span", { class: "tick", role: "img", "aria-label": words[message.state],
        title: words[message.state] }, tick),
    );
  }
  return line;
}

function tools(message, words, on) {
  const reply = make("button", { type: "button", class: "reply", "aria-label": words.reply,
    title: words.reply, onclick: () => on.reply(message.id) }, icon("reply"));
  const edit = make("button", { type: "button", class: "edit", "aria-label": words.edit,
    title: words.edit, onclick: () => on.edit() }, icon("edit"));
  return make("div", { class: "tools" }, reply, message.mine && !message.file ? edit : "");
}

function choices(message, on) {
  const spent = message.pressed != null;
  return make("div", { class: spent ? "choices spent" : "choices", role: "group" },
    ...message.choices.map(([value, label]) =>
      make("button", { type: "button", class: value === message.pressed ? "pressed" : null,
        dir: "auto", "data-value": value, title: meaning(value),
        onclick: () => on.press(message.id, value) }, label)));
}

// What a button does, for whoever can't read its language: without numbers that mean nothing.
function meaning(value) {
  return value.replace(/^=[^:]*:[^:]*:/, "").replace(/ [0-9a-f]{32}$/, "");
}
