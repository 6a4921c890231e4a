"""Both languages say the same things."""

from __future__ import annotations

from string import Formatter

from cloudfamily_platform.core import texts
from cloudfamily_timebank import ledger


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def test_both_languages_have_the_same_keys_and_placeholders() -> None:
    chinese, english = (dict(texts.of_package("cloudfamily_timebank", language)) for language in texts.LANGUAGES)
    assert {key: placeholders(text) for key, text in chinese.items()} == {key: placeholders(text) for key, text in english.items()}


def test_every_refusal_and_every_kind_of_transfer_has_its_text(catalogue: None) -> None:
    kinds = ("credit", "honour", "overflow", "gift", "donation", "correction")
    for language in texts.LANGUAGES:
        for key in [
            *(f"error.{code}" for code in ledger.REFUSALS),
            *(f"timebank.kind.{kind}" for kind in kinds),
        ]:
            assert texts.say(language, key)


def test_nothing_sounds_like_money(catalogue: None) -> None:
    for language, words in {
        "zh-CN": ("银行", "货币", "利息", "元"),
        "en": ("bank", "coin", "interest"),
    }.items():
        for key, text in texts.of_package("cloudfamily_timebank", language):
            assert not [word for word in words if word in text.lower()], key
