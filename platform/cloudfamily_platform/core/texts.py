"""The one catalogue of texts that the server says to people: `texts/<language>.toml`, keys joined by dots."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import Any

LANGUAGES = ("zh-CN", "en")
#: The packages whose `texts/` make up the catalogue; the composition root adds the other components'.
PACKAGES = [__package__]


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
    return catalogue(language)[key].format(**params)
