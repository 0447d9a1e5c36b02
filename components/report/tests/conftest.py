import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from report_receiver import Receiver
from report_store import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    thread = threading.Thread(target=receiver.http.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield receiver
    receiver.http.shutdown()
    receiver.http.server_close()
    thread.join()


@pytest.fixture(autouse=True)
def no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("URL", "FORMAT", "TOKEN", "TOKEN_FILE"):
        monkeypatch.delenv(f"KANARIA_NOTIFY_{name}", raising=False)
