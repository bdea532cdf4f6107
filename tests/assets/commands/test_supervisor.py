"""Servers that die, hang and write, in real processes under a supervisor in a process of its own."""

import os
import re
import signal
import subprocess
import sys
import threading
import time

import psutil
import pytest

SUPERVISOR = """
import sys
from assets.commands import supervisor
supervisor.GRACE_SECONDS = 1.0
commands = {f"server{i}": [sys.executable, "-c", code] for i, code in enumerate(sys.argv[1:])}
sys.exit(supervisor.run_servers(commands, supervisor.OutputPrinter(list(commands))))
"""
SERVING = "import os, time; print('serving', os.getpid(), flush=True); time.sleep(60)"
DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + SERVING


class Supervised:
    def __init__(self, *codes):
        self.process = subprocess.Popen([sys.executable, "-c", SUPERVISOR, *codes], stdout=subprocess.PIPE, text=True)
        self.lines = []
        self.deadline = threading.Timer(60, self.process.kill)  # so that a line that never comes ends the test
        self.deadline.start()

    def wait_for(self, pattern):
        """The first match of the pattern in the lines that come from now on."""
        for line in self.process.stdout:
            self.lines.append(line)
            if found := re.search(pattern, line):
                return found
        raise AssertionError(f"{pattern} never came: {self.lines}")

    def stop(self, number=signal.SIGTERM):
        """The exit code, and the seconds that it took to stop."""
        self.process.send_signal(number)
        started = time.monotonic()
        self.lines += self.process.communicate(timeout=30)[0].splitlines()
        return self.process.returncode, time.monotonic() - started


@pytest.fixture
def supervise():
    running = []

    def start(*codes):
        running.append(Supervised(*codes))
        return running[-1]

    yield start
    for each in running:
        each.deadline.cancel()
        if each.process.poll() is None:
            each.stop()


def is_alive(pid):
    """False for a process that has ended, even if nobody has waited for it."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_server_that_dies_is_started_again_and_the_other_goes_on(supervise):
    pair = supervise(SERVING, SERVING)
    pids = dict(pair.wait_for(r"(server\d) +\| serving (\d+)").groups() for _ in range(2))
    os.kill(int(pids["server0"]), signal.SIGKILL)
    pair.wait_for(r"server0 \| was ended by SIGKILL; starting it again in 1 s")
    again = int(pair.wait_for(r"server0 \| serving (\d+)")[1])
    assert is_alive(again)
    assert is_alive(int(pids["server1"]))
    assert pair.stop()[0] == 0
    assert not is_alive(again)
    assert not is_alive(int(pids["server1"]))


def test_a_server_that_dies_again_and_again_ends_all_with_a_message(supervise):
    pair = supervise("raise SystemExit(3)", SERVING)
    serving = int(pair.wait_for(r"serving (\d+)")[1])
    pair.wait_for(r"server0 \| ended with code 3 4 times within 60 seconds; giving up")
    assert [line.count("starting it again in") for line in pair.lines].count(1) == 3
    pair.process.communicate(timeout=30)
    assert pair.process.returncode == 1
    assert not is_alive(serving)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_single_server_that_does_not_listen_is_killed_after_the_grace_time(supervise, number):
    deaf = supervise(DEAF)
    pid = int(deaf.wait_for(r"serving (\d+)")[1])
    code, seconds = deaf.stop(number)
    assert code == 0
    assert 1.0 <= seconds < 5.0
    assert any("did not stop within 1 s; killed" in line for line in deaf.lines)
    assert not is_alive(pid)


def test_what_a_server_has_started_is_stopped_too(supervise):
    parent = supervise(
        f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', {SERVING!r}]); time.sleep(60)"
    )
    child = int(parent.wait_for(r"serving (\d+)")[1])
    parent.stop()
    assert not is_alive(child)
