"""Travel times: reckoned here, better where a routing engine answers in time, and never waited for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from cloudfamily_platform.alerts import travel
from cloudfamily_platform.alerts.travel import Osrm, Place, Straight
from cloudfamily_platform.core import metrics

HOME = Place(23.47, 111.32)
NORTH = Place(23.47 + 1 / 111.195, 111.32)  # one kilometre
STARTS = [(NORTH, mode) for mode in ("walk", "bicycle", "ebike", "car")]
RECKONED = [1000, 289, 289, 186]
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def osrm(answer: Answer) -> AsyncIterator[tuple[str, list[str]]]:
    """A server on a free port that answers as told; its URL, and the paths that it was asked for."""
    asked: list[str] = []

    async def handle(request: web.Request) -> web.StreamResponse:
        asked.append(request.path_qs)
        return await answer(request)

    app = web.Application()
    app.router.add_get("/{path:.*}", handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}", asked
    finally:
        await runner.cleanup()


def table(*durations: float | None) -> Answer:
    async def answer(request: web.Request) -> web.StreamResponse:
        return web.json_response({"code": "Ok", "durations": [[one] for one in durations]})

    return answer


def count(result: str) -> float:
    return float(metrics.routed.labels(result)._value.get())


async def rounded(router: travel.Router) -> list[int]:
    return [round(one) for one in await router.seconds(STARTS, HOME)]


@pytest.mark.parametrize(
    ("here", "there", "metres"),
    [
        ((23.4729, 111.3205), (23.4857, 111.2745), 4900),  # Wanxiu to Changzhou
        ((0, 0), (0, 180), 20_015_087),  # half round the earth
        ((0, 179.5), (0, -179.5), 111_195),  # across the date line
        ((90, 0), (90, 123), 0),
    ],
)
def test_distance(here: tuple[float, float], there: tuple[float, float], metres: float) -> None:
    assert travel.distance_m(Place(*here), Place(*there)) == pytest.approx(metres, rel=0.01, abs=0.01)


def test_reckoned() -> None:
    assert asyncio.run(rounded(Straight())) == RECKONED


def test_one_server_knows_the_roads_for_cars() -> None:
    async def story() -> None:
        async with osrm(table(123.4)) as (url, asked):
            assert await rounded(Osrm(url)) == [*RECKONED[:3], 123]
            assert asked == ["/table/v1/car/111.320000,23.478993;111.320000,23.470000?sources=0&destinations=1&annotations=duration"]

    asyncio.run(story())


def test_a_server_for_each_profile() -> None:
    async def story() -> None:
        async with osrm(table_by_profile) as (url, asked):
            assert await rounded(Osrm(f"{url}/{{profile}}")) == [700, 250, 251, 100]
            assert sorted(path.split("/")[1] for path in asked) == ["bike", "car", "foot"]

    async def table_by_profile(request: web.Request) -> web.StreamResponse:
        found = {"foot": [[700]], "bike": [[250], [251]], "car": [[100]]}
        return web.json_response({"code": "Ok", "durations": found[request.path.split("/")[1]]})

    asyncio.run(story())


def test_where_there_is_no_road_we_reckon() -> None:
    async def story() -> None:
        async with osrm(table(None)) as (url, _):
            assert await rounded(Osrm(url)) == RECKONED

    asyncio.run(story())


async def broken(request: web.Request) -> web.StreamResponse:
    return web.Response(status=500, text="<html>")


async def refusing(request: web.Request) -> web.StreamResponse:
    return web.json_response({"code": "TooBig", "message": "Too many table coordinates"}, status=400)


async def asleep(request: web.Request) -> web.StreamResponse:
    await asyncio.sleep(30)
    raise AssertionError("it was waited for")


@pytest.mark.parametrize("answer", [broken, refusing, asleep, table(), table(1, 2), table(-1), table("soon")], ids=lambda one: one.__qualname__)  # type: ignore[arg-type]
def test_an_engine_that_fails_costs_nobody_an_offer_and_rests(answer: Answer) -> None:
    async def story() -> None:
        async with osrm(answer) as (url, asked):
            router, failed, resting = Osrm(url, seconds=0.2), count("failed"), count("resting")
            async with asyncio.timeout(5):
                assert await rounded(router) == RECKONED
                assert await rounded(router) == RECKONED
            assert len(asked) == 1
            assert (count("failed") - failed, count("resting") - resting) == (1, 1)

    asyncio.run(story())


def test_nobody_listens() -> None:
    assert asyncio.run(rounded(Osrm("http://127.0.0.1:9"))) == RECKONED


def test_only_the_nearest_are_asked_for() -> None:
    far = [(Place(HOME.lat + number / 1000, HOME.lon), "car") for number in range(1, 81)]

    async def answer(request: web.Request) -> web.StreamResponse:
        places = request.path.split("/")[-1].split(";")
        assert len(places) == travel.MOST_STARTS + 1
        return web.json_response({"code": "Ok", "durations": [[7]] * (len(places) - 1)})

    async def story() -> None:
        async with osrm(answer) as (url, _):
            found = await Osrm(url).seconds(list(reversed(far)), HOME)
            assert found[::-1][:50] == [7] * 50
            assert found[::-1][50:] == await Straight().seconds(far[50:], HOME)

    asyncio.run(story())
