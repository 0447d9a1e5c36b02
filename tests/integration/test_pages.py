"""The commands of the README and of the pages it leads to are run as they stand there."""

import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from kanaria.serving.inference_service.service_manifest import build
from kanaria.serving.inference_service.service_spec import ServiceSpec
from kanaria.serving.traffic.local_traffic import LocalTraffic

ROOT = Path(__file__).parents[2]
TAXI = Path(__file__).parent / "taxi"
HOW_TO = ROOT / "docs/how-to"
PAGES = "".join(
    page.read_text(encoding="utf-8") for page in (ROOT / "README.md", *sorted(HOW_TO.glob("*.md")))
)
BIN = Path(sys.executable).parent


def commands(start: str) -> list[str]:
    """Return the lines of the pages' shell blocks that begin with `start`, each once."""
    blocks = re.findall(r"```sh\n(.*?)```", PAGES, re.DOTALL)
    lines = [line.split("  #")[0].strip() for block in blocks for line in block.splitlines()]
    return [line for line in dict.fromkeys(lines) if line.startswith(start)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user's folder: the pages' configuration, a module of his own, data."""
    folder = tmp_path_factory.mktemp("user")
    (folder / "data").mkdir()
    for text in re.findall(r"```yaml\n(.*?)```", PAGES, re.DOTALL):
        # Fewer steps than a user would take, and yet enough for a model that is blessed.
        if name := re.match(r"# (\S+\.yaml)", text):
            (folder / name[1]).write_text(text.replace("train_steps: 1000", "train_steps: 100"))
    for text in re.findall(r"```python\n(.*?)```", PAGES, re.DOTALL):
        if name := re.match(r"# (\S+\.py)\n", text):
            (folder / name[1]).write_text(text)
    shutil.copy(TAXI / "taxi_module.py", folder / "my_module.py")
    shutil.copy(TAXI / "eval_config.pbtxt", folder)
    make = [sys.executable, TAXI / "make_data.py", folder / "data/taxi.csv", "1500"]
    subprocess.run(make, check=True)
    return folder


def shell(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    script = f'PATH="{BIN}:$PATH"; {command}'
    return subprocess.run(script, shell=True, cwd=folder, capture_output=True, text=True)


def test_every_make_target_of_the_pages_exists():
    assert commands("make ")
    for command in commands("make "):
        subprocess.run([*command.split(), "-n"], cwd=ROOT, check=True, capture_output=True)


def test_the_kanaria_commands_run_as_they_stand(folder: Path):
    run, listing, compiling = (
        shell(commands(start)[0], folder)
        for start in ("kanaria run ", "kanaria runs list", "kanaria compile")
    )
    asking = shell(next(c for c in commands("kanaria run") if c.endswith("--help")), folder)
    assert "service.canaryTrafficPercent: an integer, default 10" in asking.stdout
    assert run.returncode == 0, run.stderr
    (folder / "run.txt").write_text(run.stdout)
    assert "succeeded" in listing.stdout
    (telling,) = commands("kanaria lineage")
    assert str(folder / "data/taxi.csv") in shell(telling, folder).stdout
    assert compiling.returncode == 0
    assert "registry.example.com/ml/kanaria-training" in (folder / "pipeline.yaml").read_text()


def test_a_pipeline_of_a_users_own_compiles(folder: Path):
    (command,) = commands("python tune_by_katib")
    done = shell(command, folder)
    assert done.returncode == 0, done.stderr


def test_the_settings_of_steps_are_compiled(folder: Path):
    (command,) = (c for c in commands("kanaria compile") if "--resources" in c)
    done = shell(command, folder)
    assert done.returncode == 0, done.stderr
    assert "resourceType: nvidia.com/gpu" in (folder / "pipeline.yaml").read_text()


FOR_A_SERVER = (
    *commands("kanaria submit"),
    *commands("kanaria schedule"),
    *(one for one in commands("kanaria runs") if not one.endswith("list") and "--root" not in one),
)


@pytest.mark.parametrize("command", FOR_A_SERVER)
def test_the_commands_for_a_server_are_understood(command: str, folder: Path):
    # What they do is tested against a server beside the code; here nobody answers.
    here = f" --pipeline-root file://{folder}/artifacts" if "--pipeline-root" in command else ""
    answer = shell(f"{command}{here} --host http://127.0.0.1:9", folder)
    assert answer.returncode == 1
    assert "127.0.0.1:9" in answer.stderr
    assert answer.stderr.count("error: ") == 1


def test_what_was_pushed_is_served(folder: Path):
    command = next(c for c in commands("kanaria serve"))
    process = subprocess.Popen([BIN / command.split()[0], *command.split()[1:]], cwd=folder)
    try:
        while '"ready":true' not in answer("http://127.0.0.1:8080/"):
            assert process.poll() is None
            time.sleep(0.3)
        served, request_command = commands_of((folder / "run.txt").read_text())
        assert served == "kanaria serve"
        if shutil.which("curl") is None:
            pytest.skip("no curl: install Debian's package curl")
        assert "predictions" in shell(request_command, folder).stdout
    finally:
        process.terminate()
        process.wait()


def commands_of(output: str) -> list[str]:
    """Return what a run says is to be typed: after the line of its endpoint, indented."""
    after = output.split("to ask it:\n")[1].splitlines()
    return [line.strip() for line in after if line.startswith("  ")]


def test_the_rollout_commands_run_as_they_stand(folder: Path):
    start, *others = commands("kanaria rollout")
    state = next(c for c in commands("export KANARIA_SERVING_ROOT"))
    second = shutil.copytree(next(folder.glob("**/tips/*/model")), folder / "second")
    with LocalTraffic(folder / ".kanaria/serving") as traffic:
        # Running `start` before there is anything to roll out says so.
        refused = shell(f"{state}; {start}", folder)
        assert "nothing is on trial" in refused.stderr
        traffic.stage(build(ServiceSpec(name="tips", storage_uri=str(second))))
        script = f'PATH="{BIN}:$PATH"; {state}; {start}'
        controller = subprocess.Popen(script, shell=True, cwd=folder, stdout=subprocess.PIPE)
        assert b"tips-predictor-00002" in controller.stdout.readline()
        for command in others:
            answered = shell(f"{state}; {command}", folder)
            assert answered.returncode == 0, (command, answered.stderr)
        assert controller.wait() == 1
        assert traffic.observe("default", "tips").canary_percent == 0


def test_the_drift_commands_run_as_they_stand(folder: Path):
    serve, *others = commands("kanaria drift")
    with subprocess.Popen([BIN / serve.split()[0], *serve.split()[1:]], cwd=folder) as server:
        try:
            while '"ready":true' not in answer("http://127.0.0.1:8081/v2/health/ready"):
                assert server.poll() is None
                time.sleep(0.3)
            for command in others:
                answered = shell(command, folder)
                assert answered.returncode == 0, (command, answered.stderr)
        finally:
            server.terminate()
    assert "Drift of served models" in (folder / "drift.html").read_text()


def answer(url: str) -> str:
    try:
        return httpx.get(url).text
    except httpx.ConnectError:
        return ""
