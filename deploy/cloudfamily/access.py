"""access: credentials from the terminal, and the folder that Mosquitto is started with."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from cloudfamily import mosquitto
from cloudfamily.embedded.errors import StartError
from cloudfamily_platform.core import db, errors, texts
from cloudfamily_platform.core.settings import Settings
from cloudfamily_platform.people import credential

T = TypeVar("T")
app = typer.Typer(no_args_is_help=True, help="Who may speak at the broker: docs/access.md.")
Name = Annotated[str, typer.Argument(help="Device code, or name of an edge, bridge or service.")]
Pem = Annotated[Path | None, typer.Option(exists=True, dir_okay=False, resolve_path=True)]


@app.command()
def issue(
    name: Name,
    kind: Annotated[str, typer.Option(help=f"{', '.join(credential.KINDS)}.")] = "device",
    base: Annotated[list[str] | None, typer.Option(help="For a bridge: a topic below which it speaks, such as zigbee2mqtt.")] = None,
) -> None:
    """Make a secret and print it, once; the one before it stops working."""
    known = next((one for one in credential.KINDS if one == kind), None)
    if known is None:
        raise StartError(f"--kind {kind!r}: the kinds are {', '.join(credential.KINDS)}.")
    print(on_database(lambda conn, now: credential.issue(conn, name, known, now, [one.strip("/") for one in base or ()])))


@app.command()
def enrol(device: Annotated[str, typer.Argument(help="Device code.")]) -> None:
    """Make a code for a device's sticker; POST /api/enrol makes a secret of it, once."""
    code, expires_at = on_database(lambda conn, now: credential.make_enrolment(conn, device, now))
    print(f"{code}  until {expires_at:%Y-%m-%d %H:%M} UTC")


@app.command()
def revoke(name: Name) -> None:
    """Shut somebody out: the broker knows within a minute."""
    on_database(lambda conn, now: credential.revoke(conn, name, now))


@app.command("list")
def listing() -> None:
    """Everybody who has, or had, a credential."""
    for row in on_database(lambda conn, now: credential.everybody(conn)):
        since = f"revoked {row['revoked_at']:%Y-%m-%d %H:%M}" if row["revoked_at"] else f"since {row['issued_at']:%Y-%m-%d %H:%M}"
        print(" ".join([f"{row['username']:<40} {row['kind']:<8} {since}", *row["bases"]]))


@app.command()
def broker(
    folder: Annotated[Path, typer.Argument(help="Folder for Mosquitto's files, made if it is not there.")],
    certificate: Pem = None,
    key: Pem = None,
    authority: Pem = None,
    withdrawn: Pem = None,
    service_authority: Pem = None,
    plain: Annotated[bool, typer.Option("--plain", help="Without TLS, on loopback alone.")] = False,
    port: Annotated[int, typer.Option(min=1, max=65535, help="For devices, edges and bridges.")] = 8883,
    certificate_port: Annotated[int, typer.Option(min=1, max=65535, help="For devices with a certificate of --authority.")] = 8884,
    service_host: Annotated[str, typer.Option(help="For gateways; other than loopback it needs --service-authority.")] = "127.0.0.1",
    service_port: Annotated[int, typer.Option(min=1, max=65535, help="For gateways.")] = 1883,
) -> None:
    """Write all that Mosquitto needs: configuration, passwords, access rules."""
    if plain == bool(certificate and key):
        raise StartError("Give --certificate and --key for TLS, or --plain for loopback without it.")
    if service_host not in ("127.0.0.1", "::1") and service_authority is None:
        raise StartError(f"--service-host {service_host} can be reached by others: give --service-authority, the authority of your gateways' certificates.")
    tls = None
    if certificate and key:
        tls = mosquitto.Tls(certificate=certificate, key=key, authority=authority, withdrawn=withdrawn, service_authority=service_authority)
    plan = mosquitto.Plan(folder=folder.resolve(), tls=tls, port=port, certificate_port=certificate_port, service_host=service_host, service_port=service_port)
    try:
        mosquitto.prepare(plan, on_database(lambda conn, now: credential.everybody(conn)))
    except OSError as error:
        raise StartError(f"{error.filename} cannot be written: {error.strerror}.") from error
    print(f"start it with: mosquitto -c {plan.folder / mosquitto.CONFIGURATION}\nand the gateway with: CF_MOSQUITTO_DIR={plan.folder}")


def on_database(work: Callable[[db.Connection, datetime], Awaitable[T]]) -> T:
    """Does it over a connection of its own to the configured database, or the running system's. A refusal becomes one sentence."""
    from cloudfamily import composition, parts  # the whole product; the other commands are not to wait for it

    settings = Settings()
    url = settings.database_url.get_secret_value() if settings.database_url else parts.running(settings).database_url

    async def connected() -> T:
        async with await db.connect(url) as conn:
            return await work(conn, datetime.now(UTC))

    composition.speak()
    try:
        return asyncio.run(connected())
    except errors.Refusal as error:
        raise StartError(said(error)) from error


def said(error: errors.Refusal) -> str:
    what = error.params.get("what")
    if isinstance(error, errors.Taken):
        return f"{what} is there already, as something else: `cloudfamily access list` shows as what."
    if isinstance(error, errors.NotFound):
        return f"There is no such {what}: `cloudfamily access list` shows all."
    return texts.say("en", f"error.{error.code}", **error.params)
