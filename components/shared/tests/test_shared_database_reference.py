import pytest

from kanaria.components.shared.data.database_reference import dated, is_database, parse
from kanaria.components.shared.errors import ParameterError


@pytest.mark.parametrize(
    "data", ["postgresql://reader@db:5432/shop", "postgres:///shop", "sqlite:///shop.db"]
)
def test_a_uri_of_a_database_is_one(data: str):
    assert is_database(data)


@pytest.mark.parametrize(
    "data",
    ["data/*.csv", "/data/1.csv", "file:///1.csv", "s3://b/1.csv", "minio://b/1", "gs://b/1"],
)
def test_a_path_or_a_uri_of_a_store_is_none(data: str):
    assert not is_database(data)


@pytest.mark.parametrize(
    "uri",
    [
        "postgresql://reader:hunter2@db/shop",
        "postgresql://reader:hunter2@@db/shop",
        "postgresql://reader:hunter2/x@db/shop",
        "postgresql://reader:hunter2?x@db/shop",
        "postgresql://reader:hunter2#x@db/shop",
        "postgresql://:hunter2@db/shop",
        "postgresql://db/shop?user=reader&password=hunter2",
        "postgresql://db/shop?sslpassword=hunter2",
        "other://db/shop?access_TOKEN=hunter2",
    ],
)
def test_a_password_is_refused_and_not_shown(uri: str):
    with pytest.raises(ParameterError, match=r"holds a password; .* as PGPASSWORD or") as raised:
        parse(uri)
    assert "hunter2" not in str(raised.value)


def test_a_database_cannot_be_pinned():
    with pytest.raises(ParameterError, match="a database cannot be pinned: let nothing but #at="):
        parse("sqlite:///shop.db#sha256=" + "0" * 64)


def test_the_driver_gets_the_uri_and_messages_a_name_without_options():
    reference = parse("postgresql://reader:@db:5432/shop?sslmode=require#at=2013-01-31T08:00:00")
    assert reference.uri == "postgresql://reader:@db:5432/shop?sslmode=require"
    assert (reference.scheme, reference.name) == ("postgresql", "postgresql://reader@db:5432/shop")


def test_a_date_is_added_once():
    once = dated("sqlite:///shop.db", "2013")
    assert once == "sqlite:///shop.db#at=2013"
    assert dated(once, "2014") == once
