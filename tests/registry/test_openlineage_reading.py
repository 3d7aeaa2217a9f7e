"""One event read: every structure of the standard's facets, and refusals that name the path of what is wrong."""

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.canonical import canonical_json
from registry.errors import InvalidInput
from registry.lineage.names import PlaceName
from registry.lineage.openlineage import read_event
from registry.lineage.openlineage_json import canonical_event
from registry.lineage.openlineage_runs import lineage_of
from tests.registry.openlineage_cases import (
    CRM,
    MART,
    NAMESPACE,
    PRODUCER,
    column_lineage,
    dataset,
    event,
    field,
    schema,
)

SOURCE, TARGET = PlaceName(NAMESPACE, CRM), PlaceName(NAMESPACE, MART)


def edges(sent: dict, place: PlaceName = TARGET) -> set[tuple]:
    """``(source, source column, target column, level, manner, subtype, masking, treatment)`` of each edge."""
    stated = lineage_of([read_event(sent)]).edges[place]
    return {
        (e.source.name, e.source_column, e.target_column, e.level, e.manner, e.subtype, e.masking, dict(e.treatment).get("method"))
        for e in stated
    }  # fmt: skip


def made_by(**facets) -> dict:
    return event(inputs=[dataset(CRM)], outputs=[dataset(MART, **facets)])


def entity(kind="DATASET", **more) -> dict:
    named = {} if "name" in more or kind == "JOB" else {"namespace": NAMESPACE, "name": CRM}
    return {"type": kind, **named, **more}


def test_transformations_say_how():
    facet = column_lineage(
        x=[
            field(CRM, "a", "DIRECT", "AGGREGATION"),
            field(CRM, "b", "INDIRECT", "FILTER"),
            field(CRM, "c", masking=True),
        ],
        dataset=[field(CRM, "d", "INDIRECT", "JOIN")],
    )
    assert edges(made_by(columnLineage=facet)) == {
        (CRM, "a", "x", "column", "direct", "AGGREGATION", False, None),
        (CRM, "b", "x", "column", "indirect", "FILTER", False, None),
        (CRM, "c", "x", "column", "direct", "IDENTITY", True, "masking"),
        (CRM, "d", None, "column", "indirect", "JOIN", False, None),
    }


def test_what_was_said_of_columns_before_version_1_1():
    source = {"namespace": NAMESPACE, "name": CRM, "field": "a"}
    fields = {
        "same": {"inputFields": [source], "transformationType": "IDENTITY", "transformationDescription": "as is"},
        "masked": {"inputFields": [source], "transformationType": "MASKED"},
    }
    assert edges(made_by(columnLineage={"fields": fields})) == {
        (CRM, "a", "same", "column", "direct", "IDENTITY", False, None),
        (CRM, "a", "masked", "column", "direct", "MASKED", True, "masking"),
    }


def test_our_own_key_states_a_treatment_and_prose_does_not():
    told = field(CRM, "a", countersign={"method": "aggregation", "k": 10})
    guessed = field(CRM, "b", description="sha256(b) with a secret key")
    stated = lineage_of([read_event(made_by(columnLineage=column_lineage(x=[told], y=[guessed])))]).edges[TARGET]
    assert {edge.target_column: edge.treatment for edge in stated} == {
        "x": (("k", 10), ("method", "aggregation")),
        "y": (),
    }


def test_a_lineage_facet_on_a_dataset():
    facet = {
        "inputs": [entity(), entity(field="day", transformations=[{"type": "INDIRECT", "subtype": "GROUP_BY"}])],
        "fields": {"x": {"inputs": [entity(field="a", transformations=[{"type": "DIRECT", "subtype": "IDENTITY"}])]}},
    }
    assert edges(made_by(lineage=facet)) == {
        (CRM, "a", "x", "column", "direct", "IDENTITY", False, None),
        (CRM, "day", None, "column", "indirect", "GROUP_BY", False, None),
    }


@pytest.mark.parametrize("where", ["job_facets", "run_facets"])
@pytest.mark.parametrize("key", ["entries", "lineage"])
def test_entries_say_which_input_makes_which_output(where, key):
    entries = [
        {
            "type": "DATASET",
            "namespace": NAMESPACE,
            "name": target,
            "inputs": [entity(name=source, namespace=NAMESPACE)],
        }
        for source, target in (("one", "first"), ("two", "second"))
    ]
    outputs = [dataset("first"), dataset("second")]
    facets = {where: {"lineage": {**PRODUCER, key: entries}}}
    sent = event(inputs=[dataset("one"), dataset("two")], outputs=outputs, **facets)
    assert {row[:4] for row in edges(sent, PlaceName(NAMESPACE, "first"))} == {("one", None, None, "dataset")}
    assert {row[:4] for row in edges(sent, PlaceName(NAMESPACE, "second"))} == {("two", None, None, "dataset")}


def test_an_empty_list_of_inputs_says_that_there_is_no_source():
    entries = [{"type": "DATASET", "namespace": NAMESPACE, "name": MART, "inputs": []}]
    sent = event(inputs=[dataset(CRM)], outputs=[dataset(MART)], job_facets={"lineage": {"entries": entries}})
    assert edges(sent) == set()


def test_jobs_are_steps_of_their_own():
    entries = [
        {"type": "JOB", "inputs": [entity(field="a", transformations=[{"type": "INDIRECT", "subtype": "FILTER"}])]},
        {"type": "DATASET", "namespace": NAMESPACE, "name": MART, "inputs": [],
         "fields": {"total": {"inputs": [entity("JOB"), entity("JOB", namespace="spark", name="other")]}}},
    ]  # fmt: skip
    sent = event(job="mine", job_facets={"lineage": {"entries": entries}})
    assert {row[:4] for row in edges(sent)} == {("mine", None, "total", "dataset"), ("other", None, "total", "dataset")}
    assert {row[:4] for row in edges(sent, PlaceName("job:airflow", "mine"))} == {(CRM, "a", None, "column")}


def test_a_dataset_event_and_a_job_event():
    alone = {"eventTime": "2026-11-01T00:00:00Z", "producer": "x"}
    told = read_event({**alone, "dataset": dataset(MART, columnLineage=column_lineage(x=[(CRM, "a")]))})
    assert (told.kind, {edge.source for edge in lineage_of([told]).edges[TARGET]}) == ("DatasetEvent", {SOURCE})
    told = read_event(
        {**alone, "job": {"namespace": "n", "name": "j"}, "inputs": [dataset(CRM)], "outputs": [dataset(MART)]}
    )
    assert (told.kind, set(lineage_of([told]).edges)) == ("JobEvent", {TARGET})


def test_what_is_said_of_a_dataset_beside_its_lineage():
    nested = {"fields": [{"name": "who", "type": "STRUCT", "fields": [{"name": "mail", "type": "VARCHAR"}]}]}
    sent = dataset(
        MART, schema=nested, documentation={"description": "Applicants."}, dataSource={"name": "mart", "uri": "pg://mart"},
        ownership={"owners": [{"name": "team:risk", "type": "MAINTAINER"}]},
        tags={"tags": [{"key": "pii", "value": "true", "field": "who.mail", "source": "USER"}]},
    )  # fmt: skip
    sent["inputFacets"] = {
        "dataQualityAssertions": {"assertions": [{"assertion": "not_null", "success": False, "column": "who.mail"}]}
    }
    (place,) = read_event(event(inputs=[sent])).places
    assert place.columns == {"who": "STRUCT", "who.mail": "VARCHAR"}
    assert place.description == "Applicants.\n\nOwners: team:risk (MAINTAINER)\n\nSource: mart pg://mart"
    assert [(tag.key, tag.value, tag.column) for tag in place.tags] == [("pii", "true", "who.mail")]
    assert [(check.assertion, check.success, check.column) for check in place.assertions] == [
        ("not_null", False, "who.mail")
    ]


def test_unknown_facets_and_keys_are_passed_over_and_deleted_facets_too():
    sent = made_by(columnLineage={**column_lineage(x=[(CRM, "a")]), "_deleted": True}, spark_plan={"n": 2**63})
    sent["whatever"] = [None]
    assert {row[:3] for row in edges(sent)} == {(CRM, None, None)}
    assert b"9223372036854775808" in canonical_event(sent)


def test_a_time_without_a_zone_is_noted():
    assert "no time zone" in read_event({**event(), "eventTime": "2026-11-01T00:00:00"}).notes[0]


LINEAGE = "$.outputs[0].facets.columnLineage.fields"


@pytest.mark.parametrize(
    ("change", "path"),
    [
        (lambda e: e.pop("eventTime"), "$.eventTime"),
        (lambda e: e.update(eventTime="soon"), "$.eventTime"),
        (lambda e: e.update(eventType="DONE"), "$.eventType"),
        (lambda e: e["run"].pop("runId"), "$.run.runId"),
        (lambda e: e.update(job=None), "$.job"),
        (lambda e: e["job"].update(name=7), "$.job.name"),
        (lambda e: e["job"].update(namespace="countersign:jobs"), "$.job.namespace"),
        (lambda e: e.update(inputs={}), "$.inputs"),
        (lambda e: e["inputs"][0].update(facets=[]), "$.inputs[0].facets"),
        (lambda e: e["outputs"][0].update(name="n" * 1001), "$.outputs[0].name"),
        (lambda e: e["outputs"][0].update(namespace="countersign:models"), "$.outputs[0].namespace"),
        (lambda e: e["outputs"].append(None), "$.outputs[1]"),
        (lambda e: lineage(e).update(x={"inputFields": [field(CRM, "a"), {**field(CRM, "b"), "name": ""}]}),
         f"{LINEAGE}.x.inputFields[1].name"),
        (lambda e: lineage(e).update({"a b": {"inputFields": 3}}), f'{LINEAGE}["a b"].inputFields'),
        (lambda e: lineage(e)["x"]["inputFields"][0].update(transformations=[{}]),
         f"{LINEAGE}.x.inputFields[0].transformations[0].type"),
        (lambda e: lineage(e)["x"]["inputFields"][0].update(transformations=[{"type": "DIRECT", "masking": "yes"}]),
         f"{LINEAGE}.x.inputFields[0].transformations[0].masking"),
        (lambda e: lineage(e).update(x={"inputFields": [field(CRM, "a", countersign={"method": "magic"})]}),
         f"{LINEAGE}.x.inputFields[0].transformations[0].countersign.method"),
        (lambda e: lineage(e).update(x={"inputFields": [field(CRM, "a", countersign={"method": "aggregation", "k": 0})]}),
         f"{LINEAGE}.x.inputFields[0].transformations[0].countersign.k"),
        (lambda e: facets(e).update(schema={"fields": [{"type": "int"}]}), "$.outputs[0].facets.schema.fields[0].name"),
        (lambda e: facets(e).update(lifecycleStateChange={"lifecycleStateChange": "MOVE"}),
         "$.outputs[0].facets.lifecycleStateChange.lifecycleStateChange"),
        (lambda e: facets(e).update(symlinks={"identifiers": [{"namespace": "countersign:models", "name": "m@1"}]}),
         "$.outputs[0].facets.symlinks.identifiers[0].namespace"),
        (lambda e: e["job"].update(facets={"lineage": {"entries": [{"type": "TABLE"}]}}), "$.job.facets.lineage.entries[0].type"),
    ],
)  # fmt: skip
def test_a_refusal_names_the_path(change, path):
    sent = copy.deepcopy(made_by(columnLineage=column_lineage(x=[(CRM, "a")])))
    change(sent)
    with pytest.raises(InvalidInput) as caught:
        read_event(sent)
    assert caught.value.field == path
    assert caught.value.message.startswith(f"{path}: ")


def facets(sent: dict) -> dict:
    return sent["outputs"][0]["facets"]


def lineage(sent: dict) -> dict:
    return facets(sent)["columnLineage"]["fields"]


@pytest.mark.parametrize(
    "hostile",
    [{"x": "\0"}, {"x": "\ud800"}, {"\0": 1}, {"deep": None}],
    ids=["nul", "surrogate", "key", "deep"],
)
def test_what_no_database_holds_and_what_is_too_deep_is_refused(hostile):
    if "deep" in hostile:
        for _ in range(70):
            hostile = {"d": hostile}
    with pytest.raises(InvalidInput) as caught:
        canonical_event({**event(), "extra": hostile})
    assert caught.value.field.startswith("$.extra") or caught.value.field == "$"


def test_a_model_is_read_from_but_never_described():
    model = {**dataset("credit@1", schema=schema("a")), "namespace": "countersign:models"}
    score = {"namespace": "countersign:models", "name": "credit@1", "field": "age"}
    sent = event(inputs=[model], outputs=[dataset(MART, columnLineage=column_lineage(score=[score]))])
    told = read_event(sent)
    assert told.places[0].columns is None
    assert {row[:4] for row in edges(sent)} == {("credit@1", None, "score", "dataset")}
    assert told.notes


@given(
    extra=st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(2**60), 2**60)
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
        max_leaves=20,
    )
)
def test_the_quick_way_to_canonical_json_gives_the_same_bytes(extra):
    sent = {**event(), "extra": extra}
    try:
        expected = canonical_json(sent)
    except InvalidInput:
        return  # a number that RFC 8785 does not know
    if b"\\u0000" in expected:
        with pytest.raises(InvalidInput):
            canonical_event(sent)
        return
    assert canonical_event(sent) == expected
