"""The web application: the API, the stream and the console's page."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import metadata, resources
from pathlib import Path

from fastapi import APIRouter, FastAPI
from fastapi.responses import FileResponse, PlainTextResponse, Response

from cloudfamily_platform.web import (
    access,
    alerts,
    commands,
    coverage,
    devices,
    homes,
    kpi,
    policies,
    problems,
    reach,
    report,
    rosters,
    sign_in,
    stream,
    system,
    voice,
    watches,
    windows,
)
from cloudfamily_platform.web.context import Context

NOT_BUILT = "console not built: run `make console`\n"


def create(context: Context, hub: stream.Hub, more: Sequence[APIRouter] = ()) -> FastAPI:
    """`more`: the routers of other components (the time bank's)."""
    app = FastAPI(title="Cloud Family 云家庭", version=metadata.version("cloudfamily"), docs_url=None, redoc_url=None, openapi_url="/openapi.json")
    app.state.context = context
    problems.install(app)
    ours = (sign_in, alerts, commands, homes, policies, rosters, watches, devices, windows, reach, voice, kpi, coverage)
    for router in (*(one.router for one in ours), report.router(), access.router(), stream.router(hub), *more, system.router):
        app.include_router(router)
    page(app, Path(str(resources.files("cloudfamily_platform.web") / "static")))
    return app


def page(app: FastAPI, static: Path) -> None:
    """The built console: its files by name, its index for every other path that is not the API's."""

    @app.get("/{path:path}", include_in_schema=False)
    async def console(path: str) -> Response:
        index = static / "index.html"
        if not index.is_file():
            return PlainTextResponse(NOT_BUILT, 503)
        if wanted := inside(static, path):
            cache = "public, max-age=31536000, immutable" if path.startswith("assets/") else "no-cache"
            return FileResponse(wanted, headers={"Cache-Control": cache})
        if path.startswith(("api/", "assets/")):
            return problems.problem("not_found")  # a page of an older build asks for its old files: no index in their place
        return FileResponse(index, headers={"Cache-Control": "no-cache"})


def inside(folder: Path, path: str) -> Path | None:
    """The file at `path` in the folder; None when there is none, or when the path leads out of it."""
    try:
        wanted = (folder / path).resolve()
        return wanted if wanted.is_relative_to(folder.resolve()) and wanted.is_file() else None
    except (OSError, ValueError):  # too long, or with a NUL
        return None
