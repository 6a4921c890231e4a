"""The `cloudfamily` command. What a command needs is imported when it runs: a hub has no memory for the whole product."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer
from pydantic import SecretStr, ValidationError

from cloudfamily.embedded.errors import StartError
from cloudfamily.roles import EDGE, ROLES
from cloudfamily_platform.core import logs
from cloudfamily_platform.core.settings import Settings

if TYPE_CHECKING:
    from cloudfamily.parts import Parts
    from cloudfamily.runner import Runner

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, help="Cloud Family: elders safe at home, neighbours' hours kept.")

if sys.argv[1:3] != ["run", EDGE]:  # a hub has little memory: nothing is loaded there that it does not need
    from cloudfamily import access

    app.add_typer(access.app, name="access")


def main() -> None:
    """Runs the command; what the user can mend comes as one sentence and exit code 1."""
    try:
        app()
    except Exception as error:
        sentence = mendable(error)
        if sentence is None:
            raise
        fail(sentence)


def mendable(error: Exception) -> str | None:
    """What the user can do about it, as a sentence; None: it is our mistake."""
    import psycopg

    from cloudfamily_platform.core import migrate

    if isinstance(error, StartError | migrate.MigrationError):
        return str(error)
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"Setting CF_{'_'.join(str(part) for part in first['loc']).upper()}: {first['msg']}. docs/settings.md lists all settings."
    if isinstance(error, FileNotFoundError):
        return f"{error.filename}: {error.strerror}."
    if isinstance(error, psycopg.OperationalError):
        return f"The database does not answer: {' '.join(str(error).split())}. Check CF_DATABASE_URL."
    return None


def fail(sentence: str) -> None:
    print(f"cloudfamily: {sentence}", file=sys.stderr)
    raise SystemExit(1)


@app.command()
def run(
    roles: Annotated[
        list[str] | None, typer.Argument(help=f"Any of {', '.join(ROLES)}; none: all of them, embedded parts and the demo. Or {EDGE}, alone, on a hub.")
    ] = None,
) -> None:
    """Start the product, until Ctrl-C."""
    settings = Settings()
    if roles == [EDGE]:
        from cloudfamily import hub

        hub.run(settings)
        return
    if EDGE in (roles or ()):
        raise StartError(f"The role {EDGE} runs alone, on a hub: start the others in a process of their own.")
    if unknown := set(roles or ()) - set(ROLES):
        raise StartError(f"There is no role {', '.join(sorted(unknown))}: the roles are {', '.join(ROLES)}.")
    from cloudfamily import composition, parts
    from cloudfamily_platform.core import migrate

    if roles and (settings.database_url is None or settings.mqtt_host is None):
        raise StartError("Single roles run against external parts: set CF_DATABASE_URL and CF_MQTT_HOST.")
    if settings.demo is None:
        settings = settings.model_copy(update={"demo": settings.database_url is None and not roles})
    configure_logs(settings)
    check_ports(settings, roles or ROLES)
    with parts.started(settings) as there:
        migrate.migrate(there.database_url, composition.MIGRATED)
        with parts.announced(settings.data_dir, there):
            asyncio.run(serve(settings, there, roles))


def configure_logs(settings: Settings) -> None:
    """On a terminal the status line has the screen, and the log a file beside the data."""
    if not sys.stdout.isatty():
        logs.configure(settings.log_level, settings.log_format)
        return
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        logs.configure(settings.log_level, settings.log_format, settings.data_dir / "cloudfamily.log")
    except OSError as error:
        raise StartError(
            f"The data folder {settings.data_dir} cannot be used ({error.strerror}): set CF_DATA_DIR to a folder that you may write to."
        ) from error


def check_ports(settings: Settings, roles: Any) -> None:
    from cloudfamily import parts

    if "web" in roles:
        parts.check_port(settings.web_host, settings.web_port, "the console", "CF_WEB_PORT")
    if local_chat(settings, roles):
        parts.check_port("127.0.0.1", settings.chat_port, "the local chat page", "CF_CHAT_PORT")


def local_chat(settings: Settings, roles: Any) -> bool:
    """Without a bot token, a complete system brings the local chat page."""
    return settings.telegram_token is None and bool(settings.demo) and set(roles) == set(ROLES)


async def serve(settings: Settings, there: Parts, roles: list[str] | None) -> None:
    from cloudfamily import demo, status
    from cloudfamily.runner import Runner

    living = bool(settings.demo) and set(roles or ROLES) == set(ROLES)
    local = local_chat(settings, roles or ROLES)
    await demo.prepare(there.database_url, demo=living, local_chat=local)
    chat, chat_url = None, None
    if local:
        chat, chat_url = await demo.start_chat(there.database_url, settings.chat_port)
        settings = settings.model_copy(update={"telegram_token": SecretStr("1:local"), "telegram_api": chat_url})
    runner = Runner(settings, there, roles or ROLES)
    beside: list[Callable[[Runner], Awaitable[object]]] = [demo.living(there)] if living else []

    async def greet(one: Runner) -> None:
        await one.ready.wait()
        ways = await demo.ways_in(there)
        print(status.welcome(there, chat_url, ways, settings.data_dir), flush=True)
        await status.live_line(one)

    try:
        await runner.run([*beside, greet])
    finally:
        if chat is not None:
            await chat.stop()


@app.command("press")
def press_button(
    home: Annotated[str, typer.Argument(help="Code of the home, such as WX-001.")],
    kind: Annotated[str, typer.Option(help="sos, fall, smoke, gas or water_leak.")] = "sos",
) -> None:
    """Press a home's emergency button on the running system."""
    from cloudfamily import parts, press

    settings = Settings()
    there = parts.running(settings)
    try:
        with press.button(there.broker, f"{home}-button", settings) as button:
            seconds = button.press(kind)
            print(f"received after {seconds * 1000:.0f} ms; waiting for somebody to come (Ctrl-C to stop waiting)")
            print("help is coming" if button.wait_for("help_is_coming", 120) else "nobody has accepted within two minutes; the alert goes on escalating")
    except (TimeoutError, OSError) as error:
        raise StartError(f"The button of {home} got no answer: {error}. Is the system running?") from error
    except KeyboardInterrupt:
        pass


@app.command("simulate")
def simulate_homes(
    homes: Annotated[int | None, typer.Option(help="How many homes, with five devices each; else 1000, or none beside a story.")] = None,
    rate: Annotated[float | None, typer.Option(help="Words a second of all devices together; else a word a minute from each.")] = None,
    seed: Annotated[int, typer.Option(help="The same seed says the same things.")] = 0,
    seconds: Annotated[float | None, typer.Option(help="Stop after so long; else at Ctrl-C, or when the story is over.")] = None,
    presses_per_minute: Annotated[float, typer.Option(help="Buttons pressed a minute. Each one calls for help.")] = 0.0,
    faults: Annotated[str, typer.Option(help="Such as drop=0.01,duplicate=0.02; firmware-sim/README.md names them all.")] = "",
    scenario: Annotated[str | None, typer.Option(help="A story: fall-at-night, power-cut, forgotten-door, or a YAML file of your own.")] = None,
    broker: Annotated[str | None, typer.Option(help="host:port of a broker; else that of the running system.")] = None,
    connections: Annotated[int, typer.Option(help="MQTT connections for the readings.")] = 4,
    homeassistant: Annotated[bool, typer.Option("--homeassistant", help="A story's devices announce themselves to Home Assistant.")] = False,
) -> None:
    """Play a whole city's devices, or a story in a few homes; a JSON line of counters at the end."""
    from cloudfamily import simulate

    wanted = simulate.Wanted(homes, rate, seed, seconds, presses_per_minute, faults, connections, scenario, homeassistant)
    simulate.simulate(Settings(), broker, wanted)


@app.command("replay")
def replay_recording(
    file: Annotated[Path, typer.Argument(help="The recording.")],
    form: Annotated[str, typer.Option("--format", help="casas or kasteren")] = "casas",
    map_file: Annotated[Path | None, typer.Option("--map", help="Names the sensors of a kasteren recording; else the .map beside it.")] = None,
    home: Annotated[str, typer.Option(help="Code of the home that it is played as.")] = "REPLAY",
    speed: Annotated[str, typer.Option(help="Seconds of the recording in one second, or max.")] = "max",
    cut: Annotated[str | None, typer.Option(help="Drop every event after this time, as if the person had fallen.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    zone: Annotated[str | None, typer.Option(help="The home's time zone; else CF_TIMEZONE.")] = None,
) -> None:
    """Play a recorded real home through the product, and print a line per alert and per state."""
    from cloudfamily import parts, replay

    settings = Settings()
    logs.configure("warning", "console")
    here = time_zone(zone or settings.timezone)
    cut_at = None if cut is None else replay.cut_time(cut, here)
    wanted = replay.Wanted(file=file, form=form, map_file=map_file, home=home_code(home), zone=here, speed=factor(speed), cut=cut_at, as_json=as_json)
    with parts.some_database(settings) as url:
        replay.play(url, wanted)


def home_code(text: str) -> str:
    if not text.isascii() or not text.replace("-", "").replace("_", "").isalnum() or len(text) > 20:
        raise StartError(f"--home {text!r}: a code has up to 20 letters, digits, - and _.")
    return text


def time_zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise StartError(f"There is no time zone {name!r}: write it like Asia/Shanghai.") from error


def factor(text: str) -> float | None:
    if text == "max":
        return None
    try:
        if (found := float(text)) > 0:
            return found
    except ValueError:
        pass
    raise StartError(f"--speed {text!r}: write a number above 0, or max.")


@app.command()
def canary(
    once: Annotated[bool, typer.Option("--once", help="One round; the only way for now.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Press the canary home's button and follow it to a balance; exit code 1 with the step that failed."""
    from cloudfamily import canary as canaries
    from cloudfamily import parts

    settings = Settings()
    made = canaries.Canary(parts.running(settings), settings)
    failed: canaries.Failed | None = None
    try:
        asyncio.run(made.once())
    except canaries.Failed as error:
        failed = error
    if as_json:
        print(json.dumps({"ok": failed is None, "steps": made.steps, "failed": failed.step if failed else None, "why": failed.why if failed else None}))
    else:
        for name, seconds in made.steps.items():
            print(f"{name:<22}{seconds * 1000:9.1f} ms")
        print(f"FAILED at {failed}" if failed else "ok")
    if failed:
        raise SystemExit(1)


check = typer.Typer(no_args_is_help=True, help="What somebody should see to before it matters.")
app.add_typer(check, name="check")


@check.command("devices")
def check_devices(
    weeks: Annotated[int, typer.Option(min=1, max=53, help="So many weeks of button tests, this one included.")] = 8,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """List silent devices, batteries that run out, and buttons without their weekly test."""
    from cloudfamily import check as checks
    from cloudfamily import parts

    settings = Settings()
    there = parts.running(settings)
    print(asyncio.run(checks.devices(there.database_url, weeks, time_zone(settings.timezone), as_json=as_json)))


@check.command("coverage")
def check_coverage(
    district: Annotated[str | None, typer.Option(help="Code of one district, such as wanxiu; else the whole city.")] = None,
    language: Annotated[str, typer.Option(help="en or zh-CN.")] = "en",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, in both languages.")] = False,
) -> None:
    """List what would go wrong at an alarm: empty shifts, people whom nothing reaches, homes nobody can be sent to. Exit code 1: something critical."""
    from cloudfamily import check as checks
    from cloudfamily import parts
    from cloudfamily_platform.core.texts import LANGUAGES

    if language not in LANGUAGES:
        raise StartError(f"--language {language!r}: the languages are {' and '.join(LANGUAGES)}.")
    settings = Settings()
    there, zone = parts.running(settings), time_zone(settings.timezone)
    said, is_critical = asyncio.run(checks.coverage(there.database_url, zone, district=district, language=language, as_json=as_json))
    print(said)
    if is_critical:
        raise SystemExit(1)


policy = typer.Typer(no_args_is_help=True, help="Who is told when: docs/policies.md.")
app.add_typer(policy, name="policy")


@policy.command("apply")
def apply_policies(
    file: Annotated[Path, typer.Argument(help="YAML or JSON: policies and neighbours of the city.")],
    check: Annotated[bool, typer.Option("--check", help="Only say what would change.")] = False,
) -> None:
    """Put a city's policies in force, and say what changes. What the file does not name stays as it is."""
    from datetime import UTC, datetime

    from cloudfamily import parts, policies

    there = parts.running(Settings())
    print(asyncio.run(policies.apply(there.database_url, file, datetime.now(UTC), check=check)))


@app.command("preview")
def preview_home(
    home: Annotated[str, typer.Argument(help="Code of the home, such as WX-001.")],
    kind: Annotated[str, typer.Option(help="Of the alarm: sos, fall, smoke, water_leak …")] = "sos",
    severity: Annotated[str | None, typer.Option(help="critical, high or low, for a kind that is not known to have one.")] = None,
    at: Annotated[str | None, typer.Option(help="When, such as 2026-12-31T23:30; else now. Local time unless it says its offset.")] = None,
) -> None:
    """Say who would be told and asked, when and how, if somebody pressed in this home and nobody answered."""
    from datetime import UTC, datetime

    from cloudfamily import parts, policies

    settings = Settings()
    there, zone, now = parts.running(settings), time_zone(settings.timezone), datetime.now(UTC)
    try:
        when = now if at is None else datetime.fromisoformat(at)
    except ValueError as error:
        raise StartError(f"--at {at!r} is not a time: write it like 2026-12-31T23:30.") from error
    when = when if when.tzinfo else when.replace(tzinfo=zone)
    print(asyncio.run(policies.preview_text(there.database_url, home, kind, severity, when.astimezone(UTC), now, zone)))


@check.command("timeline")
def check_timeline(
    alert: Annotated[int | None, typer.Option(min=1, max=2**62, help="This alert alone, and the seals since it began.")] = None,
    published: Annotated[str | None, typer.Option(help="A head that was printed before and kept elsewhere, such as 12:9f3c…: it must be there.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Check the chains and seals of the timelines; exit code 1 with the first line that is not what was written."""
    from cloudfamily import check as checks
    from cloudfamily import parts

    there = parts.running(Settings())
    whole, text = asyncio.run(checks.timeline(there.database_url, alert, published, as_json=as_json))
    print(text)
    if not whole:
        raise SystemExit(1)


report = typer.Typer(no_args_is_help=True, help="What has been, in figures.")
app.add_typer(report, name="report")


@report.command("kpi")
def report_kpi(
    month: Annotated[str, typer.Option(help="Such as 2026-11.")],
    district: Annotated[str | None, typer.Option(help="Code of a district; else the whole city.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Report how quickly calls were answered, and somebody was there and inside, against what is asked."""
    from cloudfamily import parts, report
    from cloudfamily_platform.core import errors

    settings = Settings()
    there = parts.running(settings)
    try:
        print(asyncio.run(report.kpi(there.database_url, month, district, time_zone(settings.timezone), as_json=as_json)))
    except errors.Invalid as error:
        raise StartError(f"--month {month!r}: {error.params['reason']}.") from error
    except errors.NotFound as error:
        raise StartError(f"There is no district {district!r}.") from error


@app.command("label")
def print_labels(devices: Annotated[list[str], typer.Argument(help="Device codes, such as btn-0017.")]) -> None:
    """Write labels as SVG: a QR code that opens the console's bind form, for a sticker on each device."""
    from cloudfamily_platform.people import label, quarantine

    if bad := [code for code in devices if not quarantine.CODE.match(code)]:
        raise StartError(f"{bad[0]!r} is no device code: 1 to 64 of A-Z a-z 0-9 _ . -")
    if (console := Settings().public_url) is None:
        raise StartError("Set CF_PUBLIC_URL to the address at which a phone reaches the console: it is what the labels say.")
    print(label.sheet(devices, console), end="")


@app.command("migrate")
def migrate_database() -> None:
    """Bring the configured database's schema up to date."""
    from cloudfamily import composition, parts
    from cloudfamily_platform.core import migrate

    there = parts.running(Settings())
    print("\n".join(migrate.migrate(there.database_url, composition.MIGRATED)) or "nothing to do")


@app.command("schema")
def dump_schema(check: Annotated[bool, typer.Option("--check", help="Compare with schema.sql instead of writing it.")] = False) -> None:
    """Write schema.sql, the present schema in one file, from the migrations."""
    from cloudfamily import parts, schema

    with parts.started(Settings(), broker=False) as there:
        schema.write_or_check(there.database_url, Path("schema.sql"), check=check)
