"""The settings of rewards and deletions."""

import pytest

from app.settings_loading import SettingsInvalid, load_settings

SECRET = "0123456789abcdef" * 2


def errors_of(**environ: str) -> str:
    with pytest.raises(SettingsInvalid) as caught:
        load_settings(environ)
    return "\n".join(caught.value.errors)


def test_production_needs_a_provider_and_a_secret_of_its_own() -> None:
    errors = errors_of(ENVIRONMENT="production")
    assert "REWARD_URL is required in production" in errors
    assert "ERASURE_SECRET is required in production" in errors


def test_elsewhere_both_may_be_missing() -> None:
    settings = load_settings({}).settings
    assert settings.reward_url is None
    assert len(settings.erasure_key) >= 32
    assert load_settings({"ERASURE_SECRET": SECRET}).settings.erasure_key == SECRET


@pytest.mark.parametrize(
    "url", ["http://rewards:8090/grants?team=7", "https://me:word@[::1]/x", "http://a.example"]
)
def test_an_address_of_the_provider_is_http(url: str) -> None:
    assert load_settings({"REWARD_URL": url}).settings.reward_url == url


@pytest.mark.parametrize(
    "url",
    [
        "rewards",
        "ftp://rewards/x",
        "http://",
        "http:///grants",
        "http://rewards:port/",
        "http://rewards:99999/",
        "http://rewards:0/",
        "http://re wards/",
        "http://[::1/",
        "//rewards/grants",
    ],
)
def test_what_is_no_such_address_is_refused_without_showing_it(url: str) -> None:
    errors = errors_of(REWARD_URL=url)
    assert errors.startswith("REWARD_URL: expected an address such as")


def test_a_secret_is_long_and_never_shown() -> None:
    errors = errors_of(ERASURE_SECRET="too short to keep")
    assert errors.startswith("ERASURE_SECRET: ")
    assert "too short to keep" not in errors


def test_a_mistyped_name_is_an_error() -> None:
    assert "did you mean REWARD_TIMEOUT_MS?" in errors_of(REWARD_TIMEOUT="5")
    assert "did you mean ERASURE_SECRET?" in errors_of(ERASURE_SECRETS=SECRET)
