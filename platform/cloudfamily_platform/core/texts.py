"""The one catalogue of texts that the server says to people: `texts/<language>.toml`, keys joined by dots."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any, NamedTuple

LANGUAGES = ("zh-CN", "en")
#: The packages whose `texts/` make up the catalogue; the composition root adds the other components'.
PACKAGES = [__package__]


class Text(NamedTuple):
    """A sentence in no language yet: it can be the parameter of another, or one of a list of them."""

    key: str
    params: Mapping[str, object] = MappingProxyType({})


def register(package: str) -> None:
    """Adds a component's texts to the catalogue, once, however often it is called."""
    if package not in PACKAGES:
        PACKAGES.append(package)
        catalogue.cache_clear()


@cache
def catalogue(language: str) -> dict[str, str]:
    """Every text of a language by key, with {name} placeholders.

    Raises KeyError for a language that we do not have, ValueError when two packages say the same key.
    """
    if language not in LANGUAGES:
        raise KeyError(language)
    found = [text for package in PACKAGES for text in of_package(package, language)]
    if len(dict(found)) != len(found):
        raise ValueError(f"{language}: a text's key stands in two packages of {PACKAGES}")
    return dict(found)


def of_package(package: str, language: str) -> list[tuple[str, str]]:
    """The texts of one package, in the file's order."""
    text = (resources.files(package) / "texts" / f"{language}.toml").read_text(encoding="utf-8")
    return flatten(tomllib.loads(text), "")


def flatten(tree: dict[str, Any], prefix: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for key, value in tree.items():
        found += flatten(value, f"{prefix}{key}.") if isinstance(value, dict) else [(f"{prefix}{key}", value)]
    return found


def say(language: str, key: str, /, **params: object) -> str:
    """The text in the person's language. Raises KeyError for an unknown key or a missing parameter."""
    return catalogue(language)[key].format(**{name: said(language, value) for name, value in params.items()})


def said(language: str, value: object) -> object:
    """A parameter as it is said: a Text, and a list of them, in the language; anything else as it is."""
    if isinstance(value, Text):
        return say(language, value.key, **value.params)
    if isinstance(value, list) and value and all(isinstance(one, Text) for one in value):
        return " ".join(str(said(language, one)) for one in value)
    return value
