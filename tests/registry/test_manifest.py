"""A manifest: what is refused, with the field named; what the identity covers."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.canonical import canonical_json, sha256_hex
from registry.errors import InvalidInput
from registry.manifest import bind, parse_manifest
from tests.scenario import manifest_yaml

MINIMAL = """
model: mortgage-approval
version: "1"
use_case: mortgage-underwriting
artifacts: [{role: model, path: model.skops}]
schema: {label: approve, prediction: predicted}
"""
A, B = "a" * 64, "b" * 64


def test_identity_is_the_digest_of_the_canonical_manifest():
    content, sha256 = bind(parse_manifest(MINIMAL.encode()), {"model.skops": (A, 11)})
    assert sha256 == sha256_hex(content)
    assert content == canonical_json(json.loads(content))
    assert json.loads(content)["artifacts"] == [{"path": "model.skops", "role": "model", "sha256": A, "size": 11}]


@pytest.mark.parametrize(
    "same",
    [
        MINIMAL + "components: []\n",
        MINIMAL + 'description: ""\n',
        MINIMAL.replace(
            "label: approve, prediction: predicted", "prediction: predicted, label: approve, sensitive: []"
        ),
        "# a comment\n" + MINIMAL,
        MINIMAL + 'card: {limitations: "  "}\n',
    ],
    ids=["no components", "empty description", "other order", "comment", "blank section"],
)
def test_defaults_order_and_comments_do_not_change_the_identity(same):
    files = {"model.skops": (A, 11)}
    assert bind(parse_manifest(same.encode()), files) == bind(parse_manifest(MINIMAL.encode()), files)


@pytest.mark.parametrize(
    ("change", "files"),
    [
        (MINIMAL, {"model.skops": (B, 11)}),
        (MINIMAL.replace("predicted", "guess"), {"model.skops": (A, 11)}),
        (MINIMAL.replace("role: model", "role: weights"), {"model.skops": (A, 11)}),
        (MINIMAL + "training: {seed: 8}\n", {"model.skops": (A, 11)}),
        (MINIMAL + "card: {limitations: Few people.}\n", {"model.skops": (A, 11)}),
        (MINIMAL + "code: {commit: abc}\n", {"model.skops": (A, 11)}),
    ],
    ids=["bytes", "schema", "role", "training", "card", "code"],
)
def test_whatever_says_something_else_is_another_version(change, files):
    assert (
        bind(parse_manifest(change.encode()), files)[1]
        != bind(parse_manifest(MINIMAL.encode()), {"model.skops": (A, 11)})[1]
    )


@pytest.mark.parametrize(
    ("text", "field"),
    [
        (MINIMAL.replace("model: mortgage-approval\n", ""), "model"),
        (MINIMAL.replace('version: "1"', "version: 1"), "version"),
        (MINIMAL.replace('version: "1"', 'version: ""'), "version"),
        (MINIMAL.replace("mortgage-approval", "../etc"), "model"),
        (MINIMAL + "modle: typo\n", "modle"),
        (MINIMAL.replace("label: approve, ", ""), "schema.label"),
        (MINIMAL.replace("role: model", "role: Model File"), "artifacts[0].role"),
        (MINIMAL.replace("role: model, ", ""), "artifacts[0].role"),
        (MINIMAL.replace("path: model.skops", "path: 7"), "artifacts[0].path"),
        (MINIMAL.replace("[{role: model, path: model.skops}]", "[]"), "artifacts"),
        (MINIMAL + "training: {seed: seven}\n", "training.seed"),
        (MINIMAL + "training: {dataset: hmda}\n", "training.dataset"),
        (MINIMAL + "card: {intended: x}\n", "card.intended"),
        (MINIMAL + "environment: {python: 3.11}\n", "environment.python"),
        (MINIMAL + "components: [{model: a}]\n", "components[0].version"),
    ],
)
def test_errors_name_the_field(text, field):
    with pytest.raises(InvalidInput) as refused:
        parse_manifest(text.encode())
    assert refused.value.field == field
    assert field.rpartition(".")[2] in refused.value.message


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "../secret", "a/../../b", "a\\b", "./a", "a//b", "a/", "..", r'"a\0b"', r'"a\nb"']
)
def test_paths_stay_in_the_manifests_folder_and_are_plain(path):
    with pytest.raises(InvalidInput) as refused:
        parse_manifest(MINIMAL.replace("model.skops", path).encode())
    assert refused.value.field == "artifacts[0].path"


@pytest.mark.parametrize("text", ["", "- a\n- b\n", "just text", "model: [", "a: &x 1\nb: *x\n"])
def test_what_is_no_manifest_is_refused(text):
    with pytest.raises(InvalidInput):
        parse_manifest(text.encode())


@pytest.mark.parametrize("where", ["model.skops", "predicted", "approve", "mortgage-approval", "1"])
@pytest.mark.parametrize("character", [r"\0", r"\n", r"\ud800", r"\x7f"])
def test_names_hold_no_control_characters(where, character):
    text = MINIMAL.replace('"1"', "1").replace(where, f'"{where}{character}"')
    with pytest.raises(InvalidInput, match="manifest"):
        parse_manifest(text.encode())


def test_prose_has_lines_but_no_text_that_no_database_can_hold():
    prose = 'card: {limitations: "a\\nb"}\ndescription: "c\\nd"\ntraining: {parameters: {note: "e\\nf"}}\n'
    assert parse_manifest((MINIMAL + prose).encode()).card == {"limitations": "a\nb"}
    for line in ("a", "c", "e"):
        with pytest.raises(InvalidInput, match="U\\+0000"):
            parse_manifest((MINIMAL + prose.replace(line + "\\n", line + "\\0")).encode())


def test_a_path_is_named_once_and_predictions_are_one_file():
    twice = MINIMAL.replace("]\nschema", ", {role: weights, path: model.skops}]\nschema")
    with pytest.raises(InvalidInput, match="twice"):
        parse_manifest(twice.encode())
    two = MINIMAL.replace(
        "]\nschema", ", {role: test-predictions, path: a.csv}, {role: test-predictions, path: b.csv}]\nschema"
    )
    with pytest.raises(InvalidInput, match="more than one file"):
        parse_manifest(two.encode())


def test_the_list_of_packages_is_a_file_of_the_version():
    manifest = parse_manifest((MINIMAL + "environment: {packages: requirements.txt}\n").encode())
    assert [(file.path, file.role) for file in manifest.files] == [
        ("model.skops", "model"),
        ("requirements.txt", "environment"),
    ]


def test_digests_are_given_for_exactly_the_files_named():
    manifest = parse_manifest(MINIMAL.encode())
    with pytest.raises(InvalidInput, match=r"no digest was given for 'model\.skops'"):
        bind(manifest, {})
    with pytest.raises(InvalidInput, match="does not name 'extra'"):
        bind(manifest, {"model.skops": (A, 1), "extra": (B, 1)})


@pytest.mark.parametrize("prefix", ["", "sha256:"])
def test_a_digest_that_the_manifest_states_must_be_the_files(prefix):
    manifest = parse_manifest(
        MINIMAL.replace("path: model.skops", f'path: model.skops, sha256: "{prefix}{A}"').encode()
    )
    assert (
        bind(manifest, {"model.skops": (A, 1)})[1] == bind(parse_manifest(MINIMAL.encode()), {"model.skops": (A, 1)})[1]
    )
    with pytest.raises(InvalidInput) as refused:
        bind(manifest, {"model.skops": (B, 1)})
    assert refused.value.field == "artifacts[0].sha256"


@given(st.binary(max_size=300))
def test_no_bytes_crash_the_parser(data):
    try:
        parse_manifest(data)
    except InvalidInput:
        return
    raise AssertionError("noise was taken for a manifest")


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        max_leaves=10,
    )
)
def test_training_parameters_of_any_shape_bind_or_are_refused(parameters):
    text = manifest_yaml("1").decode().replace("{C: 1.0}", json.dumps({"any": parameters}))
    try:
        content, _ = bind(parse_manifest(text.encode()), {"model.skops": (A, 1), "predictions.csv": (B, 2)})
    except InvalidInput:
        return
    assert json.loads(content)["training"]["parameters"] == {"any": parameters}
