"""`python -m serving.server` serves the site at MOVIEREC_LISTEN_HOST, within the bounds of `serving.connection`."""

import argparse
import functools
import multiprocessing
import os
import resource
import shutil
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from movierec.settings import EXIT_WRONG_SETTING, LogFormat, Settings, SettingsError
from serving.app import create_app, from_environment
from serving.connection import BoundedProtocol, ConnectionLimits
from serving.observability.logging_config import build_logging_config
from serving.observability.metrics import FOLDER_VARIABLE

KEEP_ALIVE_SECONDS = 5
SHUTDOWN_SECONDS = 10  # for answers at work when the server is told to end; what is not done then is cut off
BACKLOG = 128  # connections that the system keeps until they are accepted
SPARE_FILES = 200  # open files beside the connections: mapped arrays, the database, images


def main(arguments: Sequence[str] | None = None) -> int:
    """Serves until a signal arrives. Gives the exit code: EXIT_WRONG_SETTING if a variable cannot be used."""
    parser = argparse.ArgumentParser(prog="python -m serving.server", description=__doc__)
    parser.add_argument("--port", type=int, help="instead of MOVIEREC_WEB_PORT")
    parser.add_argument("--log-level", choices=("info", "warning", "error"), default="info")
    given = parser.parse_args(arguments)
    try:
        settings = Settings.from_environment()
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_WRONG_SETTING
    app = create_app(settings, checks_host=True)
    port = given.port or settings.web_port
    options = {
        "host": settings.listen_host,
        "port": port,
        "log_level": given.log_level,
        "log_format": settings.log_format,
        "trusted_proxies": settings.trusted_proxies,
    }
    if settings.workers > 1:
        return serve_with_workers(settings.workers, settings.layout.metrics / str(port), **options)
    server = build_server(app, **options)
    server.run()
    return 0 if server.started else 1


def build_server(app: FastAPI, **options: Any) -> uvicorn.Server:
    """The server of the app in this process; for `options` see `build_config`."""
    return uvicorn.Server(build_config(app, **options))


def serve_with_workers(n_workers: int, metrics_folder: Path, **options: Any) -> int:
    """Serves with `n_workers` processes on one port until a signal arrives; one that ends is started again.

    The workers share their metrics through `metrics_folder`, which is emptied first. Gives the exit code: 1 if a
    worker could not start. For `options` see `build_config`.
    """
    shutil.rmtree(metrics_folder, ignore_errors=True)
    metrics_folder.mkdir(parents=True)
    os.environ[FOLDER_VARIABLE] = str(metrics_folder)  # for the workers, which are new interpreters
    config = build_config("serving.server:build_worker_app", **options)
    config.workers, config.factory = n_workers, True
    supervisor = Multiprocess(config, sockets=[config.bind_socket()])
    supervisor.run()
    return 1 if any(each.exitcode == STARTUP_FAILURE for each in supervisor.processes) else 0


def build_worker_app() -> FastAPI:
    """The app in a worker, which ends with the process that has started it."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=end_with_parent, args=(parent,), name="parent", daemon=True).start()
    return from_environment()


def end_with_parent(parent: Any) -> None:
    """Waits for the end of the parent, however it ends, then ends this process in the ordinary way."""
    parent.join()
    signal.raise_signal(signal.SIGTERM)


def build_config(
    app: FastAPI | str,
    *,
    port: int,
    host: str = "127.0.0.1",
    log_level: str = "info",
    log_format: LogFormat = "text",
    limits: ConnectionLimits | None = None,
    trusted_proxies: str = "",
    shutdown_seconds: int = SHUTDOWN_SECONDS,
) -> uvicorn.Config:
    """How to serve the app. Without `limits` they are the defaults, with as many connections as files may be open.

    The address and scheme in X-Forwarded-For and X-Forwarded-Proto are believed only of `trusted_proxies`: addresses
    and networks, separated by commas. With the log format "json" the app itself writes a line for each request.
    """
    limits = limits or ConnectionLimits(connections=min(ConnectionLimits.connections, count_possible_connections()))
    protocol: Any = functools.partial(BoundedProtocol, limits=limits)
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        http=protocol,
        ws="none",
        lifespan="on",
        log_config=build_logging_config(log_format, level=log_level),
        log_level=log_level,
        access_log=log_format == "text",
        backlog=BACKLOG,
        server_header=False,
        proxy_headers=bool(trusted_proxies),
        forwarded_allow_ips=trusted_proxies,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=shutdown_seconds,
    )


def count_possible_connections() -> int:
    """How many connections may be open at once, after the limit of open files was raised as far as it goes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = ConnectionLimits.connections + SPARE_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return wanted if soft == resource.RLIM_INFINITY else max(50, soft - SPARE_FILES)


if __name__ == "__main__":
    sys.exit(main())
