"""`python -m assets.commands.servers web dagster daemon` starts the named servers together and stops them together."""

import shlex
import socket
import sys
from collections.abc import Sequence

from honcho.manager import Manager
from honcho.printer import Message, Printer

from movierec.settings import Settings, SettingsError
from resources import dagster_instance
from resources.mlflow_tracking import build_store_uri

# What a server prints when it answers, and what it is to people.
READY_MESSAGES = {
    "web": ("Uvicorn running on", "the site"),
    "dagster": ("Serving dagster-webserver on", "the Dagster UI"),
    "mlflow": ("Uvicorn running on", "the MLflow UI"),
}


def main(names: Sequence[str]) -> int:
    """Runs the servers until a signal arrives or one of them ends; then stops the others. Gives the exit code."""
    try:
        settings = Settings.from_environment()
    except SettingsError as error:
        return _report_error(str(error))
    ports = {"web": settings.web_port, "dagster": settings.dagster_port, "mlflow": settings.mlflow_port}
    addresses = {name: f"http://127.0.0.1:{ports[name]}" for name in names if name in ports}
    taken = [name for name in addresses if _is_port_taken(ports[name])]
    if taken:
        advice = " ".join(f"MOVIEREC_{name.upper()}_PORT={ports[name] + 1}" for name in taken)
        return _report_error(
            f"port {', '.join(str(ports[name]) for name in taken)} is in use; choose another: {advice}"
        )
    dagster_instance.prepare_dagster_home(settings.layout.dagster)
    manager = Manager(AddressPrinter(addresses))
    for name in names:
        manager.add_process(name, shlex.join(_build_command(name, settings)))
    manager.loop()
    return 0 if manager.returncode in (0, 130, 143) else manager.returncode or 1


def _build_command(name: str, settings: Settings) -> list[str]:
    python = [sys.executable, "-m"]
    host = ["--host", "127.0.0.1"]
    mlflow_store = ["--backend-store-uri", build_store_uri(settings.layout.mlflow)]
    commands = {
        "web": [*python, "serving.server"],
        "dagster": [*python, "dagster_webserver", *host, *_build_port_option(settings.dagster_port)],
        "daemon": [*python, "dagster._daemon", "run"],
        "mlflow": [
            *python,
            "mlflow",
            "server",
            *host,
            *_build_port_option(settings.mlflow_port),
            "--workers",
            "1",
            *mlflow_store,
        ],
    }
    return ["exec", *commands[name]]  # in the place of the shell, so that signals reach the server itself


def _build_port_option(number: int) -> list[str]:
    return ["--port", str(number)]


class AddressPrinter(Printer):  # type: ignore[misc]  # honcho has no types
    """Prints the output of the servers, and lists their addresses once all of them are ready."""

    def __init__(self, addresses: dict[str, str]) -> None:
        super().__init__(sys.stdout)
        self.addresses = addresses
        self._waiting = set(addresses)

    def write(self, message: Message) -> None:
        """Prints a message; after the last server's ready message also the list of addresses."""
        super().write(message)
        text = message.data.decode(errors="replace") if isinstance(message.data, bytes) else str(message.data)
        if message.name in self._waiting and READY_MESSAGES[message.name][0] in text:
            self._waiting.discard(message.name)
            if not self._waiting:
                lines = [f"  {address}   {READY_MESSAGES[name][1]}" for name, address in self.addresses.items()]
                self.output.write("\n" + "\n".join([*lines, "  Ctrl-C stops."]) + "\n\n")
                self.output.flush()


def _is_port_taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def _report_error(message: str) -> int:
    sys.stderr.write(f"{message}\n")
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
