"""Both languages say the same things, and every text that the code asks for is there."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest

from cloudfamily import composition
from cloudfamily_platform import alerts
from cloudfamily_platform.alerts.rules import hazard, signals
from cloudfamily_platform.core import errors, texts
from cloudfamily_platform.web.context import WrongCsrf

PLATFORM = Path(alerts.__file__).parents[1]
PACKAGES = ["cloudfamily_platform.core", *composition.SPEAKING]


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize("package", PACKAGES)
def test_both_languages_have_the_same_keys_and_placeholders(package: str) -> None:
    assert package in texts.PACKAGES
    chinese, english = (dict(texts.of_package(package, language)) for language in texts.LANGUAGES)
    assert {key: placeholders(text) for key, text in chinese.items()} == {key: placeholders(text) for key, text in english.items()}
    assert all(text.strip() for text in (*chinese.values(), *english.values()))


def test_no_chinese_in_english() -> None:
    assert [key for key, text in texts.catalogue("en").items() if re.search(r"[一-鿿]", text)] == []


def literals(folder: Path) -> Iterator[str]:
    """Every string in the code, f-strings up to their first value."""
    for file in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


def test_every_whole_key_in_the_code_exists() -> None:
    known = texts.catalogue("en")
    groups = {key.split(".")[0] for key in known}
    said = {text for text in literals(PLATFORM) if re.fullmatch(r"[a-z]+(\.[a-z_]+)+", text) and text.split(".")[0] in groups}
    assert {"chat.offer", "chat.card.elder", "chat.welcome", "button.confirm_visit"} <= said
    assert said - set(known) == set()


def events_in_code() -> set[str]:
    """The kinds with which the timeline is written: first argument of Event, third of add_event, second of deliver's noted, fourth of respond's progress."""
    found: set[str] = set()
    for file in PLATFORM.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, (ast.Attribute, ast.Name)):
                name = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id
                place = {"Event": 0, "add_event": 2, "noted": 1, "progress": 3}.get(name)
                if place is not None and len(node.args) > place and not isinstance(node.args[place], ast.Call):  # a routine's events are other ones
                    found |= {one.value for one in ast.walk(node.args[place]) if isinstance(one, ast.Constant) and isinstance(one.value, str)}
    return found


def test_every_event_of_a_timeline_has_its_sentence() -> None:
    kinds = events_in_code() | {"on_the_way", "there", "released", "replaced"}
    assert {"opened", "pressed_again", "told", "not_told", "offered", "offer_lapsed", "accepted", "declined"} <= kinds
    assert {"no_responder", "escalated", "reopened", "resolved", "note"} <= kinds
    assert {f"event.{kind}" for kind in kinds} <= set(texts.catalogue("en"))


def test_every_hazard_has_its_words_open_and_masked() -> None:
    kinds = [*signals.SEVERITY, *hazard.SILENCES]
    whys = [signals.judge(kind, {}, "x").why for kind in (*signals.SEVERITY, "gibberish")] + [*hazard.SILENCES, "not_up_in_bed", "geofence", "news2"]
    wanted = [*(f"alert.kind.{kind}" for kind in kinds), *(f"alert.why.{why}" for why in whys), *(f"alert.why.{kind}_masked" for kind in kinds)]
    assert set(wanted) <= set(texts.catalogue("en"))
    assert not [key for key in wanted if key.endswith("_masked") and placeholders(texts.catalogue("en")[key])]


def test_every_refusal_has_its_sentence() -> None:
    for kind in (errors.Refusal, *errors.Refusal.__subclasses__()):
        assert f"error.{kind.code}" in texts.catalogue("en")
    assert WrongCsrf.code == "csrf"


def test_every_state_outcome_and_reason_has_its_words() -> None:
    wanted = [
        *(f"chat.state.{state}" for state in ("open", "accepted", "on_the_way", "there", "resolved")),
        *(f"{where}.{outcome}" for where in ("outcome", "button.resolve") for outcome in ("real", "false_alarm", "test")),
        *(f"reason.{reason}" for reason in ("no_channel", "refused", "failed")),
        *(f"chat.news.{news}" for news in ("accepted", "on_the_way", "there", "resolved", "taken", "confirm_visit")),
    ]
    assert set(wanted) <= set(texts.catalogue("zh-CN"))


def test_saying() -> None:
    assert texts.say("en", "chat.taken", by="Wei") == "Wei already has it. Thank you."
    assert texts.say("en", "chat.card.address", address="1 Road", key="1234#") == "Address: 1 Road\nKey code: 1234#"
    with pytest.raises(KeyError, match="by"):
        texts.say("en", "chat.taken")
    with pytest.raises(KeyError, match=r"chat\.nothing"):
        texts.say("en", "chat.nothing")
    with pytest.raises(KeyError, match="fr"):
        texts.say("fr", "chat.taken", by="Wei")


def test_a_component_may_not_say_what_another_says_already(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(texts, "PACKAGES", [*texts.PACKAGES, "cloudfamily_platform.core"])
    texts.catalogue.cache_clear()
    with pytest.raises(ValueError, match="two packages"):
        texts.catalogue("en")
    monkeypatch.undo()
    texts.catalogue.cache_clear()
    texts.register("cloudfamily_timebank")
    assert texts.PACKAGES.count("cloudfamily_timebank") == 1
