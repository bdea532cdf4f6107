"""Keeps servers running: starts them, forwards their output, restarts one that ends, stops all of them in time."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from itertools import cycle
from types import FrameType
from typing import TextIO

import psutil

MAX_DEATHS, DEATH_WINDOW_SECONDS = 4, 60.0  # so many within so long, and all servers are stopped
GRACE_SECONDS = 10.0  # from SIGTERM to SIGKILL
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)  # HUP: the terminal was closed
POLL_SECONDS = 0.1
MAX_LINE_BYTES = 2**16
COLOURS = ("36", "33", "32", "35")  # ANSI: cyan, yellow, green, magenta


class OutputPrinter:
    """Prints lines as `12:34:56 web    | line`, in a colour for each name if `out` is a terminal."""

    def __init__(self, names: Sequence[str], out: TextIO | None = None) -> None:
        self._out = out or sys.stdout
        self._width = max(map(len, names))
        self._colours = dict(zip(names, cycle(COLOURS), strict=False)) if self._out.isatty() else {}
        self._lock = threading.Lock()

    def print_line(self, name: str, line: str) -> None:
        prefix = f"{time.strftime('%H:%M:%S')} {name.ljust(self._width)} | "
        if name in self._colours:
            prefix = f"\033[{self._colours[name]}m{prefix}\033[0m"
        self.print_text(f"{prefix}{line}\n")

    def print_text(self, text: str) -> None:
        with self._lock:
            self._out.write(text)
            self._out.flush()


class Server:
    """One server: its command, its process in a session of its own, and when it died."""

    def __init__(self, name: str, command: Sequence[str], on_line: Callable[[str, str], None]) -> None:
        self.name, self.command, self._on_line = name, command, on_line
        self.process: subprocess.Popen[bytes] | None = None
        self._groups: list[int] = []  # ids of the process groups that may have living members
        self._deaths: deque[float] = deque(maxlen=MAX_DEATHS)
        self._start_at = 0.0

    def start_if_due(self) -> None:
        """Starts the process if there is none and the pause after its death is over."""
        if self.process is not None or time.monotonic() < self._start_at:
            return
        self.process = subprocess.Popen(
            self.command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._groups.append(self.process.pid)
        threading.Thread(target=self._forward_output, args=(self.process,), daemon=True).start()

    def note_death(self) -> str | None:
        """Plans a restart if the process has ended; gives a sentence about it. The pause doubles: 1, 2, 4 seconds."""
        if self.process is None or self.process.poll() is None:
            return None
        ending, self.process = describe_ending(self.process.returncode), None
        self._groups = list(filter(has_group, self._groups))  # what the server had started may still be at work
        now = time.monotonic()
        self._deaths.append(now)
        n_recent = sum(now - death <= DEATH_WINDOW_SECONDS for death in self._deaths)
        if n_recent == MAX_DEATHS:
            self._start_at = float("inf")
            return f"{ending} {MAX_DEATHS} times within {DEATH_WINDOW_SECONDS:.0f} seconds; giving up"
        pause = 2 ** (n_recent - 1)
        self._start_at = now + pause
        return f"{ending}; starting it again in {pause} s"

    @property
    def has_given_up(self) -> bool:
        return self._start_at == float("inf")

    def send_signal(self, number: signal.Signals) -> None:
        """Sends a signal to the server and to everything that it started."""
        for group in self._groups:
            with suppress(ProcessLookupError):
                os.killpg(group, number)

    def has_living_process(self) -> bool:
        """Whether the server or anything that it started is alive."""
        return any(map(has_group, self._groups))

    def reap(self) -> None:
        """Waits for the process, which has ended."""
        if self.process is not None:
            self.process.wait()

    def _forward_output(self, process: subprocess.Popen[bytes]) -> None:
        if process.stdout is None:
            return
        while line := process.stdout.readline(MAX_LINE_BYTES):
            self._on_line(self.name, line.decode(errors="replace").rstrip("\n"))


def run_servers(
    commands: Mapping[str, Sequence[str]], printer: OutputPrinter, on_line: Callable[[str, str], None] | None = None
) -> int:
    """Runs the commands until one of STOP_SIGNALS arrives, or until one of them ends again and again.

    Gives the exit code: 0 after a signal, 1 if a server could not be kept running. `on_line` receives the name of the
    server and each line of output; by default it is printed.
    """
    stop = threading.Event()

    def request_stop(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    previous = {number: signal.signal(number, request_stop) for number in STOP_SIGNALS}
    servers = [Server(name, command, on_line or printer.print_line) for name, command in commands.items()]
    try:
        while not stop.is_set() and not any(server.has_given_up for server in servers):
            for server in servers:
                if ending := server.note_death():
                    printer.print_line(server.name, ending)
                server.start_if_due()
            stop.wait(POLL_SECONDS)
    finally:
        stop_servers(servers, printer)
        for number, handler in previous.items():
            signal.signal(number, handler)
    return 1 if any(server.has_given_up for server in servers) else 0


def stop_servers(servers: Sequence[Server], printer: OutputPrinter) -> None:
    """Sends SIGTERM to all servers, and SIGKILL to those that are alive GRACE_SECONDS later."""
    end = time.monotonic() + GRACE_SECONDS
    for server in servers:
        server.send_signal(signal.SIGTERM)
    while any(server.has_living_process() for server in servers) and time.monotonic() < end:
        time.sleep(POLL_SECONDS)
    for server in servers:
        if server.has_living_process():
            printer.print_line(server.name, f"did not stop within {GRACE_SECONDS:.0f} s; killed")
            server.send_signal(signal.SIGKILL)
        server.reap()


def has_group(group: int) -> bool:
    """Whether the process group has a living member; one that nobody has waited for yet is dead."""
    return any(_is_member(process, group) for process in psutil.process_iter())


def _is_member(process: psutil.Process, group: int) -> bool:
    try:
        return os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE
    except (ProcessLookupError, psutil.NoSuchProcess):
        return False


def describe_ending(code: int) -> str:
    """How a process ended, from its return code."""
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
