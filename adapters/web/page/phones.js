// The page: which phones there are, which one is in front on a narrow screen, and the story.

import { make } from "./bubble.js";
import { Phone } from "./phone.js";
import { Wire } from "./wire.js";
import { LANGUAGES, PRESET, WORDS, chromeDirection } from "./words.js";

const KEPT = "added phones";
const place = document.getElementById("phones");
const tabs = document.getElementById("tabs");
const story = document.getElementById("story");
const link = document.getElementById("link");
const phones = new Map();

const wire = new Wire({
  message: (handle, message) => phones.get(handle)?.show(message),
  unsent: (handle, id) => phones.get(handle)?.unsend(id),
  refused: (handle, id) => phones.get(handle)?.refuse(id),
  story: (playing) => { story.hidden = !playing; },
  link: (up) => {
    link.textContent = up ? "" : "The gateway is away. What you write is kept.";
    document.body.classList.toggle("away", !up);
  },
});

function add(what) {
  const phone = new Phone(what, wire, {
    news: () => {
      if (!story.hidden) front(what.handle); // on a small screen one follows the story
      else if (phone.tab.ariaSelected !== "true") phone.tab.classList.add("news");
    },
    remove: () => remove(what.handle),
  });
  phone.tab = make("button", { type: "button", role: "tab", lang: phone.language,
    dir: chromeDirection(phone.language), "aria-controls": phone.element.id,
    "aria-selected": "false", "data-role": phone.role,
    onclick: () => front(what.handle) }, phone.words[phone.role]);
  phones.set(what.handle, phone);
  place.append(phone.element);
  tabs.append(phone.tab);
}

function front(handle) {
  for (const phone of phones.values()) {
    const chosen = phone.handle === handle;
    phone.tab.ariaSelected = String(chosen);
    phone.tab.tabIndex = chosen ? 0 : -1;
    phone.element.classList.toggle("front", chosen);
    if (!chosen) continue;
    phone.tab.classList.remove("news");
    phone.element.scrollIntoView({ inline: "center", block: "nearest" });
    phone.chat.scrollTop = phone.chat.scrollHeight;
  }
}

tabs.addEventListener("keydown", (event) => {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!step) return;
  const all = [...phones.values()];
  const now = all.findIndex((phone) => phone.tab === document.activeElement);
  const next = all[(now + step + all.length) % all.length];
  front(next.handle);
  next.tab.focus();
});

// Added phones are remembered by this browser; their chats by the gateway.
const added = () => JSON.parse(localStorage.getItem(KEPT) ?? "[]");
const remember = (list) => localStorage.setItem(KEPT, JSON.stringify(list));

function addSomeone({ handle, language }) {
  const { name } = WORDS[language];
  add({ handle, language, role: "someone", hint: `Writes ${name}.`, lines: [],
    scene: `You write ${name}. Ask for help, offer it, or translate.` });
}

function remove(handle) {
  wire.do(handle, "leave");
  wire.close(handle);
  phones.get(handle).element.remove();
  phones.get(handle).tab.remove();
  phones.delete(handle);
  remember(added().filter((what) => what.handle !== handle));
  front(PRESET[0].handle);
}

const choice = document.getElementById("language");
for (const language of LANGUAGES) {
  choice.append(make("option", { value: language, lang: language }, WORDS[language].name));
}
document.getElementById("add").addEventListener("submit", (event) => {
  event.preventDefault();
  const what = { handle: crypto.randomUUID().slice(0, 8), language: choice.value };
  remember([...added(), what]);
  addSomeone(what);
  front(what.handle);
  phones.get(what.handle).focus();
});
story.querySelector("button").addEventListener("click", () => wire.stopStory());

PRESET.forEach(add);
added().forEach(addSomeone);
front(PRESET[0].handle);
