"""Data and user modules in an object store."""

from collections.abc import Iterator
from pathlib import Path

import object_stores
import pytest
from object_stores import Bucket

from kanaria.components.shared.data import data_reference
from kanaria.components.shared.errors import DataError, UserCodeError
from kanaria.components.shared.user_code import module_archive, module_closure, user_module


@pytest.fixture(scope="module", params=[object_stores.s3, object_stores.gcs])
def bucket(request: pytest.FixtureRequest) -> Iterator[Bucket]:
    with request.param() as bucket, pytest.MonkeyPatch.context() as patch:
        bucket.use(patch)
        yield bucket


@pytest.fixture
def root(bucket: Bucket, tmp_path: Path) -> str:
    return f"{bucket.uri}/{tmp_path.name}"


def put(bucket: Bucket, root: str, **files: bytes) -> None:
    for name, data in files.items():
        bucket.put(f"{root}/{name}".removeprefix(f"{bucket.uri}/"), data)


def test_a_pin_names_every_file_and_opens_again(bucket: Bucket, root: str):
    put(bucket, root, **{"b.csv": b"2", "a.csv": b"1", "c.txt": b"3"})
    pinned = data_reference.pin(f"{root}/*.csv")
    assert pinned.startswith(f"{root}/a.csv,{root}/b.csv#sha256=")
    with data_reference.opened(pinned) as opened:
        assert [file.uri for file in opened.files] == [f"{root}/a.csv", f"{root}/b.csv"]
        assert [file.path.read_bytes() for file in opened.files] == [b"1", b"2"]
        assert pinned.endswith(opened.fingerprint)
        paths = [file.path for file in opened.files]
    assert not any(path.exists() for path in paths)


def test_the_pin_is_that_of_the_same_files_on_this_machine(
    bucket: Bucket, root: str, tmp_path: Path
):
    (tmp_path / "a.csv").write_bytes(b"1")
    put(bucket, root, **{"a.csv": b"1"})
    here, there = (data_reference.pin(f"{place}/a.csv") for place in (tmp_path, root))
    assert here.partition("#")[2] == there.partition("#")[2]


def test_an_object_that_changed_since_it_was_pinned_is_not_opened(bucket: Bucket, root: str):
    put(bucket, root, **{"a.csv": b"1"})
    pinned = data_reference.pin(f"{root}/a.csv")
    put(bucket, root, **{"a.csv": b"2"})
    with pytest.raises(DataError, match="the content changed"), data_reference.opened(pinned):
        pass


def test_two_files_of_one_name_are_both_opened(bucket: Bucket, root: str):
    put(bucket, root, **{"1/a.csv": b"1", "2/a.csv": b"2"})
    with data_reference.opened(f"{root}/**/*.csv") as opened:
        assert [file.path.read_bytes() for file in opened.files] == [b"1", b"2"]


def test_absent_objects_are_named(root: str):
    with pytest.raises(DataError, match=r"no such file: '.*/b\.csv', '.*\*\.tsv'; give a file"):
        data_reference.parse(f"{root}/b.csv,{root}/*.tsv")


def test_a_remote_module_is_loaded_and_loaded_anew_when_it_changes(bucket: Bucket, root: str):
    for number in (1, 2):
        put(bucket, root, **{"my_module.py": b"def f(): return %d" % number})
        assert user_module.function(f"{root}/my_module.py", "f")() == number


def test_an_archive_in_a_store_is_the_module_with_its_helpers(
    bucket: Bucket, root: str, tmp_path: Path
):
    (tmp_path / "my_module.py").write_text("import helper\ndef f(): return helper.X")
    (tmp_path / "helper.py").write_text("X = 3")
    closure = module_closure.of_file(tmp_path / "my_module.py")
    module_archive.write(closure, tmp_path / "my_module.zip")
    put(bucket, root, **{"my_module.zip": (tmp_path / "my_module.zip").read_bytes()})
    assert user_module.function(f"{root}/my_module.zip", "f")() == 3


def test_a_failure_in_a_remote_module_names_file_and_line(bucket: Bucket, root: str):
    put(bucket, root, **{"my_module.py": b"def f():\n    return 1 / 0\n"})
    function = user_module.function(f"{root}/my_module.py", "f")
    with pytest.raises(UserCodeError, match=r"my_module\.py:2: f failed with ZeroDivisionError"):
        user_module.call(function)


def test_a_remote_module_that_is_absent_is_told(root: str):
    with pytest.raises(UserCodeError, match=r"module_file='.*absent\.py': no such file"):
        user_module.load(f"{root}/absent.py")
