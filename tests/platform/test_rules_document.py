"""docs/rules.md says what the code does: every kind with its severity, every limit, every setting."""

from __future__ import annotations

import re
from pathlib import Path

from cloudfamily_platform.alerts import vigil
from cloudfamily_platform.alerts.rules import hazard, signals
from cloudfamily_platform.alerts.rules.sense import Span
from cloudfamily_platform.people import vitals

PAGE = (Path(__file__).parents[2] / "docs" / "rules.md").read_text(encoding="utf-8")


def table(heading: str) -> list[list[str]]:
    lines = PAGE.split(f"| {heading} |", 1)[1].splitlines()[2:]
    rows = lines[: next(i for i, line in enumerate([*lines, ""]) if not line.startswith("|"))]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def test_every_limit_is_on_the_page() -> None:
    said = {}
    for name, *limits, _source in table("quantity | low | high | urgent low | urgent high | source"):
        said[name.split("`")[1] + (" 2" if "scale 2" in name else "")] = [float(one) if one else None for one in limits]
    known = {name: vitals.limits(name) for name in vitals.DEFAULTS} | {"spo2 2": vitals.limits("spo2", vitals.Own(scale=2))}
    assert said == {name: [one.low, one.high, one.urgent_low, one.urgent_high] for name, one in known.items()}


def test_every_kind_is_on_the_page_with_its_severity() -> None:
    for kinds, _, severity, _ in table("kind | what it sees | severity | to change it"):
        for kind in re.findall(r"`(\w+)`", kinds):
            if kind != "_urgent":
                assert signals.SEVERITY[kind] == severity
    assert {f"`{kind}`" for kind in signals.SEVERITY if not kind.endswith("_urgent")} <= set(re.findall(r"`\w+`", PAGE))
    assert set(hazard.SILENCES.values()) == {"high"}
    assert [row[0].strip("`") for row in table("kind | what it sees | settings | on by itself")] == ["no_movement", *vigil.RULES]


def test_every_setting_is_on_the_page_with_its_usual_value() -> None:
    for kind, _, settings, on in table("kind | what it sees | settings | on by itself")[1:]:
        rule = vigil.RULES[kind.strip("`")]
        found = dict(re.findall(r"`(\w+)`(?: ([\d:]+))?", settings))
        known = {name: (f"{one.usual:g}" if isinstance(one, Span) else one.usual) or "" for name, one in rule.settings.items()}
        assert found == known
        assert rule.usual == (not on.startswith("no"))
    assert set(vigil.RULES) <= set(hazard.SILENCES)
