"""The state folder of an older program: `stored` holds what it kept of a canary at 10 %."""

import json
import shutil
from pathlib import Path

import pytest

from kanaria.components.shared.artifacts.document_format import NewerFormatError
from kanaria.components.shared.config import yaml_text
from kanaria.serving.local.controller import reconcile
from kanaria.serving.local.state import state_folder

STORED = Path(__file__).with_name("stored")
STABLE, CANARY = "taxi-predictor-00001", "taxi-predictor-00002"


@pytest.fixture
def service(tmp_path: Path) -> state_folder.Service:
    stored_service = state_folder.Service(tmp_path, "default", "taxi")
    stored_service.folder.mkdir(parents=True)
    shutil.copy(STORED / "format_0.json", stored_service.folder / state_folder.STATUS)
    shutil.copy(STORED / "manifest.yaml", stored_service.folder / state_folder.MANIFEST)
    return stored_service


def test_a_service_goes_on_where_the_older_program_left_it(service: state_folder.Service):
    observed = service.observed()
    assert (observed.stable, observed.percent, observed.ready) == (STABLE, 10, (STABLE, CANARY))
    assert observed.applied == service.applied()
    service.write_observed(observed)
    assert json.loads((service.folder / state_folder.STATUS).read_text())["format"] == 1
    assert service.observed() == observed


def test_a_share_that_is_changed_after_the_upgrade_makes_no_new_revision(
    service: state_folder.Service,
):
    manifest = yaml_text.read(service.folder / state_folder.MANIFEST)
    manifest["spec"]["predictor"]["canaryTrafficPercent"] = 50
    service.apply(manifest)
    observed = reconcile.adopt(service.observed(), service.manifest(), service.applied())
    assert [revision.name for revision in observed.revisions] == [STABLE, CANARY]
    traffic = reconcile.status(observed, "")["components"]["predictor"]["traffic"]
    assert {one["revisionName"]: one["percent"] for one in traffic} == {STABLE: 50, CANARY: 50}


def test_a_status_of_a_newer_program_is_refused_and_left_as_it_is(service: state_folder.Service):
    path = service.folder / state_folder.STATUS
    path.write_text(json.dumps({**json.loads(path.read_text()), "format": 2, "weights": [1, 9]}))
    text = path.read_text()
    with pytest.raises(NewerFormatError, match=r"status\.json: written by a newer Kanaria"):
        service.observed()
    assert path.read_text() == text
