from pathlib import Path

import pytest

from app.setting_types import AdmissionMode, Environment
from app.settings import Settings
from app.settings_loading import SETTING_BYTES_MAX, SettingsInvalid, load_settings, range_of
from middleware.admission import Share


def errors_of(environ: dict[str, str]) -> tuple[str, ...]:
    with pytest.raises(SettingsInvalid) as caught:
        load_settings(environ)
    return caught.value.errors


def test_an_empty_environment_is_a_local_machine() -> None:
    settings = load_settings({}).settings
    assert settings.environment is Environment.LOCAL
    assert (settings.host, settings.port, settings.operations_port) == ("127.0.0.1", 8000, 8080)
    assert settings.auth_enabled is False
    assert settings.drain_delay_s == 0
    assert settings.admission_mode is AdmissionMode.ENFORCE


def test_files_win_over_the_environment_and_that_over_defaults(tmp_path: Path) -> None:
    (tmp_path / "PORT").write_text("1001\n")
    (tmp_path / "..data").mkdir()
    loaded = load_settings(
        {"SETTINGS_DIR": str(tmp_path), "PORT": "1002", "OPERATIONS_PORT": "1003"}
    )
    assert loaded.settings.port == 1001
    assert loaded.settings.operations_port == 1003
    assert loaded.origins["port"] == "file"
    assert loaded.origins["operations_port"] == "environment"
    assert loaded.origins["host"] == "default"


def test_every_error_is_told_at_once_and_names_its_variable() -> None:
    errors = errors_of(
        {"PORT": "none", "DATABASE_POOL_SIZE": "0", "ADMISSION_LIMITT": "3", "ENVIRONMENT": "prod"}
    )
    assert [error.split("=")[0].split(" ")[0] for error in errors] == [
        "ADMISSION_LIMITT",
        "ENVIRONMENT",
        "PORT",
        "DATABASE_POOL_SIZE",
    ]
    assert "did you mean ADMISSION_LIMIT?" in errors[0]


def test_a_file_of_an_unknown_name_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "PROT").write_text("1")
    assert errors_of({"SETTINGS_DIR": str(tmp_path)}) == (
        "PROT (file): there is no such setting; did you mean PORT?",
    )


def test_a_settings_folder_that_is_not_there_is_an_error() -> None:
    [error] = errors_of({"SETTINGS_DIR": "/nowhere/at/all"})
    assert error.startswith("SETTINGS_DIR=/nowhere/at/all: ")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("HOST", "\udcff"),
        ("NAMESPACE", "\udcff"),
        ("DATABASE_URL", "\udcff"),
        ("DATA_DIR", "a\0b"),
    ],
)
def test_what_is_no_text_is_an_error_where_it_is_read(name: str, text: str) -> None:
    [error] = errors_of({name: text})
    assert error.startswith(f"{name}: it is not text")
    # Any bytes but zero name a folder.
    assert load_settings({"DATA_DIR": "/tmp/\udcff"}).settings.data_dir == Path("/tmp/\udcff")


def test_a_file_of_no_bounded_size_is_an_error(tmp_path: Path) -> None:
    with (tmp_path / "HOST").open("wb") as file:
        file.truncate(SETTING_BYTES_MAX + 1)
    [error] = errors_of({"SETTINGS_DIR": str(tmp_path)})
    assert error.endswith(f"it has more than 1 MB: '{tmp_path}/HOST'")


def test_other_programs_variables_are_none_of_our_business() -> None:
    load_settings({"PATH": "/bin", "port": "x", "HOSTNAME": "y", "OTEL_EXPORTER_OTLP_HEADERS": "z"})


@pytest.mark.parametrize("text", ["300", "300/s"])
def test_a_rate_is_a_number_with_or_without_its_unit(text: str) -> None:
    assert (
        load_settings({"ADMISSION_INITIALIZE_RATE": text}).settings.admission_initialize_rate == 300
    )


@pytest.mark.parametrize("text", ["0", "-1", "300/min", "fast", "1e3"])
def test_what_is_no_rate_is_refused(text: str) -> None:
    [error] = errors_of({"ADMISSION_INITIALIZE_RATE": text})
    assert error.startswith(f"ADMISSION_INITIALIZE_RATE={text}: expected a rate")


@pytest.mark.parametrize("name", ["ADMISSION_INITIALIZE_RATE", "ADMISSION_LIMIT"])
def test_auto_is_refused_until_capacity_is_measured(name: str) -> None:
    [error] = errors_of({name: "auto"})
    assert "not built yet" in error


def test_the_limit_follows_the_pool_unless_it_is_set() -> None:
    assert load_settings({"DATABASE_POOL_SIZE": "7"}).settings.limit == 7
    assert load_settings({"DATABASE_POOL_SIZE": "7", "ADMISSION_LIMIT": "3"}).settings.limit == 3


def test_production_takes_no_short_cuts_and_says_so_beside_other_errors() -> None:
    errors = errors_of({"ENVIRONMENT": "production", "AUTH_ENABLED": "false", "PORT": "-1"})
    assert any(error.startswith("PORT=-1") for error in errors)
    assert "AUTH_ENABLED=false is for local and test environments only" in errors
    assert "DATABASE_URL is required in production" in errors


def test_authentication_needs_the_keys_of_an_issuer_and_production_its_name() -> None:
    [error] = errors_of({"AUTH_ENABLED": "true"})
    assert error == "AUTH_KEYS is required, since AUTH_ENABLED is true"
    errors = errors_of({"ENVIRONMENT": "production"})
    assert {"AUTH_ISSUER is required in production", error} <= set(errors)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AUTH_ALGORITHMS", "HS256"),
        ("AUTH_ALGORITHMS", "none"),
        ("AUTH_ALGORITHMS", "RS256,HS256"),
        ("AUTH_ALGORITHMS", ","),
        ("AUTH_KEYS", "ftp://issuer.example/jwks"),
        ("AUTH_KEYS", "https://"),
        ("AUTH_LEEWAY_S", "301"),
        ("AUTH_VERIFY_SHARE", "1.1"),
        ("AUTH_VERIFY_SHARE", "0"),
        ("ADMISSION_TICKET_SECRET", "short"),
    ],
)
def test_tokens_and_tickets_are_checked_by_nothing_weak(name: str, value: str) -> None:
    settings = {"AUTH_ENABLED": "true", "AUTH_KEYS": "/keys.json", name: value}
    error, *_ = errors_of(settings)
    assert error.startswith(name)


def test_events_in_production_need_one_way_to_know_who_sends_them() -> None:
    needed = "EVENTS_TOKEN is required in production, or EVENTS_CLIENT_IDS or EVENTS_PERMISSION"
    assert needed in errors_of({"ENVIRONMENT": "production"})
    for name in ("EVENTS_CLIENT_IDS", "EVENTS_PERMISSION"):
        assert needed not in errors_of({"ENVIRONMENT": "production", name: "events"})
        [error] = errors_of({"ENVIRONMENT": "test", name: "events"})
        assert error == f"{name} needs AUTH_ENABLED=true: no token of a client is looked at"


def test_what_only_another_layer_can_check_is_told_with_the_rest() -> None:
    def refuse(_: str) -> None:
        raise ValueError("DATABASE_URL is no address")

    with pytest.raises(SettingsInvalid) as caught:
        load_settings({"DATABASE_URL": "x", "PORT": "y"}, {"database_url": refuse})
    assert caught.value.errors[0] == "DATABASE_URL is no address"
    assert caught.value.errors[1].startswith("PORT=y")


def test_a_wrong_database_address_is_never_shown() -> None:
    errors = errors_of({"DATABASE_URL": "postgresql://u:secret@h/d", "PORT": "x"})
    assert "secret" not in " ".join(errors)


def test_two_listeners_need_two_ports_unless_the_system_chooses() -> None:
    [error] = errors_of({"PORT": "8000", "OPERATIONS_PORT": "8000"})
    assert "both 8000" in error
    load_settings({"PORT": "0", "OPERATIONS_PORT": "0"})


def test_more_places_than_connections_would_queue_inside_the_pool() -> None:
    [error] = errors_of({"ADMISSION_LIMIT": "11", "DATABASE_POOL_SIZE": "10"})
    assert error.startswith("ADMISSION_LIMIT=11")


def test_the_weights_name_every_share_once() -> None:
    weights = load_settings(
        {"ADMISSION_WEIGHTS": " logins=1, events=1000,gameplay=20"}
    ).settings.weights
    assert weights == {Share.LOGINS: 1, Share.EVENTS: 1000, Share.GAMEPLAY: 20}


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("events=2,gameplay=8", "logins is missing"),
        ("events=2,gameplay=8,logins=6,login=1", "there is no share 'login'"),
        ("events=2,gameplay=8,logins=6,events=3", "events stands there twice"),
        ("events=0,gameplay=8,logins=6", "events has '0', not a whole number from 1 to 1000"),
        ("events=2,gameplay=-8,logins=6", "gameplay has '-8', not a whole number"),
        ("events=2,gameplay=8,logins=1001", "logins has '1001', not a whole number"),
        ("events=2,gameplay=8,logins=1.5", "logins has '1.5', not a whole number"),
        ("events=2,gameplay=8,logins", "logins has '', not a whole number"),
        ("2,8,6", "events is missing"),
        ("events=1", "gameplay is missing"),
    ],
)
def test_weights_that_are_wrong_are_told_by_name(text: str, wrong: str) -> None:
    [error] = errors_of({"ADMISSION_WEIGHTS": text})
    assert error.startswith(f"ADMISSION_WEIGHTS={text}: ")
    assert wrong in error


@pytest.mark.parametrize("grace", ["0", "3600"])
def test_a_moment_may_be_late_by_nothing_or_by_an_hour(grace: str) -> None:
    settings = load_settings({"ADMISSION_SLOT_GRACE_S": grace}).settings
    assert settings.admission_slot_grace_s == int(grace)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("ADMISSION_SLOT_GRACE_S", "3601"),
        ("ADMISSION_SLOT_GRACE_S", "-1"),
        ("ADMISSION_INITIALIZE_BURST", "0"),
        ("ADMISSION_EVENTS_WAIT_MS", "60001"),
    ],
)
def test_what_is_out_of_range_is_told_by_name(name: str, text: str) -> None:
    [error] = errors_of({name: text})
    assert error.startswith(f"{name}={text}: ")


def test_a_wait_that_the_longest_of_all_cuts_is_an_error() -> None:
    [error] = errors_of({"ADMISSION_LOGINS_WAIT_MS": "5000"})
    assert error.startswith("ADMISSION_LOGINS_WAIT_MS=5000 is above ADMISSION_WAIT_MS_MAX=2000")
    load_settings({"ADMISSION_LOGINS_WAIT_MS": "5000", "ADMISSION_WAIT_MS_MAX": "5000"})
    load_settings({"ADMISSION_WAIT_MS_MAX": "0"})


@pytest.mark.parametrize("empty", ["", " "])
def test_an_empty_variable_is_not_set(empty: str) -> None:
    """Of HOST it would mean every address, and of DATA_DIR this folder."""
    names = {name.upper(): empty for name in Settings.model_fields}
    loaded = load_settings(names)
    assert loaded.settings == load_settings({}).settings
    assert set(loaded.origins.values()) == {"default"}


def test_an_empty_opentelemetry_variable_is_not_set() -> None:
    assert (
        load_settings({"OTEL_EXPORTER_OTLP_ENDPOINT": ""}).settings.otel_exporter_otlp_endpoint
        is None
    )


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("port", "0 to 65535"),
        ("admission_mode", "off | enforce"),
        ("admission_initialize_rate", "above 0 to 1000000"),
        ("admission_limit", "1 to 10000"),
        ("auth_enabled", "true | false"),
        ("database_url", "text"),
    ],
)
def test_a_person_is_told_which_values_a_setting_takes(name: str, values: str) -> None:
    assert range_of(name) == values


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"ENVIRONMENT": "local"}, True),
        ({"ENVIRONMENT": "test"}, False),
        ({"ENVIRONMENT": "test", "OPERATIONS_TOKEN": "o" * 16}, True),
    ],
)
def test_outside_local_the_clock_can_be_set_by_whoever_has_a_token(
    settings: dict[str, str], *, expected: bool
) -> None:
    assert load_settings(settings).settings.clock_may_be_set is expected
