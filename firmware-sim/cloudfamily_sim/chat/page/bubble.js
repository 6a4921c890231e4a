// One message as an element: marked-up text, place, time, buttons.

import { element } from "./element.js";
import { locale, t } from "./texts.js";

const TAGS = {
  bold: "strong",
  italic: "em",
  underline: "u",
  strikethrough: "s",
  code: "code",
  pre: "code",
  blockquote: "q",
  spoiler: "mark",
};

/** `act`: {press(message, button), command(text)}; `waiting(message, button)`: pressed and not answered yet. */
export function bubble(message, act, waiting) {
  const mine = message.from === "person";
  const inside = [element("span", { class: "unseen" }, [t(mine ? "youSay" : "botSays")])];
  inside.push(message.location ? place(message.location) : element("div", { class: "text" }, marked(message, mine ? null : act)));
  inside.push(stamp(message));
  const made = element("article", { class: mine ? "bubble mine" : "bubble", "data-id": message.id, tabindex: "-1" }, [
    element("div", { class: "paper" }, inside),
  ]);
  if (message.buttons.length) made.append(keyboard(message, act, waiting));
  return made;
}

export function dayLine(at) {
  const day = new Date(at);
  const today = day.toDateString() === new Date().toDateString();
  const text = today ? t("today") : day.toLocaleDateString(locale(), { month: "long", day: "numeric", weekday: "short" });
  return element("p", { class: "day" }, [element("span", {}, [text])]);
}

/** Cuts the text where a span starts or ends and wraps each piece in all the spans around it. */
function marked(message, act) {
  const { text, entities } = message;
  const cuts = new Set([0, text.length]);
  for (const { offset, length } of entities) cuts.add(offset).add(offset + length);
  const edges = [...cuts].filter((edge) => edge <= text.length).sort((a, b) => a - b);
  return edges.slice(0, -1).map((start, index) => {
    const piece = text.slice(start, edges[index + 1]);
    const around = entities.filter(({ offset, length }) => offset <= start && start < offset + length);
    return around.reduceRight((inner, entity) => wrap(inner, entity, piece, act), document.createTextNode(piece));
  });
}

function wrap(inner, entity, piece, act) {
  if (entity.type === "bot_command" && act) {
    const button = element("button", { type: "button", class: "inline-command" }, [inner]);
    button.addEventListener("click", () => act.command(piece));
    return button;
  }
  const url = entity.type === "text_link" ? entity.url : entity.type === "url" ? piece : null;
  if (url && isWeb(url)) return element("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, [inner]);
  return Object.hasOwn(TAGS, entity.type) ? element(TAGS[entity.type], {}, [inner]) : inner;
}

function isWeb(url) {
  return /^https?:\/\//i.test(url);
}

function place({ lat, lon }) {
  return element("div", { class: "place" }, [
    element("span", { class: "pin", "aria-hidden": "true" }),
    element("span", {}, [element("strong", {}, [t("location")]), element("br"), `${lat.toFixed(5)}, ${lon.toFixed(5)}`]),
  ]);
}

function stamp(message) {
  const time = new Date(message.at).toLocaleTimeString(locale(), { hour: "2-digit", minute: "2-digit" });
  const text = message.edited_at ? `${t("edited")} ${time}` : time;
  return element("time", { class: "stamp", datetime: message.at }, [text]);
}

function keyboard(message, act, waiting) {
  const rows = message.buttons.map((row) => element("div", { class: "key-row" }, row.map((button) => key(message, button, act, waiting))));
  return element("div", { class: "keyboard" }, rows);
}

function key(message, button, act, waiting) {
  if (button.url) {
    if (!isWeb(button.url)) return element("span", { class: "key" }, [button.text]);
    const label = `${button.text} (${t("opens")})`;
    const link = { class: "key", href: button.url, target: "_blank", rel: "noopener noreferrer", "aria-label": label };
    return element("a", link, [button.text, element("span", { class: "out", "aria-hidden": "true" }, ["↗"])]);
  }
  const made = element("button", { type: "button", class: "key", "data-data": button.data }, [button.text]);
  if (waiting(message, button)) made.setAttribute("aria-busy", "true");
  made.addEventListener("click", () => act.press(message, button));
  return made;
}
