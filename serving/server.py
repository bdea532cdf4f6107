"""`python -m serving.server` serves the site at MOVIEREC_LISTEN_HOST, within the bounds of `serving.connection`."""

import argparse
import functools
import logging
import resource
import sys
from collections.abc import Sequence
from typing import Any

import uvicorn
from fastapi import FastAPI

from movierec.settings import Settings, SettingsError
from serving.app import from_environment
from serving.connection import BoundedProtocol, ConnectionLimits

KEEP_ALIVE_SECONDS = 5
SHUTDOWN_SECONDS = 10  # for answers at work when the server is told to end; what is not done then is cut off
BACKLOG = 128  # connections that the system keeps until they are accepted
SPARE_FILES = 200  # open files beside the connections: mapped arrays, the database, images
EXIT_WRONG_SETTING = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Serves until a signal arrives. Gives the exit code: EXIT_WRONG_SETTING if a variable cannot be used."""
    parser = argparse.ArgumentParser(prog="python -m serving.server", description=__doc__)
    parser.add_argument("--port", type=int, help="instead of MOVIEREC_WEB_PORT")
    parser.add_argument("--log-level", choices=("info", "warning", "error"), default="info")
    given = parser.parse_args(arguments)
    try:
        settings = Settings.from_environment()
        app = from_environment()
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_WRONG_SETTING
    port = given.port or settings.web_port
    server = build_server(
        app,
        host=settings.listen_host,
        port=port,
        log_level=given.log_level,
        trusted_proxies=settings.trusted_proxies,
    )
    server.run()
    return 0 if server.started else 1


def build_server(
    app: FastAPI,
    *,
    port: int,
    host: str = "127.0.0.1",
    log_level: str = "info",
    limits: ConnectionLimits | None = None,
    trusted_proxies: str = "",
    shutdown_seconds: int = SHUTDOWN_SECONDS,
) -> uvicorn.Server:
    """The server of the app. Without `limits` they are the defaults, with as many connections as files may be open.

    The address and scheme in X-Forwarded-For and X-Forwarded-Proto are believed only of `trusted_proxies`: addresses
    and networks, separated by commas.
    """
    limits = limits or ConnectionLimits(connections=min(ConnectionLimits.connections, count_possible_connections()))
    protocol: Any = functools.partial(BoundedProtocol, limits=limits)
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        http=protocol,
        ws="none",
        lifespan="on",
        log_level=log_level,
        backlog=BACKLOG,
        server_header=False,
        proxy_headers=bool(trusted_proxies),
        forwarded_allow_ips=trusted_proxies,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=shutdown_seconds,
    )
    logging.getLogger("uvicorn.access").addFilter(drop_query)
    return uvicorn.Server(config)


def count_possible_connections() -> int:
    """How many connections may be open at once, after the limit of open files was raised as far as it goes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = ConnectionLimits.connections + SPARE_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return wanted if soft == resource.RLIM_INFINITY else max(50, soft - SPARE_FILES)


def drop_query(record: logging.LogRecord) -> bool:
    """Leaves the client's address and the query, which holds what was searched, out of a line of the access log."""
    if isinstance(record.args, tuple) and len(record.args) == 5:
        _client, method, path, *rest = record.args
        record.args = ("-", method, str(path).partition("?")[0], *rest)
    return True


if __name__ == "__main__":
    sys.exit(main())
