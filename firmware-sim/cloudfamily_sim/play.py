"""A story as it is played in the homes of a fleet. On a virtual clock."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import cast
from zoneinfo import ZoneInfo

from cloudfamily_sim import faults
from cloudfamily_sim.button import Button
from cloudfamily_sim.days import HOLD
from cloudfamily_sim.devices import Device, Sensor, Wearable
from cloudfamily_sim.encode import SignalKind
from cloudfamily_sim.fleet import Fleet, SimHome
from cloudfamily_sim.scenario import BadStory, Step, Story

#: What an alarm device calls when the story does not say.
USUAL_CALLS: dict[str, SignalKind] = {"button": "sos", "fall": "fall", "smoke": "smoke", "gas": "gas", "water": "water_leak"}
ALWAYS = 1.0


class Play:
    """`story` in `homes` of the fleet, the first of them home 1. Raises BadStory when a home has not got the devices for it."""

    def __init__(self, fleet: Fleet, story: Story, homes: Sequence[SimHome], began: datetime) -> None:
        if len(homes) < story.homes:
            raise BadStory(f"{story.title}: it takes {story.homes} homes, and there are {len(homes)}")
        self.fleet, self.story, self.homes, self.began = fleet, story, homes[: story.homes], began
        self.done = 0
        #: Motions that end.
        self.ends: list[tuple[datetime, Sensor]] = []
        for step in story.steps:
            for home in self.homes_of(step):
                if step.device and step.device not in {device.kind for device in home.devices}:
                    raise BadStory(f"{story.title}: home {home.code} has no {step.device}")

    @property
    def next_at(self) -> datetime | None:
        coming = [self.began + self.story.steps[self.done].at] if self.done < len(self.story.steps) else []
        return min((*coming, *(at for at, _ in self.ends)), default=None)

    def step(self, now: datetime) -> None:
        """Does what is due."""
        for at, sensor in [one for one in self.ends if one[0] <= now]:
            sensor.sense(at, 0)
            self.fleet.arm(sensor)
        self.ends = [one for one in self.ends if one[0] > now]
        while self.done < len(self.story.steps) and self.began + self.story.steps[self.done].at <= now:
            step = self.story.steps[self.done]
            self.done += 1
            for home in self.homes_of(step):
                self.happen(step, home, now)

    def homes_of(self, step: Step) -> Sequence[SimHome]:
        return self.homes if step.home is None else (self.homes[step.home - 1],)

    def happen(self, step: Step, home: SimHome, now: datetime) -> None:
        if step.do == "still":
            self.fleet.keep_still(home.code, now + step.lasts)
            return
        for device, kind in self.devices_of(step, home):
            self.act(step, device, kind, now)
            self.fleet.arm(device)

    def devices_of(self, step: Step, home: SimHome) -> Iterator[tuple[Device, str]]:
        for plan in home.devices:
            if step.device in (None, plan.kind):
                yield self.fleet.devices[plan.code], plan.kind

    def act(self, step: Step, device: Device, kind: str, now: datetime) -> None:
        match step.do:
            case "call":
                cast(Button, device).press(now, cast(SignalKind, step.kind) if step.kind else USUAL_CALLS[kind])
                self.fleet.counters.presses += 1
            case "move":
                cast(Sensor, device).sense(now, 1)
                self.ends.append((now + HOLD, cast(Sensor, device)))
            case "open" | "close":
                cast(Sensor, device).sense(now, int(step.do == "open"))
            case "offline":
                device.disconnect()
            case "online":
                device.connect(now)
            case "die":
                device.faults = replace(device.faults, dead=True)
            case "battery":
                device.faults = replace(device.faults, battery=step.percent)
            case "measure":
                cast(Wearable, device).measure(now, step.quantity, step.value)
            case "fault":
                device.faults = faults.Chances(**{step.fault: ALWAYS}).of(device.code, self.fleet.seed)
            case "heal":
                device.faults = faults.NONE


def ahead(story: Story, began: datetime, zone: ZoneInfo) -> timedelta:
    """By how much the homes' day runs ahead of the true time, so that at `began` it is the story's hour there."""
    local = began.astimezone(zone)
    return story.begins - timedelta(hours=local.hour, minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
