"""Health, metrics, the API's own description, and the console's files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from yarl import URL

from cloudfamily_platform.web import app as web_app


class Check:
    def __init__(self, name: str, well: bool) -> None:
        self.name, self.well = name, well

    async def ready(self) -> bool:
        return self.well


def test_health_readiness_and_metrics(world: Any, site: Callable[..., Any]) -> None:
    lane = Check("lane signals", False)

    async def story() -> None:
        async with site(checks=[Check("database", True), lane]) as here:
            stranger = here.stranger()
            assert await stranger.text("/healthz") == (200, "ok\n")
            assert await stranger.get("/readyz") == (503, {"ready": False, "unready": ["lane signals"]})
            lane.well = True
            assert await stranger.get("/readyz") == (200, {"ready": True, "unready": []})
            status, text = await stranger.text("/metrics")
            assert status == 200
            for name in ("cf_console_streams", "cf_stage_units_total", "cf_notifications_total", "cf_job_errors_total"):
                assert f"# TYPE {name.removesuffix('_total')}" in text

    world.run(story())


def json_schemas(spec: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The schema of every JSON answer, by "GET /path"."""
    found = {}
    for path, ways in spec["paths"].items():
        for method, way in ways.items():
            for status, answer in way["responses"].items():
                body = answer.get("content", {}).get("application/json", {}).get("schema")
                if status.startswith("2") and body is not None:
                    found[f"{method.upper()} {path}"] = body
    return found


def test_every_json_answer_is_described(world: Any, site: Callable[..., Any]) -> None:
    async def story() -> dict[str, Any]:
        async with site() as here:
            status, spec = await here.stranger().get("/openapi.json")
            assert status == 200
            return dict(spec)

    spec = world.run(story())
    schemas = json_schemas(spec)
    assert {"GET /api/alerts", "GET /api/homes/{code}", "GET /api/timebank/me", "POST /api/alerts/{alert_id}/accept", "GET /api/figures"} <= set(schemas)
    assert [name for name, schema in schemas.items() if not described(schema, spec)] == []


def described(schema: dict[str, Any], spec: dict[str, Any]) -> bool:
    """It has an example, or says the type of everything in it."""
    if "$ref" in schema:
        schema = spec["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    if "examples" in schema or "example" in schema:
        return True
    if "anyOf" in schema:
        return all(described(one, spec) for one in schema["anyOf"])
    if schema.get("type") == "array":
        return described(schema.get("items", {}), spec)
    if schema.get("type") == "object":
        inner = [*schema.get("properties", {}).values(), *([schema["additionalProperties"]] if isinstance(schema.get("additionalProperties"), dict) else [])]
        return bool(inner) and all(described(one, spec) for one in inner)
    return "type" in schema


def test_the_consoles_files_and_nothing_else(world: Any, site: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("a secret", encoding="utf-8")
    static = tmp_path / "static"
    app = FastAPI(openapi_url=None)
    web_app.page(app, static)

    async def story() -> None:
        async with site(app=app) as here:
            http = here.stranger().http

            async def get(path: str) -> tuple[int, str, str | None]:
                async with http.get(URL(f"{here.url}{path}", encoded=True), allow_redirects=False) as answer:
                    return answer.status, await answer.text(), answer.headers.get("Cache-Control")

            for path in ("/", "/queue", "/assets/page-1a2b.js"):
                assert await get(path) == (503, "console not built: run `make console`\n", None)

            (static / "assets").mkdir(parents=True)
            (static / "index.html").write_text("<p>the page", encoding="utf-8")
            (static / "favicon.svg").write_text("<svg>", encoding="utf-8")
            (static / "assets" / "page-1a2b.js").write_text("1", encoding="utf-8")
            (static / "out").symlink_to(tmp_path)

            for path in ("/", "/queue", "/homes/WX-001", "/?signin=expired"):
                assert await get(path) == (200, "<p>the page", "no-cache")
            assert await get("/favicon.svg") == (200, "<svg>", "no-cache")
            assert await get("/assets/page-1a2b.js") == (200, "1", "public, max-age=31536000, immutable")
            for path in ("/assets/page-of-an-older-build.js", "/api/nothing"):
                status, text, _ = await get(path)
                assert (status, "the page" in text, "not_found" in text) == (404, False, True)
            for path in (
                "/../secret.txt", "/..%2fsecret.txt", "/%2e%2e/secret.txt", "/assets/../../secret.txt", "/assets/..%2f..%2fsecret.txt",
                f"/{tmp_path}/secret.txt", f"/{str(tmp_path).replace('/', '%2f')}%2fsecret.txt", "/out/secret.txt", "/%00", "/secret.txt%00.js",
                "/" + "x" * 5000, "/..", "/.", "//",
            ):  # fmt: skip
                status, text, _ = await get(path)
                assert status in (200, 404), path
                assert "secret" not in text, path

    world.run(story())
