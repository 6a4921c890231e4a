"""deliver: notifications go out, by one of a person's channels after the other.

The claim is committed before the sending and the result after it: at least once. A unit claims what each channel's pace and
health allow, starts the sending of all of it, and records what has come back; who is slow keeps nobody waiting.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import structlog

from cloudfamily_platform.alerts import alert, message, pace, reachability, unread
from cloudfamily_platform.alerts.alert import QUERIES, Event, Row
from cloudfamily_platform.alerts.channel import Channel, ChannelError, Gone, Receipt
from cloudfamily_platform.alerts.shown import asked, shown
from cloudfamily_platform.core import db, metrics
from cloudfamily_platform.core.stage import Stage
from cloudfamily_platform.core.texts import say
from cloudfamily_platform.people import person
from cloudfamily_platform.people.person import Person

log = structlog.get_logger()
#: A channel that takes longer has failed. Shorter than the claim, which is for crashes.
SEND_SECONDS = 10.0
#: At most so many of a channel are claimed at once, or on their way at once in one process.
BATCH, FLYING = 15, 50
#: A unit waits so long for what it sent; what takes longer is recorded by a later one.
GATHER_SECONDS = 0.1
#: What is older and still could not be said is given up.
LIFE = timedelta(hours=1)
#: A call for help to a life-safety alert that nobody has seen by then also goes by the next channel; an offer stands 45 s.
UNREAD = {"alert": timedelta(seconds=60), "offer": timedelta(seconds=20)}
#: How soon a pace may allow more.
AGAIN_SECONDS = 0.2
#: Somebody else may have a channel that we have not; what nobody sends within this time is ours to divert.
NOBODYS = timedelta(seconds=5)
CALLS = ("alert", "offer")
#: News that a living message shows by itself.
IN_PLACE = frozenset({"accepted", "on_the_way", "there", "inside", "taken", "reopened"})


@dataclass(frozen=True)
class Outgoing:
    claim: Row
    what: message.Message
    #: Of the living message: it is changed, or, where it shall make a sound, followed by a new one and loses its buttons.
    edit: str | None = None
    strip: str | None = None
    #: The alert's state and who had it when this was composed.
    seen: tuple[str, int | None] | None = None


@dataclass(frozen=True)
class Known:
    """What a unit has looked up of all its claims at once."""

    alerts: Mapping[int, Row]
    readers: Mapping[int, Person]
    #: The message that stands in the chat already, by the id of the claim.
    living: Mapping[int, Row]


@dataclass(frozen=True)
class Result:
    claim: Row
    out: Outgoing | None = None
    receipt: Receipt | None = None
    error: ChannelError | None = None


class Deliver:
    """The stage, with the channels that it may use by name, and the zone in which people read times."""

    def __init__(self, channels: Mapping[str, Channel], zone: ZoneInfo) -> None:
        self.channels, self.zone = channels, zone
        self.flying: dict[asyncio.Task[Result], str] = {}
        #: Called when there may be more to do although nobody said so: a pace allows it, a wait is over.
        self.wake: Callable[[], None] = lambda: None

    async def step(self, conn: db.Connection, now: datetime) -> bool:
        """All that may leave now."""
        claims = await self.claim(conn, now)
        known = await self.look_up(conn, claims)
        done = [result for claim in claims if (result := await self.start(conn, claim, now, known))]
        done += await self.landed()
        await self.record(conn, done, now)
        return bool(claims or done or self.flying)

    # What may leave

    async def claim(self, conn: db.Connection, now: datetime) -> list[Row]:
        if await (await conn.execute(QUERIES["anything_due"], {"now": now})).fetchone() is None:
            return []
        async with conn.transaction():
            states = await self.states(conn, now)
            flying = Counter(self.flying.values())
            budgets = {name: min(int(state.tokens), BATCH, FLYING - flying[name]) for name, state in states.items()}
            sick = {name: pace.health(state, now) for name, state in states.items()}
            asking = {
                # A broken channel is asked for calls for help alone, which go another way; one that may work again for one message.
                "channels": list(states), "known": list(states), "now": now, "nobodys_before": now - NOBODYS,
                "budgets": [{"works": max(budgets[name], 0), "probe": 1, "broken": BATCH}[sick[name]] for name in states],
                "least_urgent": [0 if sick[name] == "broken" else 2 for name in states],
            }  # fmt: skip
            rows = await (await conn.execute(QUERIES["due_notifications"], asking)).fetchall()
            claims = [row for row in first_of_each_chat(rows) if await self.may_leave(conn, row, sick.get(row["channel"], "works"), now)]
            if claims:
                await conn.execute(QUERIES["claim_notifications"], {"ids": [row["id"] for row in claims], "now": now})
            for name, count in Counter(row["channel"] for row in claims).items():
                if name in states:
                    spent = replace(states[name], tokens=max(0.0, states[name].tokens - count))
                    await conn.execute(QUERIES["keep_pace"], asdict(pace.probing(spent, now) if sick[name] == "probe" else spent))
        self.look_again(AGAIN_SECONDS)  # there may be more than the pace allows now
        return [row | {"tries": row["tries"] + 1} for row in claims]

    async def states(self, conn: db.Connection, now: datetime) -> dict[str, pace.State]:
        names = sorted(self.channels)
        found = await (await conn.execute(QUERIES["channel_states"], {"names": names})).fetchall()
        if len(found) < len(names):
            await conn.execute(QUERIES["add_channel_states"], {"names": names})
            found = await (await conn.execute(QUERIES["channel_states"], {"names": names})).fetchall()
        states = (pace.State(**{**row, "failed_people": tuple(row["failed_people"])}) for row in found)
        return {state.name: pace.filled(state, self.channels[state.name].limits, now) for state in states}

    async def may_leave(self, conn: db.Connection, row: Row, health: str, now: datetime) -> bool:
        """False when it waits for the end of somebody's night, or went to another channel because this one is out of order."""
        quiet = pace.quiet_until(now, row["quiet_from"], row["quiet_to"], self.zone)
        if quiet and not row["critical"] and row["message"] not in ("offer", "now", "trial"):
            await conn.execute(QUERIES["wait_with_notification"], {"id": row["id"], "due_at": quiet})
            return False
        if health != "broken":
            return True
        way = await self.next_way(conn, row)
        if way is None or not way["untried"]:
            return True  # there is no better way: it is tried
        await conn.execute(QUERIES["skip_way"], {**row, "now": now})
        await conn.execute(QUERIES["go_next_way"], {"id": row["id"], "next": way["channel"], "now": now, "error": f"{row['channel']} is out of order"})
        return False

    async def next_way(self, conn: db.Connection, row: Row) -> Row | None:
        return None if row["message"] in ("now", "trial", reachability.MESSAGE) else await unread.next_way(conn, row, self.channels)

    # Sending

    async def look_up(self, conn: db.Connection, claims: Sequence[Row]) -> Known:
        about = [claim for claim in claims if claim["alert_id"] is not None]
        drawn = [claim for claim in about if claim["channel"] in self.channels and self.channels[claim["channel"]].edits]
        if not about:
            return Known({}, {}, {})
        living = await (await conn.execute(QUERIES["living_messages"], columns(drawn))).fetchall() if drawn else []
        return Known(
            alerts=await alert.load_all(conn, {claim["alert_id"] for claim in about}),
            readers=await person.load_all(conn, {claim["person_id"] for claim in about}),
            living={row["id"]: row for row in living},
        )

    async def start(self, conn: db.Connection, claim: Row, now: datetime, known: Known) -> Result | None:
        """Sends it on its way; a result at once when there is nothing to send."""
        try:
            out = await self.compose(conn, claim, now, known)
        except ChannelError as error:
            return Result(claim, error=error)
        except Exception as error:
            log.exception("notification_postponed", notification=claim["id"])
            return Result(claim, error=ChannelError(type(error).__name__))
        if out is None:
            return Result(claim)
        self.flying[asyncio.create_task(self.hand_over(out))] = claim["channel"]
        return None

    async def hand_over(self, out: Outgoing) -> Result:
        claim, channel = out.claim, self.channels[out.claim["channel"]]
        try:
            async with asyncio.timeout(SEND_SECONDS):
                if out.edit:
                    await channel.edit(claim["address"], out.edit, out.what)
                    return Result(claim, out, Receipt(out.edit))
                receipt = await channel.send(claim["address"], out.what, f"{claim['id']}.{claim['channel']}")
        except TimeoutError:
            return Result(claim, out, error=ChannelError("TimeoutError", slow=True))
        except ChannelError as error:
            return Result(claim, out, error=error)
        except Exception as error:
            log.exception("channel_failed", channel=claim["channel"], notification=claim["id"])
            return Result(claim, out, error=ChannelError(type(error).__name__))
        if out.strip:
            await self.strip(channel, claim["address"], out.strip, out.what)
        return Result(claim, out, receipt)

    async def strip(self, channel: Channel, address: str, ref: str, what: message.Message) -> None:
        """The earlier message keeps its text; whoever presses where a button still is gets an answer all the same."""
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await channel.edit(address, ref, replace(what, buttons=()))
        except Exception as error:  # what was sent is sent: nothing here may lose that
            log.info("old_buttons_stay", error=f"{type(error).__name__}: {error}")

    async def compose(self, conn: db.Connection, claim: Row, now: datetime, known: Known) -> Outgoing | None:
        """What is to be said now; None when there is nothing left to say."""
        channel = self.channels.get(claim["channel"])
        if channel is None:
            raise ChannelError(f"no channel {claim['channel']} is set up here", slow=True)
        if claim["address"] is None:
            raise ChannelError("no address", permanent=True)
        if claim["message"] == "trial":
            return Outgoing(claim, message.Message(say(claim["language"], "chat.trial")))
        if claim["message"] == reachability.MESSAGE:
            test = await reachability.compose(conn, claim, claim["language"])
            return Outgoing(claim, test) if test else None
        row, reader, living = known.alerts[claim["alert_id"]], known.readers[claim["person_id"]], known.living.get(claim["id"])
        if claim["message"] == "checkin":
            asks = claim["person_id"] in row["responding"]
            return Outgoing(claim, replace(message.checkin_message(claim["language"], row), alert_id=row["id"])) if asks else None
        if claim["message"] not in (*CALLS, "now"):
            if living and claim["message"] in IN_PLACE:
                return None
            what = message.news_message(claim["language"], row, claim["message"], claim["params"], self.zone)
            return Outgoing(claim, replace(what, alert_id=row["id"]))
        if claim["message"] in CALLS and row["state"] == "resolved":
            return None  # it is over: they hear that, and nothing else
        if claim["message"] == "offer" and reader.id not in row["responding"] and not asked(reader, row):
            return None  # taken by somebody else meanwhile
        what = replace(await shown(conn, row, reader, now, self.zone), alert_id=row["id"])
        seen = (row["state"], row["handler_id"])
        if claim["message"] == "now" and claim["params"].get("anew"):
            return Outgoing(claim, what, seen=seen)
        if claim["message"] == "now" or (living and not what.buttons):
            return Outgoing(claim, what, edit=living["ref"], seen=seen) if living and living["shown_hash"] != what.hash else None
        return Outgoing(claim, what, strip=living["ref"] if living else None, seen=seen)

    # What came of it

    async def landed(self) -> list[Result]:
        """What has been sent or refused by now, by whoever started it."""
        if not self.flying:
            return []
        done, _ = await asyncio.wait(self.flying, timeout=GATHER_SECONDS)
        mine = [task for task in done if self.flying.pop(task, None)]  # another unit may have it
        return [task.result() for task in mine]

    async def record(self, conn: db.Connection, done: Iterable[Result], now: datetime) -> None:
        """Those that tell the timeline in a transaction of their own, the last to lock it; failures one by one."""
        await self.note_health(conn, done, now)
        good = [result for result in done if result.error is None]
        told = [result for result in good if result.claim["message"] in CALLS and result.out]
        for results in ([result for result in good if result not in told], told):
            if results:
                async with conn.transaction():
                    await self.sent(conn, results, now)
        for result in done:
            if result.error is not None:
                await self.failed(conn, result, result.error, now)

    async def sent(self, conn: db.Connection, results: list[Result], now: datetime) -> None:
        put = [result for result in results if result.out and result.out.seen and result.receipt and result.receipt.ref]
        held = await (await conn.execute(QUERIES["hold_alerts"], {"ids": sorted({result.claim["alert_id"] for result in put})})).fetchall() if put else []
        stands = {row["id"]: (row["state"], row["handler_id"]) for row in held}
        receipts = [result.receipt or Receipt() for result in results]
        values = {
            "ids": [result.claim["id"] for result in results], "now": now,
            "delivered": [receipt.delivered or receipt.read for receipt in receipts], "seen": [receipt.read for receipt in receipts],
            "unread_at": [now + UNREAD[result.claim["message"]] if follows(result) else None for result in results],
            "free_at": [now + timedelta(seconds=self.chat_seconds(result)) for result in results],
        }  # fmt: skip
        await conn.execute(QUERIES["notifications_sent"], values)
        for result in put:
            await self.keep_living(conn, result, stands, now)
        for result in results:
            metrics.sent.labels(result.claim["channel"], "sent" if result.out else "nothing").inc()
        calls = [result.claim for result in results if result.out and result.claim["message"] in CALLS]
        await alert.add_events_of(conn, [noted(claim, "told", channel=claim["channel"]) for claim in calls], now)

    async def keep_living(self, conn: db.Connection, result: Result, stands: Mapping[int, object], now: datetime) -> None:
        """What now stands in the chat; drawn again when the alert went on meanwhile."""
        claim, out, receipt = result.claim, result.out, result.receipt
        if out is None or receipt is None or not self.channels[claim["channel"]].edits:
            return
        await conn.execute(QUERIES["shown_living"] if out.edit else QUERIES["put_living"], claim | {"ref": receipt.ref, "hash": out.what.hash, "now": now})
        if stands.get(claim["alert_id"]) != out.seen:
            await conn.execute(QUERIES["redraw_one"], claim | {"now": now})

    async def failed(self, conn: db.Connection, result: Result, error: ChannelError, now: datetime) -> None:
        """Tried again, or by the next channel, or given up: then the timeline says so."""
        claim = result.claim
        metrics.sent.labels(claim["channel"], "refused" if error.permanent else "failed").inc()
        values = {**claim, "error": str(error)[:500], "now": now, "free_at": now + timedelta(seconds=error.retry_after_s or 0)}
        if isinstance(error, Gone):  # whoever sees an old message that is wrong gets a new one
            await conn.execute(QUERIES["living_is_gone"], values)
            self.look_again(0)
            return
        async with conn.transaction():
            await conn.execute(QUERIES["attempt_failed"], values)
            if error.permanent:
                await conn.execute(person.QUERIES["reach_is_dead"], values)
            way = await self.next_way(conn, claim)
            # What a chat shows is as old as the alert, and never too old to be put right.
            late = now - claim["created_at"] > LIFE and claim["message"] != "now"
            wait = None if error.permanent or late else self.wait(claim, error, way)
            if wait is not None:
                await conn.execute(QUERIES["notification_again"], values | {"due_at": now + wait})
                self.look_again(wait.total_seconds())
            elif way is not None and not late:
                await conn.execute(QUERIES["go_next_way"], values | {"next": way["channel"]})
            else:
                await conn.execute(QUERIES["notification_failed"], values)
                if claim["message"] not in ("now", "trial") and claim["alert_id"] is not None:
                    await alert.add_events_of(conn, [noted(claim, "not_told", reason="refused" if error.permanent else "failed")], now)

    def wait(self, claim: Row, error: ChannelError, way: Row | None) -> timedelta | None:
        """None: not by this channel any more. A call for help that can go another way does not wait for this one."""
        hasty = claim["critical"] and claim["message"] in CALLS and way is not None
        if way is not None and claim["channel"] not in self.channels:
            return None
        if hasty and (error.slow or (error.retry_after_s or 0) > pace.HASTY_SECONDS[-1]):
            return None
        return pace.retry(claim["tries"], pace.HASTY_SECONDS if hasty else pace.RETRY_SECONDS, claim["id"], error.retry_after_s)

    async def note_health(self, conn: db.Connection, done: Iterable[Result], now: datetime) -> None:
        """The breaker's account. A refusal of one address, or "not so fast", is no sign of a broken channel."""
        for name, channel in self.channels.items():
            mine = [result for result in done if result.claim["channel"] == name]
            judged = [result for result in mine if result.out and judges(result.error)]
            if mine and not any(result.out for result in mine):
                await conn.execute(QUERIES["probe_again"], {"name": name, "now": now})
            if not judged:
                continue
            async with conn.transaction():
                row = await db.one(await conn.execute(QUERIES["channel_state"], {"name": name}))
                before = state = pace.State(**{**row, "failed_people": tuple(row["failed_people"])})
                for result in judged:
                    state = pace.after(state, result.claim["person_id"], failed=result.error is not None, now=now)
                if state != before:
                    await conn.execute(QUERIES["keep_health"], {**asdict(state), "failed_people": list(state.failed_people)})
            if state.open_until and state.open_until != before.open_until:
                log.warning("channel_out_of_order", channel=name, until=state.open_until.isoformat(), limits=str(channel.limits))

    def chat_seconds(self, result: Result) -> float:
        channel = self.channels.get(result.claim["channel"])
        return channel.limits.per_chat_seconds if channel and result.out else 0.0

    def look_again(self, seconds: float) -> None:
        asyncio.get_running_loop().call_later(seconds, self.wake)


def columns(claims: Sequence[Row]) -> dict[str, list[object]]:
    names = {"ids": "id", "alerts": "alert_id", "people": "person_id", "channels": "channel", "addresses": "address"}
    return {name: [claim[key] for claim in claims] for name, key in names.items()}


def noted(claim: Row, kind: str, **params: str) -> tuple[int, Event]:
    """A line of the timeline: what became of this message."""
    return claim["alert_id"], Event(kind, claim["person_id"], {**params, "message": claim["message"]})


def first_of_each_chat(rows: Iterable[Row]) -> list[Row]:
    """One at a time into a chat, the most urgent first: so what is said later is also read later."""
    found: dict[tuple[int, str], Row] = {}
    for row in rows:
        found.setdefault((row["person_id"], row["channel"]), row)
    return list(found.values())


def judges(error: ChannelError | None) -> bool:
    return error is None or not (error.permanent or error.retry_after_s or isinstance(error, Gone))


def follows(result: Result) -> bool:
    """Whether another channel follows when this is not read: a call for help that no channel proved to be read."""
    call = result.claim["critical"] and result.claim["message"] in CALLS and result.out
    return bool(call and result.claim["other_way"] and not (result.receipt and result.receipt.read))


def stages(channels: Mapping[str, Channel], zone: ZoneInfo) -> tuple[Stage, ...]:
    return stages_of(Deliver(channels, zone))


def stages_of(deliver: Deliver) -> tuple[Stage, ...]:
    due = "SELECT min(due_at) AS due_at FROM notification WHERE due_at IS NOT NULL"
    stage = Stage(name="deliver", step=deliver.step, hint="notification", oldest_due=due, timeout_seconds=25, workers=3, limit_seconds=10)
    return (stage, unread.stage(deliver.channels))
