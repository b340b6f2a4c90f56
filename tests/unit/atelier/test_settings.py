from __future__ import annotations

import pytest

from atelier.settings import BadSettings, Settings, settings


@pytest.mark.parametrize(
    "secret", ["secret_key", "shop_database", "mes_database", "broker", "cache"]
)
def test_what_is_or_holds_a_secret_has_no_default(secret: str) -> None:
    assert Settings.model_fields[secret].is_required()


def test_no_setting_has_a_default_that_looks_like_a_secret() -> None:
    for name, field in Settings.model_fields.items():
        if any(word in name for word in ("secret", "password", "key", "token")):
            assert field.is_required() or field.default in (None, "production"), name


def test_what_is_missing_is_named_and_what_is_wrong_is_not_quoted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings.cache_clear()
    monkeypatch.setenv("ATELIER_UPLOAD_LIMIT", "hunter2")
    monkeypatch.delenv("ATELIER_SECRET_KEY", raising=False)

    with pytest.raises(BadSettings, match="ATELIER_SECRET_KEY: field required") as caught:
        settings()

    assert "ATELIER_UPLOAD_LIMIT" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_a_short_key_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    settings.cache_clear()
    monkeypatch.setenv("ATELIER_SECRET_KEY", "hunter2")

    with pytest.raises(BadSettings, match=r"ATELIER_SECRET_KEY: .* at least 32") as caught:
        settings()

    assert "hunter2" not in str(caught.value)
