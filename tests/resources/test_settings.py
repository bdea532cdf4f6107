from pathlib import Path

import pytest

from resources.settings import ROOT, Settings, SettingsError


def test_unset_and_empty_variables_mean_the_defaults():
    assert Settings.from_environment({}) == Settings.from_environment({"MOVIEREC_SOURCE": ""}) == Settings()
    assert Settings().home == ROOT / "data"


def test_variables_are_read():
    environment = {"MOVIEREC_HOME": "/srv/m", "MOVIEREC_SOURCE": "ml-32m", "MOVIEREC_WEB_PORT": "9"}
    settings = Settings.from_environment(environment | {"MOVIEREC_RETRAIN_CRON": "5 4 * * *"})
    assert (settings.home, settings.source, settings.web_port) == (Path("/srv/m"), "ml-32m", 9)
    assert settings.retrain_cron == "5 4 * * *"
    assert settings.published("1pct") == Path("/srv/m/published/1pct")


@pytest.mark.parametrize("port", ["0", "65536", "-1", "eighty", "８０00x"])
def test_a_port_that_is_none_is_refused(port):
    with pytest.raises(SettingsError, match=r"MOVIEREC_WEB_PORT is .*from 1 to 65535"):
        Settings.from_environment({"MOVIEREC_WEB_PORT": port})


def test_an_unknown_sample_is_refused():
    with pytest.raises(SettingsError, match="'5pct'; choose 1pct, 10pct, full"):
        Settings.from_environment({"MOVIEREC_SAMPLE": "5pct"})


@pytest.mark.parametrize("switch", ["reference", "tmdb_features"])
@pytest.mark.parametrize(("value", "on"), [("1", True), ("0", False), ("", False)])
def test_a_switch_is_switched_on_by_1(switch, value, on):
    assert getattr(Settings.from_environment({f"MOVIEREC_{switch.upper()}": value}), switch) is on


@pytest.mark.parametrize("variable", ["MOVIEREC_REFERENCE", "MOVIEREC_TMDB_FEATURES"])
def test_a_switch_that_is_neither_1_nor_0_is_refused(variable):
    with pytest.raises(SettingsError, match=f"{variable} is 'yes'; 1 is yes, 0 is no"):
        Settings.from_environment({variable: "yes"})


def test_a_size_that_is_none_is_refused():
    assert Settings.from_environment({"MOVIEREC_POSTER_CACHE_MB": "0"}).poster_cache_mb == 0
    with pytest.raises(SettingsError, match="MOVIEREC_POSTER_CACHE_MB is '1GB'; a whole number"):
        Settings.from_environment({"MOVIEREC_POSTER_CACHE_MB": "1GB"})
