"""The tests of the training steps, run in their image: nothing that a step needs is left out.

The image brings Kanaria and its packages; the tests come from the checkout, and what only tests
load lies in a folder beside them. The rest is as for every container here: the image's user, no
network, a read-only root.
"""

import re
import subprocess
from pathlib import Path

import pytest
from container_engine import PROGRAM, RESTRICTED, ROOT, UV, output_of

STEPS = (
    "ingest",
    "validate",
    "transform",
    "train",
    "tune",
    "evaluate",
    "explain",
    "export",
    "detect",
)
RENDERED = "test_an_overlay_of_runs_takes_it_with_the_account_and_the_order"
PYTEST = ["python3", "-P", "-m", "pytest", "-c", str(ROOT / "pyproject.toml")]
PYTEST += ["--rootdir", str(ROOT), "-p", "no:cacheprovider", "-q"]
# Manifests are rendered by kubectl, which no step calls and the image leaves out.
PYTEST += ["--deselect", "components/train/tests/test_train_pod_worker.py::" + RENDERED]
EXPORT = [UV, "export", "--quiet", "--frozen", "--no-emit-project", "--no-header"]
EXPORT += ["--no-annotate", "--no-hashes", "--only-group", "test", "--only-group", "servers"]
INSTALLED = "import importlib.metadata as m; print(*(found.name for found in m.distributions()))"


def plain(name: str) -> str:
    """Return a package's name as the index compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.fixture(scope="module")
def packages(images: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what pytest and the tests' servers need, as far as the image lacks it."""
    ask = [PROGRAM, "run", *RESTRICTED, images["training"], "python3", "-c", INSTALLED]
    has = {plain(name) for name in output_of(ask, ROOT).split()}
    wanted = [line.partition(" ;")[0] for line in output_of(EXPORT, ROOT).splitlines()]
    folder = tmp_path_factory.mktemp("packages")
    folder.chmod(0o755)  # pytest's own are private; the image's user reads it.
    listed = folder.with_suffix(".txt")
    listed.write_text("\n".join(one for one in wanted if plain(one.partition("==")[0]) not in has))
    install = [UV, "pip", "install", "--quiet", "--no-deps", "--python-version", "3.11"]
    subprocess.run([*install, "--target", folder, "--requirements", listed], check=True)
    return folder


@pytest.mark.parametrize("step", STEPS)
def test_the_tests_of_a_step_pass_in_the_image(
    images: dict[str, str], packages: Path, tmp_path: Path, step: str
):
    work = tmp_path / "work"
    work.mkdir(mode=0o777)
    work.chmod(0o777)
    users = tmp_path / "passwd"  # PostgreSQL wants its user to have a name.
    users.write_text("root:x:0:0::/root:/bin/sh\nkanaria:x:65532:65532::/tmp:/bin/sh\n")
    options = [option for option in RESTRICTED if option not in ("--tmpfs", "/tmp")]
    options += ["--volume", f"{work}:/tmp", "--volume", f"{users}:/etc/passwd:ro"]
    options += ["--volume", f"{ROOT}:{ROOT}:ro", "--volume", f"{packages}:/tests:ro"]
    options += ["--env", "PYTHONPATH=/tests"]
    command = [*PYTEST, str(ROOT / "components" / step / "tests")]
    done = subprocess.run(
        [PROGRAM, "run", *options, images["training"], *command], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert " skipped" not in done.stdout.splitlines()[-1], done.stdout[-3000:]
