from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from kanaria.components.shared.errors import ParameterError
from kanaria.serving.databases.database import StoreError
from kanaria.serving.databases.postgresql_address import (
    Address,
    password_for,
    read_address,
)
from kanaria.serving.payload_log.open_store import open_reader, open_store

ADDRESS = Address(user="me", host="db", port=5432, database="drift", tls="prefer")


def test_a_location_says_who_asks_which_database():
    assert read_address("postgresql://me@db/drift") == ADDRESS
    address = read_address("postgresql://a%40b@db.example.com:6000/drift?sslmode=verify-full")
    assert (address.user, address.port, address.tls) == ("a@b", 6000, "verify-full")
    assert address.arguments()["ssl_context"].check_hostname


def test_a_socket_is_named_by_its_folder():
    address = read_address("postgresql://me@/drift?host=/run/postgresql")
    assert address.arguments()["unix_sock"] == "/run/postgresql/.s.PGSQL.5432"


@pytest.mark.parametrize(
    ("location", "faults"),
    [
        ("postgresql://db/", ["user", "database"]),
        ("postgresql://me@db:port/drift", ["Port"]),
        ("postgresql://me@db/drift?sslmode=maybe&timeout=3", ["sslmode='maybe'", "timeout"]),
        ("postgresql://me:hunter2@db/drift", ["holds a password"]),
        ("postgresql://me@db/drift?password=hunter2", ["holds a password"]),
    ],
)
def test_every_fault_is_told_and_no_password(location, faults):
    with pytest.raises(ParameterError) as raised:
        open_store(location)
    assert all(fault in str(raised.value) for fault in faults)
    assert "hunter2" not in str(raised.value)


def test_the_password_is_in_the_environment_or_in_a_file(tmp_path, monkeypatch):
    monkeypatch.delenv("PGPASSWORD", raising=False)
    assert password_for(ADDRESS) is None
    (tmp_path / "pass").write_text(
        "# other databases first\nother:5432:drift:me:no\n*:*:drift:me:with\\:colon\n"
    )
    monkeypatch.setenv("PGPASSFILE", str(tmp_path / "pass"))
    assert password_for(ADDRESS) == "with:colon"
    monkeypatch.setenv("PGPASSWORD", "first")
    assert password_for(ADDRESS) == "first"


def test_a_wrong_password_is_told_without_it(postgresql, new_database, monkeypatch):
    postgresql.psql("CREATE ROLE reader SUPERUSER LOGIN PASSWORD 'hunter2';")
    rules = Path(postgresql.pgdata) / "pg_hba.conf"
    rules.write_text(f"local all reader scram-sha-256\n{rules.read_text()}")
    postgresql.psql("SELECT pg_reload_conf();")
    (folder,) = parse_qs(urlsplit(postgresql.get_uri()).query)["host"]
    location = f"postgresql://reader@{urlsplit(new_database()).path}?host={folder}"
    monkeypatch.setenv("PGPASSWORD", "hunter3")
    with pytest.raises(StoreError, match="reader") as raised:
        open_store(location)
    assert "hunter3" not in str(raised.value)
    monkeypatch.setenv("PGPASSWORD", "hunter2")
    open_store(location).close()
    assert open_reader(location).streams() == []
