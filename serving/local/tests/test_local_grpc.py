"""gRPC, in processes without kserve: both packages register the protocol's messages by one name."""

import subprocess
import sys
from pathlib import Path

import pytest

SERVING = Path(__file__).parents[2]
FILES = (
    "protocol/tests/grpc_messages.py",
    "local/tests/grpc_door.py",
    "local/tests/grpc_services.py",
)


@pytest.mark.parametrize("file", FILES)
def test_all_tests_of_grpc_pass(file):
    command = [sys.executable, "-I", "-m", "pytest", "-q", str(SERVING / file)]
    finished = subprocess.run(command, capture_output=True, text=True)
    assert finished.returncode == 0, finished.stdout + finished.stderr
