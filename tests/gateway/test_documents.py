"""What firmware authors read is what the decoder does: the protocol, its JSON Schema, the table of devices."""

from __future__ import annotations

import inspect
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from cloudfamily_gateway import dialects, ingest, wire
from cloudfamily_gateway.dialects import common, own, senml, words, zigbee2mqtt
from cloudfamily_platform.alerts.rules import signals
from cloudfamily_platform.core import quantity
from cloudfamily_platform.people import command, quarantine

ROOT = Path(__file__).parents[2]
MIGRATION = "platform/cloudfamily_platform/migrations/0010_command.sql"
PROTOCOL, DEVICES = ((ROOT / "docs" / name).read_text(encoding="utf-8") for name in ("protocol.md", "devices.md"))
SCHEMA = json.loads((ROOT / "docs" / "protocol.schema.json").read_text(encoding="utf-8"))
MESSAGES = {
    "reading": own.ReadingMessage,
    "signal": own.SignalMessage,
    "info": own.InfoMessage,
    "report": own.ReportMessage,
    "answer": wire.Answer,
    "command": wire.Command,
}
#: What the platform says and a device hears.
OURS = ("answer", "command")
ANSWERS = re.findall(r"'(\w+)'", re.findall(r"answer IN \((.*?)\)", (ROOT / MIGRATION).read_text(encoding="utf-8"))[0])
AT = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
KINDS = [kind for kind in (*signals.SEVERITY, *signals.NO_HAZARD) if kind not in own.NOT_FOR_DEVICES]
TYPES = {"object": dict, "string": str, "number": (int, float), "integer": int, "boolean": bool, "null": type(None)}


def table(text: str, heading: str) -> list[list[str]]:
    """The cells below the header row that begins with `heading`."""
    lines = text.split(f"| {heading} |", 1)[1].splitlines()[2:]
    rows = lines[: next(i for i, line in enumerate([*lines, ""]) if not line.startswith("|"))]
    return [[cell.strip().strip("`") for cell in row.strip("|").split("|")] for row in rows]


def fits(said: Any, schema: dict[str, Any]) -> bool:
    """As much of JSON Schema as ours uses; an unknown word in it is an error."""
    rest = {name: word for name, word in schema.items() if name not in ("title", "description", "default")}
    if ref := rest.pop("$ref", None):
        return fits(said, SCHEMA["$defs"][ref.removeprefix("#/$defs/")])
    if several := rest.pop("anyOf", None):
        return any(fits(said, one) for one in several)
    if "type" not in rest:
        return said in rest["enum"]
    names = rest.pop("type")
    types = [TYPES[name] for name in ([names] if isinstance(names, str) else names)]
    if (isinstance(said, bool) and bool not in types) or not any(isinstance(said, one) for one in types):
        return False
    if isinstance(said, dict):
        properties, others = rest.pop("properties"), rest.pop("additionalProperties", True)
        enough = len(said) >= rest.pop("minProperties", 0) and all(name in said for name in rest.pop("required", []))
        fine = enough and all(fits(value, properties[name]) if name in properties else others for name, value in said.items())
    elif isinstance(said, str):
        fine = said in rest.pop("enum", [said]) and (rest.pop("format", "") != "date-time" or is_time(said))
        fine = fine and rest.pop("minLength", 0) <= len(said) <= rest.pop("maxLength", len(said)) and bool(re.search(rest.pop("pattern", ""), said))
    else:
        fine = said is None or isinstance(said, bool) or rest["minimum"] <= said <= rest["maximum"]
    assert not set(rest) - {"properties", "required", "minimum", "maximum", "enum", "format", "minLength", "maxLength", "pattern"}, rest
    return fine


def is_time(said: str) -> bool:
    try:
        return "T" in said and datetime.fromisoformat(said).tzinfo is not None
    except ValueError:
        return False


# The schema


def test_the_schema_names_the_fields_of_the_decoder() -> None:
    for name, message in MESSAGES.items():
        fields = {field.encode_name: field.required for field in msgspec.structs.fields(message)}
        assert set(SCHEMA["$defs"][name]["properties"]) == set(fields)
        assert set(SCHEMA["$defs"][name].get("required", [])) == {field for field, required in fields.items() if required}


def test_the_schema_names_the_quantities_kinds_and_answers() -> None:
    values = SCHEMA["$defs"]["reading"]["properties"]["values"]["properties"]
    assert {name: (one["minimum"], one["maximum"]) for name, one in values.items()} == {
        one.name: (one.lowest, one.highest) for one in common.QUANTITIES.values()
    }
    assert SCHEMA["$defs"]["signal"]["properties"]["kind"]["enum"] == KINDS
    assert SCHEMA["$defs"]["answer"]["properties"]["answer"]["enum"] == ANSWERS
    assert SCHEMA["$defs"]["command"]["properties"]["do"]["enum"] == list(command.DO)


def test_the_schema_names_the_parameters_and_limits_of_each_command() -> None:
    for do, kind in command.DO.items():
        assert SCHEMA["$defs"][do] == msgspec.json.schema(kind)["$defs"][kind.__name__]


times = some.sampled_from(["2026-11-23T08:00:00Z", "2026-11-23T08:00:00.123+08:00", "2026-11-23T08:00:00", "now", 5, None, True])
numbers = some.sampled_from([0, 1, -1, 2**53 - 1, 2**53, 2**64, 1.5, "1", None, True])
values = some.dictionaries(some.sampled_from([*quantity.BY_NAME, "mood"]), some.sampled_from([0, 1, 0.5, 85, 101, -41, 1e9, "1", None, True]), max_size=3)
messages = some.fixed_dictionaries(
    {}, optional={"t": times, "seq": numbers, "kind": some.sampled_from([*KINDS, *own.NOT_FOR_DEVICES, "S O S", "", 1, None]), "values": values, "x": numbers}
)
reports = some.fixed_dictionaries(
    {},
    optional={
        "id": numbers,
        "state": some.sampled_from(["delivered", "done", "failed", "sent", 1, None]),
        "detail": some.sampled_from(["", "x" * 200, "x" * 201, 1]),
    },
)


@settings(max_examples=300, deadline=None)
@given(name=some.sampled_from(["reading", "signal", "report"]), said=messages | reports | some.just([]) | values)
def test_what_fits_the_schema_is_what_the_decoder_takes_without_a_fault(name: str, said: Any) -> None:
    decoded = dialects.decode(wire.Frame(f"cf/v1/d/{name}", json.dumps(said).encode(), AT))
    assert fits(said, SCHEMA["$defs"][name]) == (not decoded.faults), decoded.faults


def test_an_unknown_kind_does_not_fit_the_schema_and_is_an_alarm_all_the_same() -> None:
    assert not fits({"kind": "earthquake"}, SCHEMA["$defs"]["signal"])
    (signal,) = dialects.decode(wire.Frame("cf/v1/d/signal", b'{"kind":"earthquake"}', AT)).signals
    assert signals.judge(signal.kind, signal.detail, "d").severity == "critical"


# The pages


def test_every_example_of_the_protocol_holds() -> None:
    examples = re.findall(r"^(cf/v1/[^/ ]+/(\w+)) +(\{.*\})$", PROTOCOL, re.MULTILINE)
    assert {name for _, name, _ in examples} == set(MESSAGES)
    (report,) = re.findall(r"^(cf/v1/[^/ ]+/senml) +(\[.*\])$", PROTOCOL, re.MULTILINE)
    decoded = dialects.decode(wire.Frame(report[0], report[1].encode(), AT))
    assert (len(decoded.readings), decoded.faults) == (3, ())
    for topic, name, payload in examples:
        assert fits(json.loads(payload), SCHEMA["$defs"][name]), payload
        if name in OURS:
            assert json.loads(wire.encode(msgspec.json.decode(payload, type=MESSAGES[name]))) == json.loads(payload)
        else:
            decoded = dialects.decode(wire.Frame(topic, payload.encode(), AT))
            assert decoded.readings or decoded.signals or decoded.announcements or decoded.reports
            assert decoded.faults == ()


def test_the_tables_of_the_protocol_are_the_code() -> None:
    quantities = [[one.name, one.unit or "1 = somebody moves", f"{one.lowest:g}", f"{one.highest:.9g}"] for one in common.QUANTITIES.values()]
    assert table(PROTOCOL, "quantity | unit | from | to") == quantities
    kinds = table(PROTOCOL, "kind | what happened | severity")
    assert [(kind, severity) for kind, _, severity in kinds] == [(kind, signals.SEVERITY.get(kind, "none")) for kind in KINDS]
    assert [row[0] for row in table(PROTOCOL, "answer | when | what a device may do")] == SCHEMA["$defs"]["answer"]["properties"]["answer"]["enum"]
    lives = {"1 min": 1, "2 min": 2, "10 min": 10, "1 d": 1440}
    commands = {row[0]: lives[row[3]] for row in table(PROTOCOL, "do | params | what the device does | lives")}
    assert commands == {do: kind.lives.total_seconds() / 60 for do, kind in command.DO.items()}
    source = "".join(path.read_text(encoding="utf-8") for path in (Path(ingest.__file__), *Path(dialects.__file__).parent.glob("*.py")))
    reasons = set(re.findall(r'(?:Fault|fault)\("(\w+)"|details\["(\w+)"\]', source))
    assert {row[0] for row in table(PROTOCOL, "reason in quarantine | what it means")} == {one or other for one, other in reasons}


@pytest.mark.parametrize(
    "figure",
    [
        f"at most {wire.LARGEST:,} bytes",
        f"more than {wire.LARGEST:,} bytes",
        f"at most {ingest.AHEAD.total_seconds() / 60:g} minutes ahead, at most {ingest.BEHIND.total_seconds() / 3600:g} hours behind",
        f"`battery` at or below {common.BATTERY_LOW_PERCENT} tells",
        f"0 to {2**53 - 1}",
    ],
)
def test_the_figures_of_the_protocol_are_the_code(figure: str) -> None:
    assert figure in PROTOCOL


def test_the_table_of_families_is_the_code() -> None:
    rows = table(DEVICES, "topics | family | file | described in")
    assert {row[1]: row[2] for row in rows} == {name: str(Path(inspect.getfile(decoder)).relative_to(ROOT)) for decoder, name in dialects.FAMILIES.items()}
    for topics, family, _, _ in rows:
        for topic in topics.split("`, `"):
            assert dialects.family_of(re.sub("<.*?>", "x", topic)) == family, topic


def test_the_fields_words_and_commands_of_devices_are_the_code() -> None:
    fields = {field for row in table(DEVICES, "field | becomes") for field in row[0].split("`, `")}
    assert fields == zigbee2mqtt.FIELDS | {"last_seen"}
    for heading, known in (("measures | a number whose name has", words.MEASURES), ("is so or not | a state whose name has", words.STATES)):
        assert table(DEVICES, heading) == [[name, ", ".join(sorted(said))] for name, said in known]
    for said in (words.ELSEWHERE, words.ABOUT):
        assert ", ".join(sorted(said)) in DEVICES
    heading = ["siren", "light", "test", "interval", "voice"]
    for family, *cells in table(DEVICES, "family | " + " | ".join(heading)):
        assert [bool(cell) for cell in cells] == [dialects.encode_command(family, "x", do, {"minutes": 5}) is not None for do in heading], family
    assert {row[0] for row in table(DEVICES, "family | " + " | ".join(heading))} == set(dialects.COMMANDS)


def test_the_units_of_a_report_are_the_code() -> None:
    known = {
        quantity: set(units.split("`, `"))
        for row in table(PROTOCOL, "quantity | units")
        for quantity, units in ((name, row[1]) for name in row[0].split("`, `"))
    }
    states = {name: known.pop(name) for name in senml.STATES}
    assert known == {name: set(units) for name, units in senml.UNITS.items()}
    assert all(next(iter(units)).startswith("none") for units in states.values())


def test_the_table_of_quantities_is_the_code() -> None:
    moves = {True: "yes", False: ""}
    known = [[str(q.number), q.name, q.unit, f"{q.lowest:g}", f"{q.highest:.9g}", moves[q.number in quantity.MOVEMENT]] for q in quantity.ALL]
    assert table(DEVICES, "number | name | unit | from | to | shows that somebody moves") == known
    assert re.findall(r"`(\w+)`", DEVICES.split("one of these kinds:")[1].split(". ")[0]) == list(quarantine.KINDS)
