// The phone of the chosen person: the messages, the toast, the quick commands and the line to write on.

import { bubble, dayLine } from "./bubble.js";
import { element } from "./element.js";
import { person } from "./people.js";
import { t } from "./texts.js";

const NEAR_END = 140;
const SILENT_MS = 10_000;
const TOAST_MS = 5_000;
const MESSAGE_LIMIT = 200;

const log = document.getElementById("log");
const jump = document.getElementById("jump");
const toastBox = document.getElementById("toast");
const line = document.getElementById("text");

let chatId = null;
let messages = [];
let bot = { name: "" };
let commands = {};
let act = {};
let toastTimer = 0;
const drafts = new Map();
const waiting = new Map();

/** `actions`: {say(chatId, text), press(chatId, messageId, data)}, both promises of {error} or the answer. */
export function setUp(actions) {
  act = {
    press: (message, button) => press(actions, message, button),
    command: (text) => send(actions, text),
  };
  document.getElementById("write").addEventListener("submit", (event) => {
    event.preventDefault();
    if (line.value.trim()) send(actions, line.value, () => (line.value = ""));
    line.focus();
  });
  log.addEventListener("scroll", () => (jump.hidden = jump.hidden || nearEnd()));
  jump.addEventListener("click", toEnd);
}

export function setBot(newBot, newCommands) {
  bot = newBot ?? bot;
  commands = newCommands;
  drawCommands();
}

/** Shows the chat of this person, or nobody's for null. */
export function show(newChatId, newMessages) {
  if (newChatId !== chatId) {
    drafts.set(chatId, line.value);
    line.value = drafts.get(newChatId) ?? "";
    toast("");
  }
  chatId = newChatId;
  messages = newMessages;
  draw();
  toEnd();
}

export function draw() {
  document.getElementById("phone").hidden = chatId === null;
  // Not before the first answer: whoever comes by a link to one phone should not see the choice flash by.
  document.getElementById("welcome").hidden = chatId !== null || !bot.name;
  const one = person(chatId);
  if (!one) return;
  document.getElementById("phone-title").textContent = bot.name;
  document.getElementById("phone-person").textContent = t("you", { name: one.name, role: t(`role.${one.role}`) });
  log.setAttribute("aria-label", t("log"));
  line.placeholder = t("placeholder");
  const parts = messages.length ? [] : [element("p", { class: "empty" }, [t("empty")])];
  let day = "";
  for (const message of messages) {
    if (new Date(message.at).toDateString() !== day) parts.push(dayLine(message.at));
    day = new Date(message.at).toDateString();
    parts.push(made(message));
  }
  // A whole redraw is not news: a screen reader should not read the old messages again.
  log.setAttribute("aria-busy", "true");
  log.replaceChildren(...parts);
  log.setAttribute("aria-busy", "false");
  drawCommands();
}

/** A live event of the chat shown: change is new, edited or deleted. */
export function noteMessage(change, message) {
  const end = nearEnd() || message.from === "person";
  const old = messages.findIndex((one) => one.id === message.id);
  if (change === "deleted") {
    if (old >= 0) messages.splice(old, 1);
    log.querySelector(`[data-id="${message.id}"]`)?.remove();
    return;
  }
  if (change === "edited") dropWaiting(message.id);
  if (old >= 0) {
    messages[old] = message;
    replace(message);
  } else if (change === "new") {
    append(message);
  }
  if (end) toEnd();
  else if (old < 0) jump.hidden = false;
}

/** The bot's answer to a press in the chat shown: a toast, or a box that waits to be closed. */
export function noteAnswer(answer) {
  dropWaiting(answer.message_id, answer.data);
  const message = messages.find((one) => one.id === answer.message_id);
  if (message) replace(message);
  if (!answer.text) return;
  if (!answer.alert) return toast(answer.text);
  const box = document.getElementById("box");
  document.getElementById("box-text").textContent = answer.text;
  if (!box.open) box.showModal();
}

export function toast(text) {
  clearTimeout(toastTimer);
  toastBox.textContent = text;
  toastBox.classList.toggle("shown", Boolean(text));
  if (text) toastTimer = setTimeout(() => toast(""), TOAST_MS);
}

function append(message) {
  const last = messages.at(-1);
  if (!last) log.replaceChildren();
  if (!last || new Date(last.at).toDateString() !== new Date(message.at).toDateString()) log.append(dayLine(message.at));
  messages.push(message);
  log.append(made(message));
  if (messages.length > MESSAGE_LIMIT) log.querySelector(`[data-id="${messages.shift().id}"]`)?.remove();
}

/** Draws one message again; whoever was on one of its buttons stays at the message. */
function replace(message) {
  const old = log.querySelector(`[data-id="${message.id}"]`);
  if (!old) return;
  const focused = old.contains(document.activeElement) ? document.activeElement.dataset.data : null;
  const fresh = made(message);
  old.replaceWith(fresh);
  if (focused === null) return;
  const keys = [...fresh.querySelectorAll("[data-data]")];
  (keys.find((key) => key.dataset.data === focused) ?? keys[0] ?? fresh).focus({ preventScroll: true });
}

function made(message) {
  return bubble(message, act, (one, button) => waiting.has(`${chatId} ${one.id} ${button.data}`));
}

async function send(actions, text, done = () => {}) {
  const answer = await actions.say(chatId, text);
  if (answer.error) toast(answer.error);
  else done();
}

async function press(actions, message, button) {
  const key = `${chatId} ${message.id} ${button.data}`;
  if (waiting.has(key)) return;
  const timer = setTimeout(() => {
    if (!waiting.delete(key)) return;
    replace(messages.find((one) => one.id === message.id) ?? message);
    toast(t("silent"));
  }, SILENT_MS);
  waiting.set(key, timer);
  replace(message);
  const answer = await actions.press(chatId, message.id, button.data);
  if (!answer.error) return;
  dropWaiting(message.id, button.data);
  replace(messages.find((one) => one.id === message.id) ?? message);
  toast(answer.error);
}

function dropWaiting(messageId, data = null) {
  const start = `${chatId} ${messageId} `;
  for (const [key, timer] of waiting) {
    if (!key.startsWith(start) || (data !== null && key !== start + data)) continue;
    clearTimeout(timer);
    waiting.delete(key);
  }
}

function drawCommands() {
  const one = person(chatId);
  if (!one) return;
  const own = commands[one.language.startsWith("zh") ? "zh" : "en"] ?? commands[""] ?? [];
  const shown = own.length ? own : ["start", "balance", "help"].map((command) => ({ command, description: t(`command.${command}`) }));
  const box = document.getElementById("commands");
  box.setAttribute("aria-label", t("commands"));
  box.replaceChildren(
    ...shown.map(({ command, description }) => {
      const button = element("button", { type: "button" }, [element("strong", {}, [`/${command}`]), ` ${description}`]);
      button.addEventListener("click", () => act.command(`/${command}`));
      return button;
    }),
  );
}

function nearEnd() {
  return log.scrollHeight - log.scrollTop - log.clientHeight < NEAR_END;
}

function toEnd() {
  log.scrollTop = log.scrollHeight;
  jump.hidden = true;
}
