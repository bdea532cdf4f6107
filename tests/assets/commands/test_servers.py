import io
import socket

from assets.commands import servers
from assets.commands.supervisor import OutputPrinter


def test_addresses_are_named_once_when_all_answer():
    out = io.StringIO()
    addresses = {"web": "http://127.0.0.1:8000", "dagster": "http://127.0.0.1:3000"}
    notice = servers.ReadyNotice(addresses, OutputPrinter(list(addresses), out))
    notice.print_line("web", "INFO: Uvicorn running on http://127.0.0.1:8000")
    assert "the site" not in out.getvalue()
    for _ in range(2):
        notice.print_line("dagster", "Serving dagster-webserver on http://127.0.0.1:3000")
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
