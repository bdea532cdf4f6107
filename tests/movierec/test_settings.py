import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from movierec.settings import ROOT, Settings, SettingsError, name_variable, parse_database_url


@pytest.fixture
def read(monkeypatch):
    """Settings of an environment with the given variables."""

    def read(**variables):
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        return Settings.from_environment()

    return read


def test_unset_and_blank_variables_mean_the_defaults(read):
    defaults = read()
    assert defaults.home == ROOT / "data"
    assert read(**{name_variable(field): " " for field in Settings.model_fields}) == defaults


def test_variables_are_read(read, tmp_path):
    settings = read(
        MOVIEREC_HOME=str(tmp_path),
        MOVIEREC_SOURCE="ml-32m",
        MOVIEREC_WEB_PORT=" 9 ",
        MOVIEREC_RETRAIN_CRON="5 4 * * *",
        MOVIEREC_TMDB_API="https://tmdb.example/3/",
        MOVIEREC_POSTER_CACHE_MB="0",
        TMDB_API_KEY="key",
    )
    assert (settings.home, settings.source, settings.web_port) == (tmp_path, "ml-32m", 9)
    assert (settings.retrain_cron, settings.tmdb_api) == ("5 4 * * *", "https://tmdb.example/3")
    assert (settings.poster_cache_mb, settings.tmdb_api_key.get_secret_value()) == (0, "key")


@pytest.mark.parametrize("switch", ["reference", "tmdb_features", "require_account", "automation"])
@pytest.mark.parametrize(
    ("values", "on"), [(("1", "true", "Yes", "on"), True), (("0", "false", "NO", "off", ""), False)]
)
def test_all_switches_are_switched_by_the_same_words(read, switch, values, on):
    for value in values:
        assert getattr(read(**{name_variable(switch): value}), switch) is on


@pytest.mark.parametrize(
    ("variable", "value", "wanted"),
    [
        ("MOVIEREC_HOME", __file__, "a folder"),
        ("MOVIEREC_SAMPLE", "5pct", "one of 1pct, 10pct, full"),
        ("MOVIEREC_LISTEN_HOST", "everywhere", "0.0.0.0 for all"),
        ("MOVIEREC_WEB_PORT", "0", "from 1 to 65535"),
        ("MOVIEREC_DAGSTER_PORT", "65536", "from 1 to 65535"),
        ("MOVIEREC_MLFLOW_PORT", "８０00x", "from 1 to 65535"),
        ("MOVIEREC_REFERENCE", "maybe", "1, true, yes or on"),
        ("MOVIEREC_REQUIRE_ACCOUNT", "2", "1, true, yes or on"),
        ("MOVIEREC_RETRAIN_CRON", "60 3 * * *", "five fields of cron"),
        ("MOVIEREC_RETRAIN_CRON", "0 3 * *", "five fields of cron"),
        ("MOVIEREC_TIMEZONE", "Europe", "a time zone"),
        ("MOVIEREC_TIMEZONE", "Mars/Olympus", "a time zone"),
        ("MOVIEREC_TMDB_API", "ftp://tmdb.example", "http:// or https://"),
        ("MOVIEREC_TMDB_IMAGES", "https://", "http:// or https://"),
        ("MOVIEREC_DAGSTER_URL", "localhost:3000", "http:// or https://"),
        ("MOVIEREC_KEEP_BUNDLES", "1", "a number of bundles, 2 or more"),
        ("MOVIEREC_KEEP_DAYS", "0", "a number of days, 1 or more"),
        ("MOVIEREC_UI_HOSTS", "http://dagster.example", "names of hosts without ports"),
        ("MOVIEREC_UI_HOSTS", "dagster.example:3000", "names of hosts without ports"),
        ("MOVIEREC_UI_HOSTS", "a.example,,b.example", "names of hosts without ports"),
        ("MOVIEREC_POSTER_CACHE_MB", "1GB", "a whole number of megabytes"),
        ("MOVIEREC_POSTER_CACHE_MB", "-1", "a whole number of megabytes"),
    ],
)
def test_a_fault_is_one_line_with_variable_value_and_what_is_wanted(read, variable, value, wanted):
    with pytest.raises(SettingsError) as error:
        read(**{variable: value})
    assert re.fullmatch(rf"{variable} is {re.escape(repr(value))}; wanted is .*{re.escape(wanted)}.*", str(error.value))


def test_the_pages_of_operators_are_opened_under_names_of_this_machine_and_those_of_settings(read):
    own = {"localhost", "127.0.0.1", "::1"}
    assert read().ui_host_names == own
    named = read(MOVIEREC_UI_HOSTS="Dagster.example, b.example", MOVIEREC_DAGSTER_URL="http://dagster:3000")
    assert named.ui_host_names == own | {"dagster.example", "b.example", "dagster"}


def test_all_faults_are_told_at_once(read):
    with pytest.raises(SettingsError) as error:
        read(MOVIEREC_SAMPLE="5pct", MOVIEREC_WEB_PORT="x", MOVIEREC_SECRET="short")
    lines = str(error.value).splitlines()
    assert [line.split()[0] for line in lines] == ["MOVIEREC_SAMPLE", "MOVIEREC_WEB_PORT", "MOVIEREC_SECRET"]


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("MOVIEREC_SECRET", "hid"),
        ("MOVIEREC_OLD_SECRETS", "a long enough secret,hid"),
        ("MOVIEREC_ADMIN_TOKEN", "hid"),
        ("MOVIEREC_DATABASE_URL", "mysql://me:hid@there/films"),
        ("MOVIEREC_EXPORT_DATABASE_URL", "hid"),
        ("MOVIEREC_DAGSTER_DATABASE_URL", "sqlite:////tmp/hid.db"),
        ("MOVIEREC_DAGSTER_DATABASE_URL", "mysql://me:hid@there/runs"),
        ("MOVIEREC_DAGSTER_URL", "ftp://me:hid@there"),
        ("MOVIEREC_ALERT_WEBHOOK", "chat.example/hid"),
    ],
)
def test_a_fault_never_tells_a_secret(read, variable, value):
    with pytest.raises(SettingsError, match=f"^{variable} is not usable; wanted is ") as error:
        read(**{variable: value})
    assert "hid" not in str(error.value)


def test_secrets_are_not_shown():
    settings = Settings(
        admin_token="hidden" * 3,
        old_secrets="hidden" * 3,
        secret="hidden" * 3,
        tmdb_api_key="hidden",
        database_url="sqlite:///hidden",
        alert_webhook="https://chat.example/hidden",
    )
    assert "hidden" not in repr(settings)


CRON_NUMBERS = st.integers(0, 13)
CRON_FIELDS = st.one_of(
    st.just("*"),
    st.builds("{}".format, CRON_NUMBERS),
    st.builds("{}-{}".format, CRON_NUMBERS, CRON_NUMBERS),
    st.builds("*/{}".format, CRON_NUMBERS),
    st.builds("{}-{}/{}".format, CRON_NUMBERS, CRON_NUMBERS, CRON_NUMBERS),
    st.builds("{},{}".format, CRON_NUMBERS, CRON_NUMBERS),
    st.sampled_from(["mon", "mon-fri", "JAN", "jan,mar", "x", "", "/5", "1-", "99"]),
)


@given(st.lists(CRON_FIELDS, min_size=4, max_size=6).map(" ".join))
def test_dagster_accepts_every_cron_that_the_settings_accept(cron):
    from dagster._utils.schedules import is_valid_cron_string

    from movierec.settings import check_cron

    try:
        accepted = check_cron(cron)
    except ValueError:
        return
    assert is_valid_cron_string(accepted)


@pytest.mark.parametrize("cron", ["0 3 * * *", "*/15 0-6/2 1,15 jan-mar mon-fri", "0 0 * * SUN", "5 4 31 12 7"])
def test_usual_crons_are_accepted(cron):
    assert Settings(retrain_cron=cron).retrain_cron == cron


@pytest.mark.parametrize("given", ["postgres://u@h/d", "postgresql://u@h/d", "postgresql+psycopg://u@h/d"])
def test_postgresql_is_spoken_by_psycopg(given):
    assert parse_database_url(given).drivername == "postgresql+psycopg"


def test_an_escaped_password_is_read():
    url = parse_database_url("postgresql://me:a%2Fb%40c@there:5/films")
    assert (url.username, url.password, url.host, url.port, url.database) == ("me", "a/b@c", "there", 5, "films")


@pytest.mark.parametrize("url", ["sqlite:///films.db", "sqlite+pysqlite:///films.db?mode=rw"])
def test_a_sqlite_url_names_a_file(url):
    assert (parse_database_url(url).drivername, parse_database_url(url).database) == ("sqlite", "films.db")


@pytest.mark.parametrize(
    "url",
    [
        "sqlite://",
        "sqlite:///",
        "sqlite:///?mode=rw",
        "sqlite://hid.db",
        "sqlite:///:memory:",
        "nonsense",
        "mysql://me:hid/den@there/films",
        "postgresql://me:hid/den@127.0.0.1:1/films",
        "postgresql://me:hid?den@127.0.0.1:1/films",
        "postgresql://me:hid@den@127.0.0.1:1/films",
        "postgresql://me:hid@den/hid@127.0.0.1:1/films",
        "postgresql://me/you:hid@127.0.0.1:1/films",
        "postgresql://me:hidden",
        "postgresql://me:hidden/films",
        "postgresql://127.0.0.1:1/films?user=me&password=hid@den",
        "postgresql://127.0.0.1:1/films?user=me&password=hid",
        "postgres:me:hid/den@127.0.0.1:1/films",
        "me:hid/den@127.0.0.1:1/films",
        "me:hid://den@127.0.0.1:1/films",
    ],
)
def test_a_database_url_that_may_be_misread_is_refused_without_a_word_of_it(url):
    with pytest.raises(ValueError, match="not ") as error:
        parse_database_url(url)
    assert "hid" not in str(error.value)
    assert "den" not in str(error.value)
