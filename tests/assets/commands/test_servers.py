import io
import os
import socket
import subprocess
import sys

import httpx

from assets.commands import servers
from assets.commands.bench import find_free_port, wait_for_answer
from assets.commands.supervisor import OutputPrinter


def test_addresses_are_named_once_when_all_answer():
    out = io.StringIO()
    addresses = {"web": "http://127.0.0.1:8000", "dagster": "http://127.0.0.1:3000"}
    notice = servers.ReadyNotice(addresses, OutputPrinter(list(addresses), out))
    notice.print_line("web", "INFO: Uvicorn running on http://127.0.0.1:8000")
    assert "the site" not in out.getvalue()
    for _ in range(2):
        notice.print_line("dagster", "INFO: Uvicorn running on http://127.0.0.1:3000")
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


def test_mlflow_answers_under_its_own_names_alone_and_stops_on_a_signal(tmp_path):
    port = find_free_port()
    own = {"MOVIEREC_HOME": str(tmp_path), "MOVIEREC_MLFLOW_PORT": str(port), "MOVIEREC_UI_HOSTS": "mlflow.example"}
    (tmp_path / "mlflow").mkdir()
    command = [sys.executable, "-m", "assets.commands.servers", "mlflow"]
    with subprocess.Popen(command, env=os.environ | own, stdout=subprocess.DEVNULL) as process:
        page = f"http://127.0.0.1:{port}/"
        wait_for_answer(page, process, seconds=120)
        statuses = {
            host: httpx.get(page, headers={"Host": host}).status_code
            for host in ("localhost:5000", "127.0.0.1", "[::1]:5000", "mlflow.example", "elsewhere.example", "10.0.0.1")
        }
        asked = {
            origin: httpx.post(
                f"{page}ajax-api/2.0/mlflow/experiments/search", json={"max_results": 1}, headers={"Origin": origin}
            ).status_code
            for origin in ("https://mlflow.example", f"http://127.0.0.1:{port}", "https://elsewhere.example")
        }
        process.terminate()
        assert process.wait(30) == 0
    assert list(asked.values()) == [200, 200, 403]
    assert statuses == {
        "localhost:5000": 200,
        "127.0.0.1": 200,
        "[::1]:5000": 200,
        "mlflow.example": 200,
        "elsewhere.example": 403,
        "10.0.0.1": 403,
    }
