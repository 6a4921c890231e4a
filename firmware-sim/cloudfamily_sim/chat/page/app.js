// Loads the people, follows the live stream, and knows which phone is in the hand.

import * as people from "./people.js";
import * as phone from "./phone.js";
import { currentLanguage, switchLanguage, t } from "./texts.js";

const RETRY_MS = 2_000;
const PATIENCE_MS = 1_500;

let chatId = null;
let stream = null;
// Live events of the chosen chat that came while its messages were on their way.
let early = null;
let lostTimer = 0;

async function call(path, body) {
  const options = body && { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  try {
    const response = await fetch(path, options);
    const answer = await response.json();
    if (response.ok) return answer;
    return { error: currentLanguage() === "zh" ? answer.error.message_zh : answer.error.message };
  } catch {
    return { error: t("failed") };
  }
}

/** Everything anew: at the start, and when the stream cannot go on where it was. */
async function load() {
  const room = await call("api/people");
  if (room.error) {
    lost();
    setTimeout(load, RETRY_MS);
    return;
  }
  people.setPeople(room.people, choose);
  phone.setBot(room.bot, room.commands);
  await open(chatIdInAddress());
  follow(room.position);
}

function follow(position) {
  stream?.close();
  stream = new EventSource(`api/stream?after=${position}`);
  stream.addEventListener("open", found);
  stream.addEventListener("error", () => {
    lost();
    // A stream that was refused does not come back by itself.
    if (stream.readyState === EventSource.CLOSED) setTimeout(load, RETRY_MS);
  });
  stream.addEventListener("reset", load);
  stream.addEventListener("message", (event) => {
    const { change, chat_id, message } = JSON.parse(event.data);
    people.noteMessage(chat_id, change, message);
    if (chat_id === chatId && early) early.push([change, message]);
    else if (chat_id === chatId) phone.noteMessage(change, message);
    seen();
  });
  stream.addEventListener("answer", (event) => {
    const answer = JSON.parse(event.data);
    if (answer.chat_id === chatId) phone.noteAnswer(answer);
  });
  stream.addEventListener("commands", (event) => phone.setBot(null, JSON.parse(event.data)));
}

function chatIdInAddress() {
  const asked = Number(new URLSearchParams(location.search).get("chat"));
  return people.person(asked) ? asked : null;
}

/** A person was chosen (null: back to the list): the address changes, so that it can be kept and shared. */
async function choose(asked) {
  const address = new URL(location.href);
  if (asked === null) address.searchParams.delete("chat");
  else address.searchParams.set("chat", asked);
  if (asked !== chatId) history.pushState(null, "", address);
  await open(asked);
}

async function open(asked) {
  chatId = asked;
  document.body.dataset.shows = asked === null ? "people" : "phone";
  people.select(asked);
  early = [];
  const chat = asked === null ? { messages: [] } : await call(`api/chats/${asked}/messages`);
  // Somebody else may have been chosen while the answer was on its way.
  if (chatId !== asked) return;
  phone.show(asked, chat.messages ?? []);
  for (const [change, message] of early) phone.noteMessage(change, message);
  early = null;
  if (chat.error) phone.toast(chat.error);
  seen();
}

function seen() {
  if (chatId !== null && !document.hidden) people.markRead(chatId);
  const unread = people.unreadInAll();
  document.title = unread ? `(${unread}) ${t("title")}` : t("title");
}

function lost() {
  if (lostTimer) return;
  lostTimer = setTimeout(() => {
    const banner = document.getElementById("banner");
    banner.textContent = t("lost");
    banner.hidden = false;
  }, PATIENCE_MS);
}

function found() {
  clearTimeout(lostTimer);
  lostTimer = 0;
  document.getElementById("banner").hidden = true;
}

function draw() {
  document.documentElement.lang = currentLanguage() === "zh" ? "zh-CN" : "en";
  for (const node of document.querySelectorAll("[data-text]")) node.textContent = t(node.dataset.text);
  const button = document.getElementById("language");
  button.textContent = t("language");
  button.setAttribute("aria-label", t("languageLabel"));
  button.lang = currentLanguage() === "zh" ? "en" : "zh-CN";
  people.drawPeople();
  phone.draw();
  seen();
}

document.getElementById("language").addEventListener("click", () => {
  switchLanguage();
  draw();
});
document.getElementById("filter").addEventListener("input", people.drawPeople);
document.getElementById("back").addEventListener("click", () => choose(null));
document.addEventListener("visibilitychange", seen);
window.addEventListener("popstate", () => open(chatIdInAddress()));

phone.setUp({
  say: (id, text) => call(`api/chats/${id}/say`, { text }),
  press: (id, message_id, data) => call(`api/chats/${id}/press`, { message_id, data }),
});
draw();
load();
