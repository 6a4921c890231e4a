"""Settings come from the environment or from files that it names; docs/settings.md says all of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from cloudfamily_platform.core.settings import PREFIX, Settings

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"{PREFIX}{name.upper()}", raising=False)
        monkeypatch.delenv(f"{PREFIX}{name.upper()}_FILE", raising=False)


def test_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CF_WEB_PORT", "9000")
    monkeypatch.setenv("CF_DEMO", "no")
    found = Settings()
    assert (found.web_port, found.demo, found.mqtt_host) == (9000, False, None)


def test_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("1:secret\n", encoding="utf-8")
    monkeypatch.setenv("CF_TELEGRAM_TOKEN_FILE", str(tmp_path / "token"))
    token = Settings().telegram_token
    assert token is not None
    assert token.get_secret_value() == "1:secret"
    assert "1:secret" not in repr(Settings())


def test_the_variable_itself_comes_before_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "port").write_text("9001", encoding="utf-8")
    monkeypatch.setenv("CF_WEB_PORT_FILE", str(tmp_path / "port"))
    assert Settings().web_port == 9001
    monkeypatch.setenv("CF_WEB_PORT", "9002")
    assert Settings().web_port == 9002


def test_a_missing_file_is_an_error_not_a_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CF_DATABASE_URL_FILE", str(tmp_path / "nowhere"))
    with pytest.raises(FileNotFoundError, match="nowhere"):
        Settings()


@pytest.mark.parametrize(("name", "value"), [("CF_WEB_PORT", "0"), ("CF_WEB_PORT", "http"), ("CF_LOG_LEVEL", "loud"), ("CF_GATEWAY_NAME", "a b")])
def test_a_value_that_cannot_be(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError, match=name.removeprefix("CF_").lower()):
        Settings()


def test_empty_means_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """A compose file that passes on what is not set passes an empty word."""
    monkeypatch.setenv("CF_DATABASE_URL", "")
    monkeypatch.setenv("CF_WEB_PORT", "")
    assert (Settings().database_url, Settings().web_port) == (None, 8420)


def page() -> str:
    """docs/settings.md as the code has it."""
    rows = [
        f"| `{PREFIX}{name.upper()}` | {shown(field.default)} | {field.description} |"  # one line a setting, in the code's order
        for name, field in Settings.model_fields.items()
    ]
    return "\n".join([*HEAD, *rows]) + "\n"


def shown(default: object) -> str:
    if default is None:
        return "(empty)"
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


HEAD = [
    "# Settings",
    "",
    "Every setting is an environment variable. Any of them may be read from a file instead: `CF_…_FILE` names it (for",
    "secrets mounted by Docker, Kubernetes or systemd); a named file that is not there is an error. The variable itself",
    "comes before its file; an empty variable counts as not set.",
    "",
    "| setting | default | meaning |",
    "|---|---|---|",
]


def test_the_page_says_what_the_code_says() -> None:
    assert PAGE.read_text(encoding="utf-8") == page()
    assert all(field.description and field.description.endswith(".") for field in Settings.model_fields.values())
