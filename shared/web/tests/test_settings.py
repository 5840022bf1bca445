"""Settings: read from the environment; what is missing or wrong is said in one line, without the value."""

import pytest
from pydantic import Field

from shared.web.settings import Settings, load_settings


class Own(Settings):
    size: int = Field(ge=1)


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*Own.model_fields,):
        monkeypatch.delenv(name.upper(), raising=False)
        monkeypatch.delenv(name, raising=False)


def test_what_is_set_is_read_and_secrets_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://u:hidden@h/d")
    monkeypatch.setenv("HTTP_PORT", "8001")
    monkeypatch.setenv("LOG_LEVEL", "")
    settings = load_settings(Settings)
    assert settings.need("database_url") == "postgresql://u:hidden@h/d"
    assert settings.need_port("http_port") == 8001
    assert (settings.topic_prefix, settings.log_level, settings.payout_hold_hours) == ("sponsio", "info", 72)
    assert "hidden" not in repr(settings)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("SIZE", None, "settings: SIZE: it is not set (environment)\n"),
        ("SIZE", "hidden", "SIZE: Input should be a valid integer"),
        ("HTTP_PORT", "70000", "HTTP_PORT: Input should be less than or equal to 65535"),
        ("TOPIC_PREFIX", "a.b hidden", "TOPIC_PREFIX: String should match"),
        ("PLATFORM_FEE_BASIS_POINTS", "10001", "PLATFORM_FEE_BASIS_POINTS"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    name: str, value: str | None, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SIZE", "1")
    if value is None:
        monkeypatch.delenv(name)
    else:
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as left:
        load_settings(Own)
    told = capsys.readouterr().err
    assert left.value.code == 2
    assert said in told
    assert told.count("\n") == 1
    assert "hidden" not in told


def test_what_a_role_needs_is_asked_for_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        load_settings(Settings).need("signing_secret")
    assert capsys.readouterr().err == "settings: SIGNING_SECRET is not set (environment)\n"
