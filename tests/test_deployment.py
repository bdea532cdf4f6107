"""What containers, systemd and the workflow are told is what the code does."""

import importlib.util
import itertools
import os
import re
import shutil
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
import sqlalchemy
import yaml

from assets.commands.bench import find_free_port
from movierec.settings import Settings, name_variable
from tests import postgres, rehearse_image

ROOT = Path(__file__).parents[1]
DEPLOYMENT = ROOT / "resources" / "deployment"
COMPOSE = yaml.safe_load((DEPLOYMENT / "compose.yaml").read_text())
SERVICES = COMPOSE["services"]
DOCKERFILE = (DEPLOYMENT / "Dockerfile").read_text().replace("\\\n", " ").splitlines()
ENV_EXAMPLE = (ROOT / ".env.example").read_text()
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
OF_COMPOSE = {"POSTGRES_PASSWORD", "SITE_DATABASE_PASSWORD", "DAGSTER_DATABASE_PASSWORD"}


def read_example(pattern=r"^#?(\w+)=(.*)$"):
    return dict(re.findall(pattern, ENV_EXAMPLE, flags=re.MULTILINE))


def test_the_example_of_variables_names_every_setting_once_and_changes_no_default(monkeypatch):
    names = re.findall(r"^#?(\w+)=", ENV_EXAMPLE, flags=re.MULTILINE)
    assert sorted(names) == sorted({*map(name_variable, Settings.model_fields), *OF_COMPOSE})
    for name, value in read_example().items():
        monkeypatch.setenv(name, value)
    assert Settings.from_environment() == Settings()


def test_every_variable_of_the_compose_file_is_in_the_example_and_has_to_be_set():
    named = re.findall(r"\$\{(\w+)(:\?)?", (DEPLOYMENT / "compose.yaml").read_text())
    assert {name for name, _ in named} == {*OF_COMPOSE, "MOVIEREC_PUBLIC_URL"}
    assert all(required for _, required in named)
    assert set(read_example(r"^(\w+)=(.*)$")) >= {name for name, _ in named}


def test_what_the_compose_file_sets_itself_is_a_comment_in_the_example():
    own = {name for each in SERVICES.values() for name in each.get("environment", {}) if name.startswith("MOVIEREC_")}
    commented = set(read_example(r"^#(\w+)=(.*)$"))
    assert own - {"MOVIEREC_PUBLIC_URL"} == commented


def list_app_services():
    return {name: each for name, each in SERVICES.items() if each["image"] == "movierec:local"}


def test_settings_of_every_service_are_usable(monkeypatch):
    for service in list_app_services().values():
        with monkeypatch.context() as patch:
            for name, value in service["environment"].items():
                patch.setenv(name, re.sub(r"\$\{\w+:\?.*?\}", "secret", str(value)))
            settings = Settings.from_environment()
        assert (settings.listen_host, settings.home) == ("0.0.0.0", Path("/data"))  # noqa: S104


def test_no_service_of_ours_is_told_a_password_that_it_does_not_need():
    for name, service in list_app_services().items():
        variables = service["environment"]
        assert [variables[each] for each in sorted(OF_COMPOSE)] == ["", "", ""]
        assert ("MOVIEREC_DATABASE_URL" in variables) == (name == "site")
        assert ("MOVIEREC_DAGSTER_DATABASE_URL" in variables) == (name in {"dagster", "daemon", "code", "migrate"})


def test_modules_and_files_that_services_are_started_with_are_there():
    for service in list_app_services().values():
        for command in (service["command"], service.get("healthcheck", {}).get("test", [])):
            for option, value in itertools.pairwise(command):
                if option in {"-m", "--module-name"}:
                    assert importlib.util.find_spec(value), value
                if option == "--workspace":
                    assert (ROOT / value).is_file()
    mounted = [each.split(":")[0] for service in SERVICES.values() for each in service.get("volumes", [])]
    for source in mounted:
        assert source in COMPOSE["volumes"] or (DEPLOYMENT / source).is_file(), source
    for build in {str(service["build"]) for service in list_app_services().values()}:
        assert "../.." in build
        assert "resources/deployment/Dockerfile" in build


def test_only_the_proxy_is_reached_from_outside_and_only_the_services_that_need_it_reach_the_database():
    for name, service in SERVICES.items():
        for port in service.get("ports", []):
            assert name == "proxy" or port.startswith("127.0.0.1:"), (name, port)
    assert COMPOSE["networks"]["database"] == {"internal": True}
    in_database = {name for name, service in SERVICES.items() if "database" in service["networks"]}
    assert in_database == {"site", "dagster", "daemon", "code", "migrate", "postgres"}
    assert (
        SERVICES["site"]["environment"]["MOVIEREC_TRUSTED_PROXIES"]
        == (SERVICES["proxy"]["networks"]["front"]["ipv4_address"])
    )


def test_every_service_is_watched_bounded_and_has_no_rights_of_root():
    for name, service in SERVICES.items():
        assert "no-new-privileges:true" in service["security_opt"], name
        assert service["logging"]["options"]["max-size"], name
        assert re.search(r":[\d.]+$|^movierec:local$", service["image"]), name
        if name != "postgres":
            assert service["cap_drop"] == ["ALL"], name
            assert service["read_only"] is True, name
        if name not in {"migrate", "site"}:  # the site has the health check of the image
            assert service["healthcheck"]["test"], name
        for needed, how in service.get("depends_on", {}).items():
            one_shot = SERVICES[needed]["restart"] == "no"
            assert how["condition"] == ("service_completed_successfully" if one_shot else "service_healthy")


def test_dagster_is_migrated_before_anything_of_it_starts():
    for name in ("dagster", "daemon", "code"):
        assert SERVICES[name]["depends_on"]["migrate"]["condition"] == "service_completed_successfully"
    (location,) = yaml.safe_load((DEPLOYMENT / "workspace.yaml").read_text())["load_from"]
    server = location["grpc_server"]
    assert server["host"] in SERVICES
    assert str(server["port"]) in SERVICES["code"]["command"]
    assert server["location_name"] in SERVICES["code"]["command"]


def test_the_image_is_built_in_two_stages_from_official_images_and_serves_as_nobody_special():
    stages = [line.split()[1] for line in DOCKERFILE if line.startswith("FROM ")]
    assert stages == ["python:3.11-slim"] * 2
    users = [line.split()[1] for line in DOCKERFILE if line.startswith("USER ")]
    assert users == ["movierec"]
    install = next(line for line in DOCKERFILE if "pip install" in line)
    assert {"--require-hashes", "--only-binary=:all:", "requirements.lock"} <= set(install.split())
    health = DOCKERFILE[[line.startswith("HEALTHCHECK") for line in DOCKERFILE].index(True)]
    assert '"assets.commands.health_probe", "8000", "/health/live"' in health
    assert DOCKERFILE[-1] == 'CMD ["python", "-m", "serving.server"]'


def test_no_host_of_a_registry_is_written_down():
    files = [path for path in DEPLOYMENT.rglob("*") if path.is_file()]
    files += [ROOT / ".dockerignore", *WORKFLOWS, *(ROOT / ".ci").iterdir()]
    for file in files:
        assert not re.search(r"pypi|ghcr\.io|docker\.io|quay\.io|npmjs|index-url", file.read_text()), file


@pytest.mark.parametrize(
    ("path", "ignored"),
    [
        (".env", True),
        (".git/config", True),
        (".venv/bin/python", True),
        ("data/site/secret", True),
        ("data/site/site.db", True),
        ("tests/conftest.py", True),
        ("serving/static/vendor/htmx.min.js", True),
        ("serving/__pycache__/app.pyc", True),
        ("serving/pages/__pycache__/home.pyc", True),
        ("serving/static/site.css", False),
        ("serving/app.py", False),
        ("templates/home/home.html", False),
        ("requirements.lock", False),
        ("resources/deployment/workspace.yaml", False),
    ],
)
def test_the_image_gets_the_program_and_nothing_that_is_secret_or_left_by_people(path, ignored):
    assert rehearse_image.is_ignored(path, rehearse_image.read_ignore_rules()) is ignored


@pytest.mark.skipif(not rehearse_image.can_leave_root(), reason="root may not become another user here")
def test_the_site_serves_from_read_only_code_as_another_user_without_a_home_and_ends_in_time():
    with rehearse_image.make_folders() as (code, home):
        environment = rehearse_image.build_environment(home, find_free_port())
        assert rehearse_image.probe(sys.executable, code, environment) == 1
        with rehearse_image.serve_site(sys.executable, code, environment) as process:
            assert rehearse_image.probe(sys.executable, code, environment, "/health/ready") == 1  # no bundle
            printed, seconds = rehearse_image.stop_in_time(process, 20)
        assert "Application shutdown complete" in printed
        assert seconds < 15
        written = {path.relative_to(home.parent).parts[0] for path in home.parent.rglob("*") if path.is_file()}
        assert written == {"app", "data"}
        assert not list(code.rglob("__pycache__"))
        assert (home / "site" / "site.db").is_file()


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_pin_their_actions_and_may_only_read(workflow):
    parsed = yaml.safe_load(workflow.read_text())
    assert parsed["permissions"] == {"contents": "read"}
    steps = [step for job in parsed["jobs"].values() for step in job["steps"]]
    for step in steps:
        if "uses" in step:
            assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", step["uses"]), step
        else:
            for script in re.findall(r"bash (\S+)", step["run"]):
                assert (ROOT / script).is_file()
            for file in re.findall(r"--file (\S+)", step["run"]):
                assert (ROOT / file).is_file()
    assert all(job["timeout-minutes"] for job in parsed["jobs"].values())
    assert "permissions" not in str(parsed["jobs"])


def test_the_workflow_checks_tests_and_builds_the_image():
    commands = " ".join(path.read_text() for path in WORKFLOWS) + (ROOT / ".ci" / "run").read_text()
    assert "make check test" in commands
    assert "docker build" in commands
    check = (ROOT / "Makefile").read_text().split("\ncheck:")[1].split("\n\n")[0]
    assert "dg check defs" in check


@pytest.mark.parametrize("script", [".ci/run", ".ci/try-image", "resources/deployment/create-databases.sh"])
def test_scripts_have_no_faults_of_syntax(script):
    subprocess.run(["bash", "-n", str(ROOT / script)], check=True)


@pytest.mark.parametrize("unit", sorted((DEPLOYMENT / "systemd").glob("*.service")), ids=lambda path: path.name)
def test_systemd_accepts_the_units(unit, tmp_path):
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd is not installed")
    written = unit.read_text()
    (module,) = re.findall(r"-m ([\w.]+)", written)
    assert importlib.util.find_spec(module)
    copied = tmp_path / unit.name
    copied.write_text(
        written.replace("/opt/movierec/.venv/bin/python", sys.executable).replace("User=movierec", "User=0")
    )
    done = subprocess.run([analyze, "verify", "--man=no", str(copied)], capture_output=True, text=True, check=False)
    of_unit = [line for line in done.stderr.splitlines() if unit.name in line]
    assert of_unit == []


def test_site_and_dagster_get_a_database_and_a_role_each(postgres_url):
    """The script that PostgreSQL's image runs at its first start, with the real client."""
    binaries = postgres.find_binaries()
    socket = postgres_url.partition("host=")[2]
    variables = {
        "PATH": f"{binaries}:{os.environ['PATH']}",
        "PGHOST": socket,
        "POSTGRES_USER": "site",  # the superuser of the test server
        "SITE_DATABASE_PASSWORD": "it's",
        "DAGSTER_DATABASE_PASSWORD": "runs",
    }
    script = (DEPLOYMENT / "create-databases.sh").read_text()
    for name in ("site", "dagster"):
        script = re.sub(rf"\b(ROLE|DATABASE|OWNER) {name}\b", rf"\1 compose_{name}", script)
    subprocess.run(["sh", "-c", script], env=variables, check=True, capture_output=True, text=True)
    engine = sqlalchemy.create_engine(f"postgresql+psycopg://compose_dagster@/compose_dagster?host={socket}")
    with engine.connect() as connection:
        connection.exec_driver_sql("CREATE TABLE runs (id int)")
    engine.dispose()
    other = sqlalchemy.create_engine(f"postgresql+psycopg://compose_dagster@/compose_site?host={socket}")
    with pytest.raises(sqlalchemy.exc.OperationalError, match="permission denied"):
        other.connect()
    other.dispose()


LAUNCH = """mutation($params: ExecutionParams!) { launchRun(executionParams: $params) {
  __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }"""
STATUS = "query($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }"


def ask_dagster(port, query, **variables):
    content = {"query": query, "variables": variables}
    return httpx.post(f"http://127.0.0.1:{port}/graphql", json=content, timeout=60).json()["data"]


def wait_until(is_true, seconds=150):
    end = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < end
        time.sleep(0.5)


def test_the_services_of_dagster_work_together_over_postgresql_and_end_in_time(postgres_url, tmp_path):
    """Commands and health checks of the compose file as processes of this machine; a launched run succeeds."""
    code_port, ui_port = find_free_port(), find_free_port()
    workspace = tmp_path / "workspace.yaml"
    written = (DEPLOYMENT / "workspace.yaml").read_text()
    workspace.write_text(written.replace("host: code", "host: 127.0.0.1").replace("4000", str(code_port)))
    engine = sqlalchemy.create_engine(postgres_url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("CREATE DATABASE dagster_services")
    engine.dispose()
    environment = os.environ | {
        "MOVIEREC_HOME": str(tmp_path / "home"),
        "DAGSTER_HOME": str(tmp_path / "home" / "dagster"),
        "MOVIEREC_DAGSTER_DATABASE_URL": postgres_url.replace("/postgres?", "/dagster_services?"),
        "MOVIEREC_DAGSTER_PORT": str(ui_port),
        "DAGSTER_DISABLE_TELEMETRY": "yes",
    }
    here = {"python": sys.executable, "4000": str(code_port), "3000": str(ui_port)}

    def translate(command):
        return [str(workspace) if word.endswith("workspace.yaml") else here.get(word, word) for word in command]

    def is_healthy(name):
        command = translate(SERVICES[name]["healthcheck"]["test"][1:])
        return not subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=False).returncode

    subprocess.run(translate(SERVICES["migrate"]["command"]), cwd=ROOT, env=environment, check=True)
    with ExitStack() as running:
        for name in ("code", "dagster", "daemon"):
            log = running.enter_context((tmp_path / f"{name}.log").open("w"))
            command = translate(SERVICES[name]["command"])
            process = running.enter_context(
                subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT)
            )
            running.callback(process.terminate)
            wait_until(lambda name=name: is_healthy(name))
        selector = {"repositoryLocationName": "movierec", "repositoryName": "__repository__", "pipelineName": "prune"}
        params = {"selector": selector, "mode": "default", "runConfigData": {}}
        run_id = ask_dagster(ui_port, LAUNCH, params=params)["launchRun"]["run"]["runId"]
        ended = {"SUCCESS", "FAILURE"}
        wait_until(lambda: ask_dagster(ui_port, STATUS, id=run_id)["runOrError"]["status"] in ended)
        assert ask_dagster(ui_port, STATUS, id=run_id)["runOrError"]["status"] == "SUCCESS"
        started = time.monotonic()
    assert time.monotonic() - started < 30
    assert not list((tmp_path / "home").rglob("*.db"))
