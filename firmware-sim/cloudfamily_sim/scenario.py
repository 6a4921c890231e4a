"""Short stories as YAML: what happens in a few homes, minute by minute. README.md has the words; scenarios/ has examples.

Reading one gives a `Story` or a `BadStory` that says in which line what is wrong, and what may stand there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import NoReturn, cast, get_args

import yaml

from cloudfamily_sim import faults
from cloudfamily_sim.devices import VITALS
from cloudfamily_sim.encode import SignalKind
from cloudfamily_sim.fleet import USUAL, Kind

FOLDER = Path(__file__).with_name("scenarios")
LARGEST_BYTES = 64 * 1024
MOST_STEPS, MOST_HOMES = 500, 10_000
ONE_DAY = timedelta(days=1)
#: What may be done: the fields that it needs, and those that it may have beside `at`, `home` and `device`.
WORDS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "call": (("device",), ("kind",)),
    "move": (("device",), ()),
    "open": (("device",), ()),
    "close": (("device",), ()),
    "still": (("for",), ()),
    "offline": ((), ()),
    "online": ((), ()),
    "die": ((), ()),
    "battery": (("device", "percent"), ()),
    "measure": (("device", "quantity", "value"), ()),
    "fault": (("fault",), ()),
    "heal": ((), ()),
}
STORY_WORDS = ("title", "begins", "homes", "devices", "steps")
STEP_WORDS = ("at", "do", "home", "device", "kind", "for", "percent", "fault", "quantity", "value")
KINDS: tuple[str, ...] = get_args(Kind)
SIGNALS: tuple[str, ...] = get_args(SignalKind)
#: Which devices can do what.
CALLERS = ("button", "smoke", "gas", "water", "fall")
FIT: Mapping[str, tuple[str, ...]] = {
    "call": CALLERS,
    "move": tuple(kind for kind in KINDS if kind.startswith("motion")),
    "open": ("door",),
    "close": ("door",),
    "measure": ("wearable",),
}


class BadStory(ValueError):
    """A story that cannot be played; the text names the line."""


@dataclass(frozen=True, kw_only=True)
class Step:
    #: After the story's beginning.
    at: timedelta
    do: str
    #: From 1; None: every home.
    home: int | None = 1
    #: None: every device of the home.
    device: str | None = None
    kind: str | None = None
    lasts: timedelta = timedelta(0)
    percent: float = 100.0
    fault: str = ""
    quantity: str = ""
    value: float = 0.0

    def text(self, begins: timedelta) -> str:
        """`03:17:00 home 1: button, call fall`"""
        seconds = int((begins + self.at).total_seconds()) % 86_400
        clock = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
        measured = {"battery": f"{self.percent:g} %", "measure": f"{self.quantity} {self.value:g}"}
        more = self.kind or self.fault or measured.get(self.do, "")
        return f"{clock} {'every home' if self.home is None else f'home {self.home}'}: {f'{self.device}, ' if self.device else ''}{self.do} {more}".rstrip()


@dataclass(frozen=True)
class Story:
    title: str
    #: Of the local day at which it begins.
    begins: timedelta
    homes: int
    devices: tuple[Kind, ...]
    steps: tuple[Step, ...]

    @property
    def lasts(self) -> timedelta:
        """Until its last step."""
        return self.steps[-1].at


def names() -> list[str]:
    """The stories that come with the simulation."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def load(name: str) -> Story:
    """One of `names()`, or a file. Raises BadStory; FileNotFoundError does not leave here."""
    path = FOLDER / f"{name}.yaml" if re.fullmatch(r"[a-z0-9_-]+", name) else Path(name)
    try:
        with path.open("rb") as file:
            text = file.read(LARGEST_BYTES + 1)
    except OSError as error:
        raise BadStory(f"{name}: {error.strerror}; the stories at hand are {', '.join(names())}") from error
    if len(text) > LARGEST_BYTES:
        raise BadStory(f"{name}: more than {LARGEST_BYTES} bytes")
    return read(text, path.name)


def read(text: str | bytes, where: str = "story") -> Story:
    try:
        node = yaml.compose(text, yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise BadStory(f"{where}, line {line}: {error.problem or error}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise BadStory(f"{where}: {error}") from error
    return Reader(where).story(node)


class Reader:
    def __init__(self, where: str) -> None:
        self.where = where

    def story(self, node: yaml.Node | None) -> Story:
        if node is None:
            raise BadStory(f"{self.where}, line 1: nothing is here; a story has {', '.join(STORY_WORDS)}")
        found = self.mapping(node, STORY_WORDS, needed=("title", "begins", "steps"))
        begins = self.clock(found["begins"])
        homes = int(self.number(found["homes"], 1, MOST_HOMES)) if "homes" in found else 1
        kinds = tuple(cast(Kind, self.one_of(one, KINDS)) for one in self.sequence(found["devices"])) if "devices" in found else USUAL
        steps = self.sequence(found["steps"])
        if not 1 <= len(steps) <= MOST_STEPS:
            self.fail(found["steps"], f"{len(steps)} steps; a story has 1 to {MOST_STEPS}")
        read = [self.step(step, begins, homes, kinds) for step in steps]
        for (before, _), (after, node_) in pairwise(read):
            if after.at < before.at:
                self.fail(node_, "this is before the step above it; write the steps in order, and past midnight go on with 00:00")
        return Story(self.text(found["title"]), begins, homes, kinds, tuple(step for step, _ in read))

    def step(self, node: yaml.Node, begins: timedelta, homes: int, kinds: Sequence[str]) -> tuple[Step, yaml.Node]:
        found = self.mapping(node, STEP_WORDS, needed=("at", "do"))
        do = self.one_of(found["do"], tuple(WORDS))
        needs, allows = WORDS[do]
        for name in found:
            if name not in ("at", "do", "home", "device", *needs, *allows):
                self.fail(found[name], f"{do!r} has no {name!r}; beside at, home and device it has {', '.join((*needs, *allows)) or 'nothing'}")
        for name in needs:
            if name not in found:
                self.fail(node, f"{do!r} needs {name!r}")
        at = self.clock(found["at"]) - begins
        return Step(
            at=at if at >= timedelta(0) else at + ONE_DAY,
            do=do,
            home=self.home(found["home"], homes) if "home" in found else 1,
            device=self.one_of(found["device"], tuple(kind for kind in FIT.get(do, KINDS) if kind in kinds)) if "device" in found else None,
            kind=self.one_of(found["kind"], SIGNALS) if "kind" in found else None,
            lasts=self.duration(found["for"]) if "for" in found else timedelta(0),
            percent=self.number(found["percent"], 0, 100) if "percent" in found else 100.0,
            fault=self.one_of(found["fault"], faults.NAMES) if "fault" in found else "",
            quantity=self.one_of(found["quantity"], VITALS) if "quantity" in found else "",
            value=self.number(found["value"], 0, 350) if "value" in found else 0.0,
        ), node

    def home(self, node: yaml.Node, homes: int) -> int | None:
        return None if self.text(node) == "all" else int(self.number(node, 1, homes, "or all"))

    def mapping(self, node: yaml.Node, words: Sequence[str], needed: Sequence[str]) -> dict[str, yaml.Node]:
        if not isinstance(node, yaml.MappingNode):
            self.fail(node, f"here stand {', '.join(words)}, each with a colon")
        found: dict[str, yaml.Node] = {}
        for name, value in node.value:
            word = self.one_of(name, words)
            if word in found:
                self.fail(name, f"{word!r} stands here twice")
            found[word] = value
        for word in needed:
            if word not in found:
                self.fail(node, f"{word!r} is missing")
        return found

    def sequence(self, node: yaml.Node) -> list[yaml.Node]:
        if not isinstance(node, yaml.SequenceNode):
            self.fail(node, "here stands a list, each line with a dash")
        return list(node.value)

    def text(self, node: yaml.Node) -> str:
        if not isinstance(node, yaml.ScalarNode) or not node.value.strip():
            self.fail(node, "here stands a word or a sentence")
        return str(node.value)

    def one_of(self, node: yaml.Node, words: Sequence[str]) -> str:
        if (word := self.text(node)) not in words:
            self.fail(node, f"{word!r} is not known here; it may be {', '.join(words) or 'nothing, as this home has no such device'}")
        return word

    def number(self, node: yaml.Node, least: float, most: float, more: str = "") -> float:
        text = self.text(node)
        if not re.fullmatch(r"\d{1,9}(\.\d{1,3})?", text) or not least <= float(text) <= most:
            self.fail(node, f"{text!r}: write a number from {least:g} to {most:g} {more}".rstrip())
        return float(text)

    def clock(self, node: yaml.Node) -> timedelta:
        text = self.text(node)
        found = re.fullmatch(r"([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?", text)
        if found is None:
            self.fail(node, f"{text!r}: write a time of the day like 03:12 or 03:12:30")
        hours, minutes, seconds = (int(part or 0) for part in found.groups())
        return timedelta(hours=hours, minutes=minutes, seconds=seconds)

    def duration(self, node: yaml.Node) -> timedelta:
        text = self.text(node)
        found = re.fullmatch(r"(\d{1,5})([smh])", text)
        if found is None:
            self.fail(node, f"{text!r}: write a time like 30s, 20m or 2h")
        return int(found[1]) * {"s": timedelta(seconds=1), "m": timedelta(minutes=1), "h": timedelta(hours=1)}[found[2]]

    def fail(self, node: yaml.Node, sentence: str) -> NoReturn:
        raise BadStory(f"{self.where}, line {node.start_mark.line + 1}: {sentence}")
