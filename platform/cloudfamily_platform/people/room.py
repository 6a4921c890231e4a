"""Rooms: where a device is, as far as its name says it. Pure."""

from __future__ import annotations

import re

ROOMS = ("living", "bedroom", "bathroom", "kitchen", "hall", "balcony", "other")
#: The first line of which a word is in a name says the room: a fridge stands in the kitchen, and the bedroom's bathroom is a bathroom.
WORDS = (
    ("bathroom", re.compile(r"bath|toilet|shower|(?<![a-z])wc(?![a-z])|卫生间|浴室|厕所|洗手间|淋浴", re.IGNORECASE)),
    ("kitchen", re.compile(r"kitchen|fridge|stove|cooker|厨房|冰箱|灶", re.IGNORECASE)),
    ("bedroom", re.compile(r"bedroom|(?<![a-z])bed(?![a-z])|卧室|主卧|次卧|床", re.IGNORECASE)),
    ("living", re.compile(r"living|lounge|sitting|客厅|起居", re.IGNORECASE)),
    ("balcony", re.compile(r"balcony|阳台", re.IGNORECASE)),
    ("hall", re.compile(r"(?<![a-z])(hall|hallway|corridor|entrance|front)(?![a-z])|门厅|玄关|走廊|入户|大门", re.IGNORECASE)),
)


def infer(*names: str | None) -> str | None:
    """The room that a device's names (its own, its code, its kind) tell of; None: they do not."""
    said = " ".join(name for name in names if name)
    return next((room for room, words in WORDS if words.search(said)), None)
