"""The clock: APScheduler ticks the stages and starts the cron jobs; it remembers nothing that the database does not."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import structlog
from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_MISSED, JobExecutionEvent
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from cloudfamily_platform.core import metrics
from cloudfamily_platform.core.stage import Loop

log = structlog.get_logger()
Job = Callable[[], Awaitable[object]]
LAG_SECONDS = 10


def wind(jobs: dict[str, tuple[float, Job]]) -> AsyncIOScheduler:
    """A scheduler that runs `jobs` (name → seconds, job)."""
    clock = AsyncIOScheduler(timezone="UTC", job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None})
    for name, (seconds, job) in jobs.items():
        clock.add_job(job, "interval", seconds=seconds, id=name)
    clock.add_listener(complain, EVENT_JOB_ERROR | EVENT_JOB_MISSED)
    return clock


def tick(clock: AsyncIOScheduler, loops: Sequence[Loop], poll_seconds: float) -> None:
    """Wakes the loops of a stage each `poll_seconds`, and measures its lag now and then."""
    name = loops[0].stage.name
    for number, loop in enumerate(loops):
        clock.add_job(loop.wake, "interval", seconds=poll_seconds, id=f"tick {name} {number}")
    clock.add_job(loops[0].measure, "interval", seconds=LAG_SECONDS, id=f"lag {name}")


def complain(event: JobExecutionEvent) -> None:
    metrics.job_errors.labels(str(event.job_id).split(" ")[0]).inc()
    log.warning("job_failed", job=event.job_id, error=str(event.exception))
