"""The settings: variables of the environment, checked in one place. The graph and the site read the same object."""

import re
import sys
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, HttpUrl, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from movierec.bundles.versioned_folders import N_KEPT_VERSIONS
from movierec.data.sampling import SAMPLES
from movierec.home_layout import HomeLayout
from movierec.tmdb import images

ROOT = Path(__file__).parents[1]
UNSET = SecretStr("")
MIN_SECRET_LENGTH = 16

CRON_PART = re.compile(r"(?:\*|(\d\d?)(?:-(\d\d?))?)(?:/[1-9]\d?)?")
CRON_BOUNDS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
CRON_NAMES = {
    3: ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
    4: ["sun", "mon", "tue", "wed", "thu", "fri", "sat"],
}


HOST_NAME = re.compile(r"\s*[a-z0-9]([a-z0-9.-]*[a-z0-9])?\s*", re.IGNORECASE)
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
EXIT_WRONG_SETTING = 2  # of commands; as argparse ends for a wrong argument


class SettingsError(ValueError):
    """One or more variables cannot be used; a line for each of them says what is wanted."""


def check_home(home: Path) -> Path:
    """The absolute path. Raises ValueError where something else than a folder is there."""
    if home.exists() and not home.is_dir():
        raise ValueError
    return home.absolute()


def check_sample(sample: str) -> str:
    """`sample`. Raises ValueError where there is none of that name."""
    if sample not in SAMPLES:
        raise ValueError
    return sample


def check_cron(text: str) -> str:
    """`text`, five fields of cron. Raises ValueError where it is something else."""
    fields = text.split()
    if len(fields) != len(CRON_BOUNDS) or not all(map(_is_cron_field, range(len(fields)), fields)):
        raise ValueError
    return text


def _is_cron_field(at: int, field: str) -> bool:
    low, high = CRON_BOUNDS[at]
    text = field.lower()
    for number, name in enumerate(CRON_NAMES.get(at, ()), start=low):
        text = re.sub(rf"\b{name}\b", str(number), text)
    parts = [CRON_PART.fullmatch(part) for part in text.split(",")]
    spans = [[int(number) for number in part.groups() if number] for part in parts if part]
    return all(parts) and all(span == sorted(span) and all(low <= n <= high for n in span) for span in spans)


def check_timezone(name: str) -> str:
    """`name`. Raises ValueError where no time zone has it."""
    try:
        ZoneInfo(name)
    except (KeyError, OSError) as error:  # a KeyError is an unknown name, an OSError the name of a group of zones
        raise ValueError from error
    return name


def check_web_address(url: str) -> str:
    """`url` without a slash at its end. Raises ValueError where it is no address of http or https."""
    if not url.startswith(("http://", "https://")):
        raise ValueError
    HttpUrl(url)
    return url.rstrip("/")


def check_public_url(url: str) -> str:
    """`url` without a slash at its end. Raises ValueError where it is more than scheme, host and port."""
    found = check_web_address(url)
    parts = urlsplit(found)
    if not parts.hostname or "@" in parts.netloc or parts.path or parts.query or parts.fragment:
        raise ValueError
    return found


def check_networks(text: str) -> str:
    """The addresses and networks in `text`, separated by commas. Raises ValueError where one is neither."""
    return ",".join(str(ip_network(each)) for each in re.split(r"[\s,]+", text))


def check_ip_address(text: str) -> str:
    """`text`, an IP address of version 4 or 6. Raises ValueError where it is none."""
    return str(ip_address(text))


def split_secrets(text: str) -> list[str]:
    """The secrets in `text`, separated by commas."""
    return [each for each in re.split(r"[\s,]+", text) if each]


def check_secrets(text: SecretStr) -> SecretStr:
    """`text`. Raises ValueError where one of its secrets is shorter than MIN_SECRET_LENGTH."""
    if any(len(each) < MIN_SECRET_LENGTH for each in split_secrets(text.get_secret_value())):
        raise ValueError
    return text


def check_webhook(url: SecretStr) -> SecretStr:
    """`url`. Raises ValueError where it is no address of http or https; the error repeats nothing of it."""
    try:
        check_web_address(url.get_secret_value())
    except ValueError:
        raise ValueError("not an address of http or https") from None
    return url


def check_host_names(text: str) -> str:
    """`text`, names of hosts with commas between them. Raises ValueError where a part is no such name."""
    if not all(map(HOST_NAME.fullmatch, text.split(","))):
        raise ValueError
    return text


def read_api_keys(text: SecretStr) -> SecretStr:
    """The keys in `text`, or in the file that it names after an `@`.

    Raises ValueError where the file cannot be read, where there is no key, and where one is too short.
    """
    given = text.get_secret_value()
    if given.startswith("@"):
        try:
            given = Path(given[1:]).expanduser().read_text()
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError from error
    if not split_secrets(given):
        raise ValueError
    return check_secrets(SecretStr(given))


def parse_database_url(url: str) -> URL:
    """The SQLite file or PostgreSQL database that `url` names, with psycopg as PostgreSQL's driver.

    Raises ValueError, which repeats nothing of the URL, also where an unescaped sign or a password in the query would
    let a part of the password pass for something that error messages show.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise ValueError("not a database URL") from None
    backend = parsed.drivername.partition("+")[0]
    if backend == "sqlite" and not parsed.host and parsed.database not in {None, "", ":memory:"}:
        return parsed.set(drivername="sqlite")
    credentials = url.partition("://")[2].rpartition("@")[0]
    is_unambiguous = not set("/?@") & set(credentials) and "password" not in parsed.query
    if backend in {"postgres", "postgresql"} and is_unambiguous:
        return parsed.set(drivername="postgresql+psycopg")
    raise ValueError("not the URL of a SQLite file or a PostgreSQL database")


def check_database_url(url: SecretStr) -> SecretStr:
    """`url`. Raises ValueError where `parse_database_url` does."""
    if url:
        parse_database_url(url.get_secret_value())
    return url


def check_dagster_database_url(url: SecretStr) -> SecretStr:
    """`url`. Raises ValueError where it is not a PostgreSQL database."""
    check_database_url(url)
    if url.get_secret_value().startswith("sqlite"):
        raise ValueError("not the URL of a PostgreSQL database")
    return url


Sample = Annotated[
    str, AfterValidator(check_sample), Field(description=f"one of {', '.join(SAMPLES)} (SAMPLE=... in make)")
]
Port = Annotated[int, Field(ge=1, le=65_535, description="a port, a number from 1 to 65535")]
Megabytes = Annotated[int, Field(ge=0, description="a whole number of megabytes")]
Days = Annotated[int, Field(ge=1, le=36_500, description="a number of days, 1 or more")]
Switch = Annotated[bool, Field(description="1, true, yes or on to switch it on, or 0, false, no or off")]
WebAddress = Annotated[
    str, AfterValidator(check_web_address), Field(description="an address that begins with http:// or https://")
]
Secret = Annotated[SecretStr, Field(min_length=MIN_SECRET_LENGTH, description="at least 16 characters")]
PublicUrl = Annotated[
    str,
    AfterValidator(check_public_url),
    Field(description="an address such as https://movies.example, without a path"),
]
Networks = Annotated[
    str,
    AfterValidator(check_networks),
    Field(description="IP addresses or networks such as 127.0.0.1, 10.0.0.0/8, separated by commas"),
]
Workers = Annotated[int, Field(ge=1, le=64, description="a whole number of processes from 1 to 64")]
LogFormat = Annotated[Literal["text", "json"], Field(description="text or json")]
DatabaseUrl = Annotated[
    SecretStr,
    AfterValidator(check_database_url),
    Field(
        description="sqlite:///relative.db, sqlite:////absolute.db or postgresql://user:password@host/name, "
        "in user and password with %40 for @, %2F for /, %3F for ? and %25 for %"
    ),
]


IpAddress = Annotated[
    str,
    AfterValidator(check_ip_address),
    Field(description="an IP address, such as 127.0.0.1, or 0.0.0.0 for all of this machine"),
]


class Settings(BaseSettings):
    """Each field is the variable MOVIEREC_<FIELD>, but for two with names that others have given: TMDB_API_KEY and
    OTEL_EXPORTER_OTLP_ENDPOINT. An unset or blank one means the default.

    `home` is the root of everything written. `source` is looked at when the data is fetched
    (`resources.sources`), as a folder may come later.
    """

    model_config = SettingsConfigDict(
        env_prefix="MOVIEREC_", frozen=True, extra="forbid", validate_default=False, validate_by_name=True
    )

    home: Annotated[Path, AfterValidator(check_home), Field(description="a folder, or a path where none is yet")] = (
        ROOT / "data"
    )
    source: str = "demo"
    sample: Sample = "full"
    listen_host: IpAddress = "127.0.0.1"
    web_port: Port = 8000
    dagster_port: Port = 3000
    mlflow_port: Port = 5000
    reference: Switch = False
    tmdb_features: Switch = False
    retrain_cron: Annotated[
        str, AfterValidator(check_cron), Field(description="five fields of cron, such as 0 3 * * *")
    ] = "0 3 * * *"
    timezone: Annotated[
        str, AfterValidator(check_timezone), Field(description="a time zone, such as UTC or Europe/Berlin")
    ] = "UTC"
    automation: Switch = False
    alert_webhook: Annotated[
        SecretStr,
        AfterValidator(check_webhook),
        Field(description="an address that begins with http:// or https://"),
    ] = UNSET
    keep_days: Days = 30
    keep_bundles: Annotated[int, Field(ge=2, description="a number of bundles, 2 or more")] = N_KEPT_VERSIONS
    export_database_url: DatabaseUrl = UNSET
    admin_token: Secret = UNSET
    dagster_url: WebAddress = ""
    dagster_database_url: Annotated[
        SecretStr,
        AfterValidator(check_dagster_database_url),
        Field(description="postgresql://user:password@host/name"),
    ] = UNSET
    ui_hosts: Annotated[
        str,
        AfterValidator(check_host_names),
        Field(description="names of hosts without ports, with commas between them"),
    ] = ""
    database_url: DatabaseUrl = UNSET
    secret: Secret = UNSET
    old_secrets: Annotated[
        SecretStr,
        AfterValidator(check_secrets),
        Field(description="secrets of at least 16 characters each, separated by commas"),
    ] = UNSET
    require_account: Switch = False
    api_keys: Annotated[
        SecretStr,
        AfterValidator(read_api_keys),
        Field(description="keys of at least 16 characters each, separated by commas, or @ and the path of such a file"),
    ] = UNSET
    public_url: PublicUrl = ""
    trusted_proxies: Networks = ""
    workers: Workers = 1
    log_format: LogFormat = "text"
    metrics_token: Secret = UNSET
    otlp_endpoint: Annotated[WebAddress, Field(validation_alias="OTEL_EXPORTER_OTLP_ENDPOINT")] = ""
    tmdb_api: WebAddress = "https://api.themoviedb.org/3"
    tmdb_images: WebAddress = images.DEFAULT_HOST
    poster_cache_mb: Megabytes = images.DEFAULT_CACHE_MB
    tmdb_api_key: Annotated[SecretStr, Field(validation_alias="TMDB_API_KEY")] = UNSET

    @model_validator(mode="before")
    @classmethod
    def _drop_blanks(cls, given: dict[str, Any]) -> dict[str, Any]:
        """Strips texts and leaves out blank ones, so that their defaults hold."""
        stripped = {name: value.strip() if isinstance(value, str) else value for name, value in given.items()}
        return {name: value for name, value in stripped.items() if value != ""}

    @classmethod
    def from_environment(cls) -> Self:
        """Raises SettingsError, which names every variable that cannot be used."""
        try:
            return cls()
        except ValidationError as error:
            raise SettingsError("\n".join(describe_faults(error))) from None

    @classmethod
    def from_environment_or_exit(cls) -> Self:
        """As `from_environment`, for commands: a wrong variable ends the process with code 2 and a sentence."""
        try:
            return cls.from_environment()
        except SettingsError as error:
            sys.stderr.write(f"{error}\n")
            sys.exit(EXIT_WRONG_SETTING)

    @property
    def layout(self) -> HomeLayout:
        """The folders under `home`."""
        return HomeLayout(self.home)

    @property
    def dagster_address(self) -> str:
        """Where the Dagster UI answers: `dagster_url`, or `dagster_port` of this machine."""
        return self.dagster_url or f"http://127.0.0.1:{self.dagster_port}"

    @property
    def ui_host_names(self) -> frozenset[str]:
        """The names of hosts, in lower case, under which the pages of Dagster and MLflow may be opened.

        They are those of this machine, `ui_hosts`, and the one that the site uses (`dagster_url`).
        """
        named = {name.strip().lower() for name in self.ui_hosts.split(",")} | {
            urlsplit(self.dagster_url).hostname or ""
        }
        return LOOPBACK_NAMES | (named - {""})


def describe_faults(error: ValidationError) -> list[str]:
    """A sentence for each variable: its name, its value unless that may hold a password, and what is wanted."""
    found = []
    for fault in error.errors():
        variable = str(fault["loc"][0])  # pydantic names a field with an alias by the alias
        name = next((name for name in Settings.model_fields if name_variable(name) == variable), variable)
        field = Settings.model_fields[name]
        is_secret = field.annotation is SecretStr or "@" in str(fault["input"])
        said = "is not usable" if is_secret else f"is {fault['input']!r}"
        found.append(f"{name_variable(name)} {said}; wanted is {field.description}")
    return found


def name_variable(field: str) -> str:
    """The variable of the environment that a field of Settings is read from."""
    return str(Settings.model_fields[field].validation_alias or f"MOVIEREC_{field.upper()}")
