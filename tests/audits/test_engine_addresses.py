"""Addresses name an engine and a table, hold no secret, and reach only hosts that the operator allows."""

from __future__ import annotations

import pytest

from audits.engines import opening
from audits.engines.addresses import parse_address, table_name
from audits.engines.opening import Data, open_data
from audits.engines.settings import Settings
from registry.errors import InvalidInput

WAREHOUSE = "postgresql://ada@db.example:5433/loans?table=risk.training&credentials=warehouse"


def test_an_address_is_taken_apart():
    address = parse_address(WAREHOUSE)
    assert (address.scheme, address.host, address.port, address.user, address.path) == (
        *("postgresql", "db.example", 5433, "ada", "loans"),
    )
    assert (address.option("table"), address.option("credentials"), address.option("query")) == (
        *("risk.training", "warehouse", ""),
    )
    assert parse_address("postgres://[::1]/my%20db?query=SELECT+1%2B1").options == {"query": "SELECT 1+1"}
    assert parse_address("postgresql:///db?host=/run/postgresql&table=t").host == "/run/postgresql"
    assert parse_address("s3://lake/2026/*.parquet").path == "2026/*.parquet"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("postgresql://ada:hush@h/db?table=t", "must not hold a password .*COUNTERSIGN_ENGINE_CREDENTIALS_<NAME>"),
        ("postgresql://h/db?table=t&PASSWORD=hush", "must not hold a password"),
        ("s3://b/x?aws_secret_access_key=hush", "must not hold a password"),
        ("mysql://h/db?table=t", "no engine is known for mysql://; known are postgresql://, spark://, sc://, s3://"),
        ("file:///etc/passwd", "no engine is known for file://"),
        ("postgresql://h/db?tabel=t", "no option 'tabel'; it has credentials, host, query, sslmode, table"),
        ("postgresql://h/db?table=t&table=u", "given twice"),
        ("postgresql://h/db?host=other&table=t", "two hosts"),
        ("postgresql:///db?table=t", "names no host"),
        ("s3:///x", "names no bucket"),
        ("postgresql://h:port/db", "host or port"),
        ("postgresql://h/db?table=a b", "without spaces"),
        ("postgresql://h/db?table=t#x", "without spaces and #"),
        ("spark://h?path=" + "x" * 3000, "at most 2000 characters"),
        ("spark://h?path=/data\n", "without spaces"),
    ],
)
def test_an_address_that_cannot_be_meant_is_refused(text, said):
    with pytest.raises(InvalidInput, match=said) as refused:
        open_data(Data.of(text))
    assert "hush" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("loans", ("loans",)),
        ("Risk.Loans", ("risk", "loans")),
        ('"Risk"."my ""loans"""', ("Risk", 'my "loans"')),
        ('"a.b".c', ("a.b", "c")),
        ("größe", ("größe",)),
    ],
)
def test_names_of_tables(text, parts):
    assert table_name(text, fold=True) == parts


@pytest.mark.parametrize("text", ["", "a.", ".a", "a b", "a;b", "a--", "1a", "a.b.c.d", '"a', '""', "a'b", "a(b)"])
def test_what_is_no_name_of_a_table(text):
    with pytest.raises(InvalidInput, match="is not the name of a table"):
        table_name(text, fold=True)


def test_a_submitted_address_reaches_allowed_hosts_only():
    submitted = Data(name="training", url=WAREHOUSE)
    for hosts in ("", "other.example", "example", "db.example.org,db"):
        with pytest.raises(InvalidInput, match=r"may not ask 'db\.example'; COUNTERSIGN_ENGINE_HOSTS"):
            open_data(submitted, settings=Settings.from_environment({"COUNTERSIGN_ENGINE_HOSTS": hosts}))
    allowed = Settings.from_environment({"COUNTERSIGN_ENGINE_HOSTS": "lake, DB.example "})
    with pytest.raises(InvalidInput, match="no credentials 'warehouse' here"):
        open_data(submitted, settings=allowed)
    with pytest.raises(InvalidInput, match="no credentials 'warehouse' here"):
        open_data(Data.of(WAREHOUSE), settings=Settings())


def test_a_missing_library_is_named(monkeypatch):
    monkeypatch.setattr(opening, "find_spec", lambda module: None)
    with pytest.raises(InvalidInput, match=r"pip install 'countersign\[spark\]'"):
        open_data(Data.of("spark://h?path=/data"))
    with pytest.raises(InvalidInput, match="pip install 'psycopg2-binary'"):
        open_data(Data.of("postgresql://h/db?table=t"))


def test_data_that_are_nowhere_are_refused():
    with pytest.raises(InvalidInput, match="neither a file nor an address"):
        open_data(Data(name="training"))


def test_settings_come_from_the_environment():
    found = Settings.from_environment(
        {
            "COUNTERSIGN_ENGINE_MEMORY": "512MiB",
            "COUNTERSIGN_ENGINE_THREADS": "2",
            "COUNTERSIGN_ENGINE_DISCLOSURE": "10",
            "COUNTERSIGN_ENGINE_HOSTS": "a, B",
            "COUNTERSIGN_ENGINE_CREDENTIALS_WAREHOUSE": "ada:a:b{c",
            "COUNTERSIGN_ENGINE_CREDENTIALS_LAKE": '{"access_key": "AK", "secret_key": "hush"}',
        }
    )
    assert (found.memory, found.threads, found.disclosure, found.timeout) == ("512MiB", 2, 10, 3600)
    assert found.hosts == {"a", "b"}
    assert (found.credentials("warehouse")["user"], found.credentials("warehouse")["password"]) == ("ada", "a:b{c")
    assert (found.credentials("lake")["access_key"], found.credentials("lake")["region"]) == ("AK", "")
    assert "hush" not in repr(found) + repr(found.credentials("lake"))
    assert "a:b{c" not in repr(found) + repr(found.credentials("warehouse"))


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("MEMORY", "lots", "COUNTERSIGN_ENGINE_MEMORY is 'lots'; it must be a size"),
        ("MEMORY", "4GB'; SET x", "must be a size"),
        ("THREADS", "-1", "must be a whole number"),
        ("DISCLOSURE", "ten", "must be a whole number"),
    ],
)
def test_settings_that_cannot_be_meant_are_named(name, value, said):
    with pytest.raises(InvalidInput, match=said):
        Settings.from_environment({f"COUNTERSIGN_ENGINE_{name}": value})


@pytest.mark.parametrize("value", ["hush", ":hush", '{"user": hush}', '["hush"]', '{"hush": 1}'])
def test_malformed_credentials_are_never_repeated(value):
    settings = Settings.from_environment({"COUNTERSIGN_ENGINE_CREDENTIALS_X": value})
    with pytest.raises(InvalidInput, match="COUNTERSIGN_ENGINE_CREDENTIALS_X must be user:password") as refused:
        settings.credentials("x")
    assert "hush" not in str(refused.value)
    with pytest.raises(InvalidInput, match="letters, digits and _"):
        settings.credentials("../x")
