"""The two ways of saying no: to the bot as Telegram words it, to a person in both languages."""

from __future__ import annotations


class BotApiError(Exception):
    """A refused Bot API call: HTTP status, Telegram's own description, for 429 the seconds to wait."""

    def __init__(self, status: int, description: str, retry_after_s: int | None = None) -> None:
        super().__init__(description)
        self.status = status
        self.description = description
        self.retry_after_s = retry_after_s


class ChatRefusal(Exception):
    """Something that a person cannot do: HTTP status, a stable code, the reason in both languages."""

    def __init__(self, status: int, code: str, message: str, message_zh: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.message_zh = message_zh


def bad_request(description: str) -> BotApiError:
    return BotApiError(400, f"Bad Request: {description}")


def unknown_chat() -> ChatRefusal:
    return ChatRefusal(404, "unknown_chat", "There is nobody with this chat number.", "没有人用这个聊天号。")


def no_such_button() -> ChatRefusal:
    return ChatRefusal(409, "no_such_button", "This button is no longer there.", "这个按钮已经不在了。")


def bot_is_blocked() -> ChatRefusal:
    return ChatRefusal(409, "bot_is_blocked", "This person has blocked the bot.", "此人已屏蔽机器人。")


def text_is_empty() -> ChatRefusal:
    return ChatRefusal(400, "text_is_empty", "Please write something first.", "请先写点内容。")


def text_is_too_long(limit: int) -> ChatRefusal:
    return ChatRefusal(400, "text_is_too_long", f"A message has at most {limit} characters.", f"一条消息最多 {limit} 个字。")


def bot_is_away(limit: int) -> ChatRefusal:
    return ChatRefusal(
        503,
        "bot_is_away",
        f"The bot has not fetched the last {limit} messages; please try again later.",
        f"机器人还没有取走前面的 {limit} 条消息，请稍后再试。",
    )
