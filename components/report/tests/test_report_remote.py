"""The same from object stores, through real servers of their protocols."""

import object_stores
import pytest
from report_store import RUN, Store

from kanaria.components.report import step_outputs

SERVERS = {"minio": object_stores.minio, "gs": object_stores.gcs}
ORDER = ("resolve-span", "ingest-data", "detect-drift", "push-model")


@pytest.mark.parametrize("kind", SERVERS)
def test_an_object_store_tells_what_a_folder_does(
    kind: str, store: Store, monkeypatch: pytest.MonkeyPatch
):
    store.put("resolve-span/a1/executor-logs-0", "chose span 7\n")
    store.failed("ingest-data", "OSError: store away", attempt=0)
    store.done("ingest-data")
    store.judged("detect-drift", False, "age drifted")
    store.failed("detect-drift", "kanaria.components.shared.errors.DataError: age drifted")
    store.put("detect-drift/a1/report", "<html></html>")
    store.pushed()
    here = step_outputs.read(str(store.folder), ORDER)
    with SERVERS[kind]() as bucket:
        bucket.use(monkeypatch)
        for file in store.folder.rglob("*"):
            if file.is_file():
                bucket.put(f"{RUN}/{file.relative_to(store.folder)}", file.read_bytes())
        there = step_outputs.read(f"{bucket.uri}/{RUN}", ORDER)
    report_uris = tuple(
        uri.replace(f"{bucket.uri}/{RUN}", str(store.folder)) for uri in there.steps[2].report_uris
    )
    assert report_uris == here.steps[2].report_uris == (f"{store.folder}/detect-drift/a1/report",)
    plain = [[(s.name, s.state, s.cause, s.verdict) for s in left.steps] for left in (here, there)]
    assert plain[0] == plain[1]
    assert here.endpoint == there.endpoint != {}
    assert there.notes == ()
