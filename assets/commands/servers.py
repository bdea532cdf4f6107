"""`python -m assets.commands.servers web dagster daemon` keeps the named servers running and stops them together."""

import socket
import sys
from collections.abc import Mapping, Sequence, Set
from ipaddress import ip_address

from assets.commands.supervisor import OutputPrinter, run_servers
from movierec.settings import Settings, SettingsError
from resources import dagster_instance
from resources.mlflow_tracking import build_store_uri

IPV6_LOOPBACK = "::1"
READY_MESSAGE = "Uvicorn running on"  # what each of these servers prints when it answers
SERVER_NAMES = {"web": "the site", "dagster": "the Dagster UI", "mlflow": "the MLflow UI"}  # as people know them


def main(names: Sequence[str]) -> int:
    """Runs the servers until a signal arrives or one of them cannot be kept running. Gives the exit code."""
    try:
        settings = Settings.from_environment()
    except SettingsError as error:
        return _report_error(str(error))
    ports = {"web": settings.web_port, "dagster": settings.dagster_port, "mlflow": settings.mlflow_port}
    host = settings.listen_host
    addresses = {name: f"http://{_format_reachable_host(host)}:{ports[name]}" for name in names if name in ports}
    taken = [name for name in addresses if _is_port_taken(host, ports[name])]
    if taken:
        advice = " ".join(f"MOVIEREC_{name.upper()}_PORT={ports[name] + 1}" for name in taken)
        return _report_error(
            f"port {', '.join(str(ports[name]) for name in taken)} is in use; choose another: {advice}"
        )
    dagster_instance.prepare_dagster_home(settings)
    if {"dagster", "daemon"} & set(names):
        dagster_instance.migrate_dagster_storage()
    printer = OutputPrinter(names)
    notice = ReadyNotice(addresses, printer)
    return run_servers({name: _build_command(name, settings) for name in names}, printer, notice.print_line)


def _build_command(name: str, settings: Settings) -> list[str]:
    python = [sys.executable, "-m"]
    host = ["--host", settings.listen_host]
    mlflow_store = ["--backend-store-uri", build_store_uri(settings.layout.mlflow)]
    commands = {
        "web": [*python, "serving.server"],
        "dagster": [*python, "assets.commands.dagster_ui"],
        "daemon": [*python, "dagster._daemon", "run"],
        "mlflow": [
            *python,
            "mlflow",
            "server",
            *host,
            *_build_port_option(settings.mlflow_port),
            "--workers",
            "1",
            *_build_mlflow_guard(settings.ui_host_names),
            *mlflow_store,
        ],
    }
    return commands[name]


def _build_mlflow_guard(host_names: Set[str]) -> list[str]:
    """The options that let MLflow answer under these names alone, on any port, and to its own pages there."""
    names = sorted(host_names - {IPV6_LOOPBACK})
    hosts = [f"[{IPV6_LOOPBACK}]", f"[[]{IPV6_LOOPBACK}]:*", *_add_port_patterns(names)]  # [[] is [ in a pattern
    origins = _add_port_patterns([f"{scheme}://{name}" for name in names for scheme in ("http", "https")])
    return ["--allowed-hosts", ",".join(hosts), "--cors-allowed-origins", ",".join(origins)]


def _add_port_patterns(names: Sequence[str]) -> list[str]:
    return [pattern for name in names for pattern in (name, f"{name}:*")]


def _build_port_option(number: int) -> list[str]:
    return ["--port", str(number)]


class ReadyNotice:
    """Prints the output of the servers, and lists their addresses once all of them are ready."""

    def __init__(self, addresses: Mapping[str, str], printer: OutputPrinter) -> None:
        self._addresses, self._printer = addresses, printer
        self._waiting = set(addresses)

    def print_line(self, name: str, line: str) -> None:
        """Prints a line of a server; after the last server's ready message also the list of addresses."""
        self._printer.print_line(name, line)
        if name in self._waiting and READY_MESSAGE in line:
            self._waiting.discard(name)
            if not self._waiting:
                lines = [f"  {address}   {SERVER_NAMES[name]}" for name, address in self._addresses.items()]
                self._printer.print_text("\n" + "\n".join([*lines, "  Ctrl-C stops."]) + "\n\n")


def _format_reachable_host(host: str) -> str:
    """The host in an address at which this machine reaches a server that listens at `host`."""
    address = ip_address(host)
    if address.is_unspecified:
        return "127.0.0.1"
    return f"[{host}]" if address.version == 6 else host


def _is_port_taken(host: str, port: int) -> bool:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return True
    return False


def _report_error(message: str) -> int:
    sys.stderr.write(f"{message}\n")
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
