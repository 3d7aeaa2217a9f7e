"""A manifest may name data that stay where they are; their addresses are part of what a version is, and hold no secret."""

import json

import pytest

from registry.data_reference import DataReference
from registry.errors import InvalidInput
from registry.manifest import bind, parse_manifest

MINIMAL = """
model: mortgage-approval
version: "1"
use_case: mortgage-underwriting
artifacts: [{role: model, path: model.skops}]
schema: {label: approve, prediction: predicted}
"""
TRAINING = "postgresql://warehouse.example:5432/loans?table=risk.training&credentials=warehouse"
PREDICTIONS = "s3://evidence/predictions/*.parquet?credentials=lake"
FILES = {"model.skops": ("a" * 64, 11)}


def manifest(*references):
    listed = "".join(f"\n  - {{role: {role}, url: {json.dumps(url)}}}" for role, url in references)
    return f"{MINIMAL}data: {listed or '[]'}\n".encode()


def test_data_are_told_in_their_order():
    parsed = parse_manifest(manifest(("training-data", TRAINING), ("test-predictions", PREDICTIONS)))
    assert parsed.data == (DataReference("training-data", TRAINING), DataReference("test-predictions", PREDICTIONS))


def test_the_address_is_part_of_the_identity_and_the_order_is_not():
    both = [("training-data", TRAINING), ("test-predictions", PREDICTIONS)]
    content, digest = bind(parse_manifest(manifest(*both)), FILES)
    assert json.loads(content)["data"] == [
        {"role": "test-predictions", "url": PREDICTIONS},
        {"role": "training-data", "url": TRAINING},
    ]
    assert bind(parse_manifest(manifest(*reversed(both))), FILES) == (content, digest)
    other = [("training-data", TRAINING.replace("risk.", "other.")), both[1]]
    assert bind(parse_manifest(manifest(*other)), FILES)[1] != digest


def test_no_data_leaves_the_identity_as_it_was():
    assert bind(parse_manifest(manifest()), FILES) == bind(parse_manifest(MINIMAL.encode()), FILES)


@pytest.mark.parametrize(
    ("references", "field", "said"),
    [
        ([("training-data", "postgresql://ada:hush@h/db?table=t")], "data[0].url", "must not hold a password"),
        ([("training-data", "postgresql://:hush@h/db?table=t")], "data[0].url", "must not hold a password"),
        ([("training-data", "postgresql://h/db?table=t&password=hush")], "data[0].url", "must not hold a password"),
        ([("training-data", "s3://b/x?secret_key=hush")], "data[0].url", "must not hold a password"),
        ([("training-data", "sc://h:15002/;token=hush?table=t")], "data[0].url", "must not hold a password"),
        ([("training-data", "training.parquet")], "data[0].url", "scheme://host"),
        ([("training-data", "postgresql://h/db?query=SELECT 1")], "data[0].url", "without spaces"),
        ([("training-data", "postgresql://h:port/db?table=t")], "data[0].url", "host or port"),
        ([("training-data", "postgresql://[h/db?table=t")], "data[0].url", "host or port"),
        ([("training-data", "spark://h?path=/" + "x" * 2000)], "data[0].url", "too long"),
        ([("training-data", TRAINING), ("training-data", TRAINING)], "data[1].role", "already"),
        ([("model", TRAINING)], "data[0].role", "already"),
        ([("Training", TRAINING)], "data[0].role", "form"),
        ([(f"data-{number}", TRAINING) for number in range(21)], "data", "too long"),
    ],
)
def test_what_is_refused(references, field, said):
    with pytest.raises(InvalidInput, match=said) as refused:
        parse_manifest(manifest(*references))
    assert refused.value.field == field
    assert "hush" not in str(refused.value)


def test_unknown_keys_of_data_are_refused():
    with pytest.raises(InvalidInput, match="unknown key 'password'"):
        parse_manifest(f"{MINIMAL}data: [{{role: a, url: 's3://b/x', password: hush}}]".encode())


def test_predictions_are_a_file_or_a_table_not_both():
    text = MINIMAL.replace("[{role: model,", "[{role: test-predictions, path: p.csv}, {role: model,")
    text += f"data: [{{role: test-predictions, url: '{PREDICTIONS}'}}]\n"
    with pytest.raises(InvalidInput, match="'test-predictions' is the role of a file"):
        parse_manifest(text.encode())
