import io
import socket
import sys
from datetime import datetime

import pytest
from honcho.printer import Message

from assets.commands import servers


@pytest.fixture
def announcer(monkeypatch):
    out = io.StringIO()
    monkeypatch.setattr(sys, "stdout", out)
    return servers.AddressPrinter({"web": "http://127.0.0.1:8000", "dagster": "http://127.0.0.1:3000"}), out


def line(name, text):
    return Message(type="line", data=text, time=datetime(2020, 1, 1), name=name, colour=None)  # noqa: DTZ001


def test_addresses_are_named_once_when_all_answer(announcer):
    printer, out = announcer
    printer.write(line("web", b"INFO: Uvicorn running on http://127.0.0.1:8000\n"))
    assert "the site" not in out.getvalue()
    for _ in range(2):
        printer.write(line("dagster", b"Serving dagster-webserver on http://127.0.0.1:3000\n"))
    assert out.getvalue().count("http://127.0.0.1:8000   the site") == 1
    assert out.getvalue().count("http://127.0.0.1:3000   the Dagster UI") == 1


def test_a_port_in_use_is_said_before_anything_starts(monkeypatch, capsys):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        monkeypatch.setenv("MOVIEREC_WEB_PORT", str(port))
        assert servers.main(["web"]) == 2
    assert f"port {port} is in use; choose another: MOVIEREC_WEB_PORT={port + 1}" in capsys.readouterr().err
