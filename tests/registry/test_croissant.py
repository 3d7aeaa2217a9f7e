"""Datasets go out as Croissant and come in from it: nothing lost between two of us, nothing dropped in silence from others."""

import json
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.croissant import Described, DescribedVersion, croissant_of, data_type
from registry.croissant_import import read_croissant
from registry.datasheet import LAWFUL_BASES, TEXT_KEYS, check_datasheet
from registry.errors import InvalidInput

DIGEST = "a" * 64
SHEET = check_datasheet(
    {
        "description": "2,380 applications.",
        "collection": {"method": "Reports of lenders", "period": {"from": "1990-01-01", "until": "1990-12-31"}},
        "licence": {"name": "Public domain", "url": "https://fed.example/licence", "until": "2030-06-30"},
        "purposes": ["mortgage-underwriting"],
        "biases": "Few of some groups.",
        "citation": "Munnell et al. 1996, American Economic Review 86(1)",
        "personal_information": "Race and income of applicants.",
        "columns": {"income": {"type": "decimal(10,2)", "description": "a year"}},
    }
)
VERSION = DescribedVersion(
    label="1990.1.0", sha256=DIGEST, rows=2380, columns=[{"name": "income", "type": "double"}], data_until="1990-12-31"
)


def exported(sheet=SHEET, version=VERSION, **other):
    about = {"slug": "hmda", "name": "HMDA Boston", "source": "Federal Reserve", "owner": "Tony Hoare"} | other
    return croissant_of(Described(**about, published="2026-01-31", sheet=sheet, version=version))


def test_the_words_are_those_of_the_standard():
    document = exported()
    assert document["conformsTo"] == ["http://mlcommons.org/croissant/1.0", "http://mlcommons.org/croissant/RAI/1.0"]
    assert (document["@type"], document["name"], document["datePublished"]) == (
        "sc:Dataset",
        "HMDA Boston",
        "2026-01-31",
    )
    assert document["license"] == {
        "@type": "sc:CreativeWork", "name": "Public domain", "url": "https://fed.example/licence", "expires": "2030-06-30",
    }  # fmt: skip
    assert document["creator"] == {"@type": "sc:Person", "name": "Tony Hoare"}
    assert document["rai:dataCollection"] == "Reports of lenders"
    assert document["rai:dataCollectionTimeframe"] == ["1990-01-01", "1990-12-31"]
    assert document["rai:dataBiases"] == "Few of some groups."
    assert document["rai:personalSensitiveInformation"] == "Race and income of applicants."
    (file,) = document["distribution"]
    assert (file["@type"], file["sha256"], file["encodingFormat"]) == (
        "cr:FileObject",
        DIGEST,
        "application/octet-stream",
    )
    (records,) = document["recordSet"]
    (field,) = records["field"]
    assert field["source"] == {"fileObject": {"@id": file["@id"]}, "extract": {"column": "income"}}
    assert (field["dataType"], field["@id"]) == ("sc:Float", "records/income")


@pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated:DeprecationWarning")
def test_the_peer_library_finds_nothing_wrong(tmp_path):
    import mlcroissant as croissant

    path = tmp_path / "croissant.json"
    path.write_text(json.dumps(exported()))
    found = croissant.Dataset(jsonld=path)
    assert not found.metadata.ctx.issues.errors
    assert not found.metadata.ctx.issues.warnings
    assert found.metadata.data_biases in ("Few of some groups.", ["Few of some groups."])
    assert found.metadata.distribution[0].sha256 == DIGEST


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("decimal(10, 2)", "sc:Float"), ("BIGINT", "sc:Integer"), ("int64", "sc:Integer"), ("interval", "sc:Text"),
        ("timestamp with time zone", "sc:DateTime"), ("date", "sc:Date"), ("bool", "sc:Boolean"), ("", "sc:Text"),
        ("datetime64[ns]", "sc:DateTime"), ("cr:Int64", "cr:Int64"), ("varchar", "sc:Text"), ("double", "sc:Float"),
    ],
)  # fmt: skip
def test_types_of_databases_are_types_of_croissant(text, expected):
    assert data_type(text) == expected


TEXT = st.text(string.printable + "éß漢", min_size=1, max_size=30).map(
    lambda text: text.replace("\x0b", "").replace("\x0c", "")
)
NAME = st.text(string.ascii_letters + ' /%"é.', min_size=1, max_size=8).filter(str.strip)
DAY = st.dates().map(lambda day: day.isoformat())
SLUG = st.from_regex(r"[a-z0-9][a-z0-9_-]{0,8}", fullmatch=True)
LINE = st.text(string.ascii_letters + string.digits + "()., ", max_size=12).map(str.strip)
ABOUT = st.fixed_dictionaries({}, optional={"type": LINE, "description": TEXT})
SHEETS = st.fixed_dictionaries(
    {"collection": st.fixed_dictionaries({"method": TEXT, "period": st.fixed_dictionaries({"until": DAY})})},
    optional={
        **dict.fromkeys(TEXT_KEYS, TEXT),
        "licence": st.fixed_dictionaries(
            {"name": NAME}, optional={"url": st.just("https://a.example/b"), "until": DAY}
        ),
        "purposes": st.lists(SLUG | st.just("*"), max_size=3),
        "prohibited": st.lists(
            st.fixed_dictionaries({"purpose": SLUG, "columns": st.lists(NAME, min_size=1, max_size=2), "reason": NAME}),
            max_size=2,
        ),
        "retention": st.fixed_dictionaries({"days": st.integers(1, 999)}) | st.fixed_dictionaries({"until": DAY}),
        "regions": st.lists(st.sampled_from(["EU", "US-NY"]), max_size=2),
        "update_rhythm": NAME,
        "freshness_days": st.integers(1, 99),
        "is_source": st.booleans(),
        "lawful_basis": st.sampled_from(LAWFUL_BASES),
        "columns": st.dictionaries(NAME, ABOUT, max_size=4),
    },
)
COLUMNS = st.lists(
    st.fixed_dictionaries({"name": NAME, "type": LINE}), max_size=4, unique_by=lambda column: column["name"]
)
VERSIONS = st.none() | st.builds(
    DescribedVersion,
    label=st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,8}", fullmatch=True),
    sha256=st.just(DIGEST),
    rows=st.none() | st.integers(0, 10**9),
    columns=COLUMNS,
    data_until=st.none() | DAY,
)


@settings(deadline=None)
@given(SHEETS, VERSIONS)
def test_what_goes_out_comes_back_as_it_was(sheet, version):
    kept = check_datasheet(sheet)
    back = read_croissant(json.loads(json.dumps(exported(kept, version))))
    assert back.sheet == kept
    assert back.version == version
    assert (back.slug, back.name, back.source, back.unread) == ("hmda", "HMDA Boston", "Federal Reserve", ())


FOREIGN = {
    "@context": {"@vocab": "https://schema.org/", "schema": "https://schema.org/", "ml": "http://mlcommons.org/croissant/",
                 "rai": "http://mlcommons.org/croissant/RAI/", "dataBiases": "ml:dataBiases",
                 "recordSet": "ml:recordSet"},
    "@type": "schema:Dataset",
    "schema:name": {"@value": "Passengers", "@language": "en"},
    "description": {"de": "Fahrgäste", "en": "Who was aboard"},
    "license": "https://creativecommons.org/licenses/by/4.0/",
    "dataBiases": ["Few of the crew.", "Ages are guessed."],
    "rai:annotationsPerItem": "2",
    "keywords": ["ship"],
    "version": "1.0.0",
    "distribution": {"@type": "ml:FileObject", "@id": "p.csv", "name": "p.csv", "contentUrl": "data/p.csv",
                     "encodingFormat": "text/csv", "contentSize": "117 kB", "sha256": DIGEST.upper()},
    "recordSet": {
        "@type": "ml:RecordSet", "@id": "passengers",
        "ml:field": [
            {"@type": "ml:Field", "@id": "passengers/name", "description": "As written", "ml:dataType": "schema:Text",
             "ml:source": {"ml:fileObject": {"@id": "p.csv"}, "ml:extract": {"ml:column": "Name"}}},
            {"@type": "ml:Field", "@id": "passengers/cabin", "ml:dataType": "schema:Text",
             "ml:references": {"ml:field": {"@id": "cabins/key"}},
             "ml:subField": [{"@type": "ml:Field", "name": "deck", "ml:dataType": "schema:Text"}]},
        ],
    },
}  # fmt: skip


def test_what_others_wrote_is_read_whatever_they_call_it():
    found = read_croissant(FOREIGN)
    assert (found.name, found.slug) == ("Passengers", "")
    assert found.sheet["description"] == "Who was aboard"
    address = "https://creativecommons.org/licenses/by/4.0/"
    assert found.sheet["licence"] == {"name": address, "url": address}
    assert found.sheet["biases"] == "Few of the crew.\n\nAges are guessed."
    assert found.sheet["labelling"] == "Labels for each item: 2"
    assert found.sheet["columns"] == {
        "Name": {"type": "schema:Text", "description": "As written"},
        "cabin": {"type": "schema:Text"},
        "cabin.deck": {"type": "schema:Text"},
    }
    assert found.version is not None
    assert (found.version.label, found.version.sha256) == ("1.0.0", DIGEST)
    assert [column["name"] for column in found.version.columns] == ["Name", "cabin", "cabin.deck"]


def test_what_has_no_place_here_is_named():
    assert set(read_croissant(FOREIGN).unread) == {
        "$.keywords: has no place in a datasheet",
        "$.distribution[0].contentSize: has no place in a datasheet",
        "$.distribution[0].contentUrl: where the data lie is bound to a dataset as an address",
        "$.recordSet[0].field[1].cr:references: has no place in a datasheet",
    }


def test_several_files_are_no_single_version():
    files = [{"@type": "cr:FileObject", "@id": name, "sha256": DIGEST} for name in ("a", "b")]
    found = read_croissant({**exported(), "distribution": files})
    assert found.version is None
    assert found.unread == ("$.distribution: a version is one content with its SHA-256, under a version's label",)


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ([], None),
        ({"@type": "sc:Person", "name": "x"}, "@type"),
        ({"@type": "sc:Dataset"}, "name"),
        ({"@type": "sc:Dataset", "name": "x\ny"}, "name"),
        ({**exported(), "terms": []}, "terms"),
        ({**exported(), "terms": {"regions": ["Europe"]}}, "regions[0]"),
        ({**exported(), "description": "a\x00b"}, "description"),
    ],
)
def test_what_is_no_description_is_refused(document, field):
    with pytest.raises(InvalidInput) as refused:
        read_croissant(document)
    assert refused.value.field == field


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from([*exported(), "@value", "name", "field", "source"]) | st.text(max_size=4), inner
        )
    ),
    max_leaves=20,
)


@given(st.dictionaries(st.sampled_from(sorted(exported())), JSON, max_size=6))
def test_whatever_comes_is_read_or_refused(document):
    try:
        found = read_croissant({"@type": "sc:Dataset", "name": "x"} | document)
    except InvalidInput:
        return
    assert check_datasheet(found.sheet) == found.sheet
