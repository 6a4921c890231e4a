// The page's own words, zh and en. What the bot and the people write is never translated.

const TEXTS = {
  zh: {
    title: "云家庭 · 聊天",
    note: "本机上的 Telegram：每个人一部手机",
    people: "家里家外的人",
    filter: "按姓名或角色查找",
    nobody: "没有找到这样的人。",
    welcome: "您想体验谁的手机？",
    welcomeMore: "选一个人，就能看到云家庭发给这个人的消息，也可以按按钮、回消息。可以多开几个窗口，每个窗口一个人。",
    open: "打开手机",
    back: "返回名单",
    jump: "有新消息",
    write: "写消息",
    placeholder: "写消息……",
    send: "发送",
    close: "知道了",
    commands: "常用命令",
    log: "聊天记录",
    empty: "还没有消息。点下面的 /start 和机器人打个招呼吧。",
    you: "您现在是 {name}（{role}）",
    edited: "已编辑",
    location: "位置",
    unread: "，{unread} 条未读",
    lost: "连接中断，正在重新连接……",
    failed: "没有送达，请再试一次。",
    silent: "机器人还没有回应。",
    opens: "在新窗口打开",
    today: "今天",
    botSays: "机器人",
    youSay: "您",
    language: "English",
    languageLabel: "Switch this page to English",
    group: {
      story: "故事里的人",
      family: "家人",
      caregiver: "护理员",
      volunteer: "志愿者",
      operator: "值班人员",
      other: "其他人",
    },
    role: { daughter: "女儿", family: "家人", caregiver: "护理员", volunteer: "志愿者", operator: "值班员" },
    command: { start: "开始", balance: "时间余额", help: "帮助" },
  },
  en: {
    title: "Cloud Family · Chat",
    note: "A Telegram of your own: one phone per person",
    people: "The people",
    filter: "Find by name or role",
    nobody: "Nobody fits this.",
    welcome: "Whose phone would you like to hold?",
    welcomeMore:
      "Choose a person to see what Cloud Family sends them, press its buttons and write back. Open several windows to be several people.",
    open: "Open the phone",
    back: "Back to the people",
    jump: "New messages",
    write: "Write a message",
    placeholder: "Write a message…",
    send: "Send",
    close: "OK",
    commands: "Quick commands",
    log: "Messages",
    empty: "No messages yet. Press /start below to say hello to the bot.",
    you: "You are {name} ({role})",
    edited: "edited",
    location: "Location",
    unread: ", {unread} unread",
    lost: "Connection lost, reconnecting…",
    failed: "Not delivered, please try again.",
    silent: "The bot has not answered yet.",
    opens: "opens in a new window",
    today: "Today",
    botSays: "Bot",
    youSay: "You",
    language: "中文",
    languageLabel: "将页面切换为中文",
    group: {
      story: "People of the story",
      family: "Family",
      caregiver: "Caregivers",
      volunteer: "Volunteers",
      operator: "Operators",
      other: "Others",
    },
    role: { daughter: "Daughter", family: "Family", caregiver: "Caregiver", volunteer: "Volunteer", operator: "Operator" },
    command: { start: "start", balance: "time balance", help: "help" },
  },
};

const KEY = "cloudfamily.chat.language";

function first() {
  const asked = new URLSearchParams(location.search).get("lang");
  const wanted = asked || recall(KEY) || navigator.language || "zh";
  return wanted.startsWith("zh") ? "zh" : "en";
}

let language = first();

export function currentLanguage() {
  return language;
}

export function switchLanguage() {
  language = language === "zh" ? "en" : "zh";
  remember(KEY, language);
}

/** A text by its path ("group.family"), with {placeholders} filled; the last part of the path if there is none. */
export function t(path, values = {}) {
  const text = path.split(".").reduce((node, part) => (node && Object.hasOwn(node, part) ? node[part] : undefined), TEXTS[language]);
  if (typeof text !== "string") return path.split(".").pop();
  return text.replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ""));
}

export function locale() {
  return language === "zh" ? "zh-CN" : "en-GB";
}

/** Storage may be switched off; the page then simply forgets. */
export function remember(key, value) {
  try {
    localStorage.setItem(key, value);
  } catch {
    /* nothing to be done */
  }
}

export function recall(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}
