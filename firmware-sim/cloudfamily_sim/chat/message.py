"""What is in a chat: its person, the messages, their marked-up spans and their buttons."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

TEXT_LIMIT = 4096
LANGUAGES = ("zh-CN", "en")


@dataclass(frozen=True)
class ChatPerson:
    """Somebody with a phone. `role`: daughter, family, caregiver, volunteer, operator; `language`: zh-CN, en.

    Raises ValueError for a chat number that is not positive, a missing name or another language.
    """

    chat_id: int
    name: str
    role: str
    language: str

    def __post_init__(self) -> None:
        if self.chat_id <= 0 or not self.name:
            raise ValueError(f"a person needs a positive chat number and a name: {self}")
        if self.language not in LANGUAGES:
            raise ValueError(f"language is one of {', '.join(LANGUAGES)}: {self}")


@dataclass(frozen=True)
class Button:
    """An inline button: it either sends `data` (1 to 64 bytes) back to the bot or opens `url`."""

    text: str
    data: str | None = None
    url: str | None = None


Keyboard = tuple[tuple[Button, ...], ...]


@dataclass(frozen=True)
class Entity:
    """A span of a text in Telegram's words (bold, text_link, …); offset and length in UTF-16 units."""

    kind: str
    offset: int
    length: int
    url: str | None = None


@dataclass(frozen=True)
class Message:
    """One message as it is now; an edit makes a new value with the same id. Times are aware UTC.

    `location` is (latitude, longitude) in degrees. Ids grow over all chats and over restarts.
    """

    id: int
    chat_id: int
    from_bot: bool
    sent_at: datetime
    text: str = ""
    entities: tuple[Entity, ...] = ()
    buttons: Keyboard = ()
    location: tuple[float, float] | None = None
    edited_at: datetime | None = None

    @property
    def labels(self) -> list[str]:
        """The texts on the buttons, row by row."""
        return [button.text for row in self.buttons for button in row]

    def button(self, label: str) -> Button:
        """The first button whose text contains the label. Raises LookupError."""
        found = self.find(lambda button: label in button.text)
        if found is None:
            raise LookupError(f"no button {label!r} among {self.labels} under {self.text!r}")
        return found

    def find(self, fits: Callable[[Button], bool]) -> Button | None:
        return next((button for row in self.buttons for button in row if fits(button)), None)


@dataclass(frozen=True)
class Answer:
    """What answerCallbackQuery showed: a toast, or with `alert` a box to close. The text may be empty."""

    query_id: str
    message_id: int
    data: str
    text: str
    alert: bool
