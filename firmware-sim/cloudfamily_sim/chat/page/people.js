// The list of people on the left: names, roles, the last words, unread badges, grouped and filtered.

import { element } from "./element.js";
import { recall, remember, t } from "./texts.js";

const STORY = 3;
const GROUPS = [
  ["family", ["daughter", "family"]],
  ["caregiver", ["caregiver"]],
  ["volunteer", ["volunteer"]],
  ["operator", ["operator"]],
];
const SEEN = "cloudfamily.chat.seen";

let people = [];
let rows = new Map();
let selected = null;
let choose = () => {};

/** `list` as /api/people gives it; `onChoose(chatId)` is called for a press. Keeps what was read before. */
export function setPeople(list, onChoose) {
  people = list;
  choose = onChoose;
  const seen = JSON.parse(recall(SEEN) || "{}");
  for (const person of people) {
    // The server counts anew after a restart: then everything is unread again.
    const read = seen[person.chat_id] ?? 0;
    person.read = read > person.sent ? 0 : read;
  }
  drawPeople();
}

export function person(chatId) {
  return people.find((one) => one.chat_id === chatId);
}

export function unreadInAll() {
  return people.reduce((sum, one) => sum + one.sent - one.read, 0);
}

export function markRead(chatId) {
  const one = person(chatId);
  if (!one || one.read === one.sent) return;
  one.read = one.sent;
  remember(SEEN, JSON.stringify(Object.fromEntries(people.filter((p) => p.read).map((p) => [p.chat_id, p.read]))));
  drawRow(one);
}

export function noteMessage(chatId, change, message) {
  const one = person(chatId);
  if (!one) return;
  if (change === "new" && message.from === "bot") one.sent += 1;
  if (change === "new" || (one.last && one.last.id === message.id)) one.last = change === "deleted" ? null : message;
  drawRow(one);
}

export function select(chatId) {
  const before = person(selected);
  selected = chatId;
  if (before) drawRow(before);
  if (person(chatId)) drawRow(person(chatId));
}

export function drawPeople() {
  const groups = document.getElementById("groups");
  rows = new Map();
  const sections = grouped(document.getElementById("filter").value.trim().toLowerCase()).map(([name, members]) =>
    element("section", {}, [
      element("h3", {}, [t(`group.${name}`), element("span", { class: "count" }, [String(members.length)])]),
      element("ul", {}, members.map(row)),
    ]),
  );
  groups.replaceChildren(...sections);
  document.getElementById("nobody").hidden = sections.length > 0;
  document.getElementById("cards").replaceChildren(...people.slice(0, STORY).map(card));
}

/** [name, people] of the groups that are not empty; the first people of the list are the story's. */
function grouped(wanted) {
  const fits = (one) => `${one.name} ${t(`role.${one.role}`)} ${one.role}`.toLowerCase().includes(wanted);
  const story = people.slice(0, STORY);
  const rest = people.slice(STORY);
  const known = GROUPS.flatMap(([, roles]) => roles);
  return [
    ["story", story],
    ...GROUPS.map(([name, roles]) => [name, rest.filter((one) => roles.includes(one.role))]),
    ["other", rest.filter((one) => !known.includes(one.role))],
  ]
    .map(([name, members]) => [name, members.filter(fits)])
    .filter(([, members]) => members.length);
}

function row(one) {
  const button = element("button", { type: "button", class: "person" });
  button.addEventListener("click", () => choose(one.chat_id));
  rows.set(one.chat_id, button);
  fill(button, one);
  return element("li", {}, [button]);
}

function drawRow(one) {
  const button = rows.get(one.chat_id);
  if (button) fill(button, one);
}

function fill(button, one) {
  const unread = one.sent - one.read;
  const role = t(`role.${one.role}`);
  button.setAttribute("aria-current", String(one.chat_id === selected));
  button.replaceChildren(
    face(one),
    element("span", { class: "person-text" }, [
      element("span", { class: "person-name" }, [one.name, unseen(", "), element("span", { class: "role" }, [role]), unseen(", ")]),
      element("span", { class: "preview" }, [preview(one.last)]),
    ]),
    unread > 0 ? badge(unread) : "",
  );
}

function badge(unread) {
  const number = element("span", { "aria-hidden": "true" }, [unread > 99 ? "99+" : String(unread)]);
  return element("span", { class: "badge" }, [number, unseen(t("unread", { unread }))]);
}

/** For screen readers only. */
function unseen(text) {
  return element("span", { class: "unseen" }, [text]);
}

export function face(one) {
  // 林晓雯 is 雯 to those who know her; Daniel Huang is D.
  const letters = one.name.match(/\p{Script=Han}/gu)?.at(-1) ?? [...one.name][0].toUpperCase();
  return element("span", { class: `face role-${/^[a-z]+$/.test(one.role) ? one.role : "other"}`, "aria-hidden": "true" }, [letters]);
}

function preview(message) {
  if (!message) return "";
  return message.location ? t("location") : message.text.replace(/\s+/g, " ").slice(0, 60);
}

function card(one) {
  const button = element("button", { type: "button", class: "card" }, [
    face(one),
    element("span", { class: "card-name" }, [one.name]),
    element("span", { class: "card-role" }, [t(`role.${one.role}`)]),
    element("span", { class: "card-open" }, [t("open")]),
  ]);
  button.addEventListener("click", () => choose(one.chat_id));
  return button;
}
