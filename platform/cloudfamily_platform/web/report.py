"""The report of an alert over HTTP: a page to print, and a PDF."""

from __future__ import annotations

import asyncio
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from fastapi.responses import HTMLResponse, Response

from cloudfamily_platform.insight import paper, report
from cloudfamily_platform.web.context import Here, SignedIn

AlertId = Annotated[int, Path(ge=1, le=2**62)]
Lang = Annotated[Literal["zh-CN", "en"] | None, Query(description="The language; else the reader's own.")]
#: A PDF takes a core for a moment: no more than so many at once.
AT_ONCE = 2
SAFE = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def router() -> APIRouter:
    made = APIRouter(prefix="/api", tags=["report"])
    printing = asyncio.Semaphore(AT_ONCE)

    @made.get("/alerts/{alert_id}/report", response_class=HTMLResponse)
    async def page(alert_id: AlertId, person: SignedIn, here: Here, lang: Lang = None) -> HTMLResponse:
        """Who knew what when, as a page to print. For operators and the family; that they looked is a line of the timeline."""
        async with here.pool.connection() as conn:
            found = await report.make(conn, alert_id, person, "report_read", lang, here.zone, here.clock())
        return HTMLResponse(paper.page(found, f"/api/alerts/{alert_id}/report.pdf?lang={found.language}"), headers=SAFE)

    @made.get("/alerts/{alert_id}/report.pdf", response_class=Response, responses={200: {"content": {"application/pdf": {}}}})
    async def pdf(alert_id: AlertId, person: SignedIn, here: Here, lang: Lang = None) -> Response:
        """The same as a PDF to keep (PDF/A). 503 `no_font`: the machine has no Chinese font."""
        now = here.clock()
        async with here.pool.connection() as conn:
            found = await report.make(conn, alert_id, person, "report_printed", lang, here.zone, now)
        async with printing:
            body = await asyncio.to_thread(paper.pdf, found, now)
        headers = {**SAFE, "Content-Disposition": f'inline; filename="alert-{alert_id}.pdf"'}
        return Response(body, media_type="application/pdf", headers=headers)

    @made.get("/report.css", include_in_schema=False)
    async def style() -> Response:
        return Response(paper.css(), media_type="text/css; charset=utf-8", headers={"Cache-Control": "no-cache"})

    return made
