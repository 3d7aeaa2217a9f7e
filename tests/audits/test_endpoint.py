"""Endpoints are asked by the Open Inference Protocol, within bounds, and what they answer is checked like a sandbox's."""

from __future__ import annotations

import datetime as dt
import json
import socket
import ssl
import threading
import time

import numpy as np
import pyarrow as pa
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from audits.sandbox.errors import ModelFailed
from audits.scoring import endpoint_address
from audits.scoring.endpoint import open_endpoint
from audits.scoring.endpoint_address import is_refused
from audits.scoring.endpoint_http import Bounds
from audits.scoring.settings import ScoringSettings
from audits.scoring.source import Endpoint
from registry.errors import InvalidInput
from registry.execution import Interface
from tests.audits.endpoint_server import Behaviour, serving, slow
from tests.audits.scoring_cases import NAMES, batch_of, numbers

QUICK = Bounds(connect_seconds=2, seconds=0.6, answer_bytes=100_000, tries=3, pause_seconds=0.01)
INTERFACE = Interface(inputs=NAMES, threshold=0.5)


def chance(block):
    return 1 / (1 + np.exp(-np.nan_to_num(block[:, 0] - block[:, 1])))


def matrix_model(**changes):
    """One tensor in, the chance of yes out."""
    return Behaviour(
        inputs=[{"name": "x", "datatype": "FP64", "shape": [-1, 4]}],
        outputs=[{"name": "p", "datatype": "FP64", "shape": [-1, 1]}],
        answer=lambda asked: [("p", "FP64", chance(asked["x"]).reshape(-1, 1))],
        **changes,
    )


def opened(url, interface=INTERFACE, **changes):
    given = {"name": "credit", "url": url, "model": "credit", "interface": interface, "trusted": True, **changes}
    return open_endpoint(Endpoint(**given), settings=changes_of({}), bounds=QUICK, processes=2)


def changes_of(environment):
    return ScoringSettings.from_environment(environment)


def table_of(batches):
    return pa.Table.from_batches(list(batches))


def test_a_matrix_in_and_scores_out_in_bounded_requests_in_order():
    block = numbers(2500)
    behaviour = matrix_model()
    with serving(behaviour) as url, opened(url, version="3") as model:
        found = table_of(model.score(iter([batch_of(block)])))
        scores = model.scores(dict(zip(NAMES, block.T, strict=True)))
        assert not model.signature.sandboxed
        assert model.signature.format == "endpoint"
        assert model.signature.told == {"platform": "python", "versions": "3"}
        assert model.trees() is None
        assert model.usage() is None
    np.testing.assert_array_equal(found["score"], chance(block))
    np.testing.assert_array_equal(scores, chance(block))
    assert found["prediction"].to_pylist() == ["1" if value >= 0.5 else "0" for value in chance(block)]
    assert {path for path, _headers in behaviour.seen if "infer" in path} == {"/v2/models/credit/versions/3/infer"}
    rows = [json.loads(body)["inputs"][0]["shape"][0] for body in behaviour.bodies]
    assert sorted(rows) == [452, 452, 1024, 1024, 1024, 1024]


@pytest.mark.parametrize("extensions", [[], ["binary_tensor_data"]], ids=["json", "binary"])
def test_one_tensor_for_each_column_with_texts_and_what_is_missing(extensions):
    kinds = {"income": "FP32", "rooms": "INT64", "owner": "BOOL", "home": "BYTES"}
    seen = {}

    def answer(asked):
        seen.update({name: values.tolist() for name, values in asked.items()})
        return [
            ("label", "BYTES", ["yes", "no", "yes"]),
            ("probabilities", "FP64", [[0.1, 0.9], [0.8, 0.2], [0.4, 0.6]]),
        ]

    inputs = [{"name": name, "datatype": kind, "shape": [-1, 1]} for name, kind in kinds.items()]
    outputs = [
        {"name": "label", "datatype": "BYTES", "shape": [-1]},
        {"name": "probabilities", "datatype": "FP64", "shape": [-1, 2]},
    ]
    rows = pa.RecordBatch.from_pydict(
        {"home": ["own", None, "rént"], "income": [1.5, None, 3.0], "rooms": [1, 2, 3], "owner": [True, False, True]}
    )
    interface = Interface(inputs=tuple(rows.schema.names), classes=("no", "yes"))
    with (
        serving(Behaviour(inputs=inputs, outputs=outputs, answer=answer, extensions=extensions)) as url,
        opened(url, interface) as model,
    ):
        found = table_of(model.score(iter([rows])))
        all_of_it = table_of(model.outputs(iter([rows])))
        assert model.signature.inputs["home"] == "text"
    assert found.to_pydict() == {"score": [0.9, 0.2, 0.6], "prediction": ["yes", "no", "yes"]}
    assert all_of_it.column_names == ["label", "probabilities:0", "probabilities:1"]
    assert seen["home"] == [["own"], [""], ["rént"]]
    np.testing.assert_array_equal(seen["income"], [[1.5], [np.nan], [3.0]])
    assert (seen["rooms"], seen["owner"]) == ([[1], [2], [3]], [[True], [False], [True]])


def _says(body, **more):
    return lambda handler: handler.send(body, **more)


def _tensor(values, shape, kind="FP64", name="p"):
    return _says({"outputs": [{"name": name, "datatype": kind, "shape": shape, "data": values}]})


def _redirect(handler):
    handler.send(b"", 302, Location="http://127.0.0.1:1/secret")


def _huge(handler):
    handler.send(b"[" + b"1," * 100_000 + b"1]")


def _cut(handler):
    handler.send_response(200)
    handler.send_header("Content-Length", "5000")
    handler.end_headers()
    handler.wfile.write(b"{")
    handler.close_connection = True


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (_tensor([0.5], [1]), "of shape [1] to 3 rows"),
        (_tensor([0.5, 0.5, None], [3]), "answered [nan] in row 2"),
        (_says(b'{"outputs": [{"name":"p","datatype":"FP64","shape":[1,3],"data":[0.1,NaN,0.2]}]}'), "of shape [1, 3]"),
        (_tensor([0.5, 0.5], [3]), "values that are not FP64 of shape [3]"),
        (_tensor([[1], [2, 3], [4]], [3]), "values that are not FP64"),
        (_tensor(["a", "b", "c"], [3], "BYTES"), "'p' as BYTES, which are no numbers"),
        (_tensor([1.0, 2.0, 3.0], [3], name="other"), "without 'p'"),
        (_tensor([1.0, 2.0, 3.0], [-1]), "with the shape [-1]"),
        (_tensor([1.0, 2.0, 3.0], [3], "FP128"), "no tensor of the protocol"),
        (_tensor("many", [3]), "without data"),
        (_says({}), "without outputs"),
        (_says({"outputs": "none"}), "without outputs"),
        (_says(b"{"), "no JSON"),
        (_says(b"[" * 90_000), "no JSON"),
        (_says({"error": "out of memory\u001b[31m"}, status=500), "status 500: "),
        (_redirect, "redirects are not followed"),
        (_huge, "more than 100,000 bytes"),
        (slow, "took longer than 0.6 seconds"),
        (_cut, "cannot be asked"),
    ],
)
def test_a_bad_answer_fails_with_its_reason(bad, said):
    behaviour = matrix_model(bad=bad)
    began = time.monotonic()
    with serving(behaviour) as url, opened(url) as model, pytest.raises(ModelFailed) as failure:
        list(model.score(iter([batch_of(numbers(3))])))
    assert said in str(failure.value)
    assert str(failure.value).startswith("credit: ")
    assert "\x1b" not in str(failure.value)
    assert time.monotonic() - began < 5


def test_a_busy_endpoint_is_asked_again_a_few_times_and_one_that_fails_is_not():
    left = [503, 503]
    busy = matrix_model(bad=lambda handler: handler.send(b"", left.pop()) if left else False)
    with serving(busy) as url, opened(url) as model:
        assert len(table_of(model.score(iter([batch_of(numbers(3))])))) == 3
        left += [503] * 3
        with pytest.raises(ModelFailed, match="status 503"):
            list(model.score(iter([batch_of(numbers(3))])))
    assert len(busy.bodies) == 6
    broken = matrix_model(bad=_says(b"", status=500))
    with serving(broken) as url, opened(url) as model, pytest.raises(ModelFailed):
        list(model.score(iter([batch_of(numbers(3))])))
    assert len(broken.bodies) == 1


def test_a_server_that_is_not_there_or_not_ready_is_said_so():
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    with pytest.raises(ModelFailed, match="cannot be asked: Connection refused"), opened(f"http://127.0.0.1:{port}"):
        pass
    with (
        serving(matrix_model(name="other")) as url,
        pytest.raises(ModelFailed, match=r"404: .*no such model"),
        opened(url),
    ):
        pass


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ([{"name": "x", "datatype": "FP64", "shape": [-1, 3]}], r"shape \[-1, 3\], and the interface names 4 columns"),
        (
            [{"name": "a", "datatype": "FP64", "shape": [-1]}, {"name": "b", "datatype": "FP64", "shape": [-1]}],
            "takes a, b",
        ),
    ],
)
def test_what_it_takes_must_fit_the_interface(inputs, said):
    behaviour = matrix_model()
    behaviour.inputs = inputs
    with serving(behaviour) as url, pytest.raises(InvalidInput, match=said), opened(url):
        pass


def test_only_hosts_that_the_operator_lists_are_asked_for_others():
    behaviour = matrix_model()
    with serving(behaviour) as url:
        source = Endpoint(name="credit", url=url, model="credit", interface=INTERFACE)
        with (
            pytest.raises(InvalidInput, match="COUNTERSIGN_ENDPOINT_HOSTS"),
            open_endpoint(source, settings=changes_of({})),
        ):
            pass
        assert behaviour.seen == []
        listed = changes_of(
            {"COUNTERSIGN_ENDPOINT_HOSTS": "a.example, 127.0.0.1", "COUNTERSIGN_ENDPOINT_TOKEN_127_0_0_1": "s3cret"}
        )
        with open_endpoint(source, settings=listed, bounds=QUICK):
            pass
        assert {headers["Authorization"] for _path, headers in behaviour.seen} == {"Bearer s3cret"}
        assert "s3cret" not in repr(listed)


def resolving(monkeypatch, *addresses):
    def found(host, port, **_more):
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(endpoint_address.socket, "getaddrinfo", found)


def test_a_token_is_never_sent_in_the_clear(monkeypatch):
    resolving(monkeypatch, "192.0.2.7")
    settings = changes_of({"COUNTERSIGN_ENDPOINT_TOKEN_MODELS_EXAMPLE": "s3cret"})
    source = Endpoint(name="m", url="http://models.example", model="m", interface=INTERFACE, trusted=True)
    with pytest.raises(InvalidInput, match="by https only"), open_endpoint(source, settings=settings):
        pass


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254",
        "fe80::1%eth0",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "2002:a9fe:a9fe::1",
        "100.100.100.200",
        "168.63.129.16",
        "fd00:ec2::254",
        "0.0.0.0",
        "::",
        "224.0.0.1",
    ],
)
def test_addresses_of_clouds_and_of_no_host_are_never_asked(address, monkeypatch):
    assert is_refused(address)
    resolving(monkeypatch, "192.0.2.7", address)
    source = Endpoint(name="m", url="https://models.example", model="m", interface=INTERFACE, trusted=True)
    with pytest.raises(InvalidInput, match="never asked"), open_endpoint(source, settings=changes_of({})):
        pass


def test_the_usual_addresses_are_not_refused():
    assert not any(map(is_refused, ["127.0.0.1", "10.0.0.5", "192.0.2.7", "::1", "2001:db8::7"]))


@pytest.mark.parametrize(
    "url",
    [
        "https://u:p@h.example",
        "https://h.example?x=1",
        "https://h.example#f",
        "ftp://h.example",
        "https://",
        "http://h:99999",
    ],
)
def test_an_address_is_scheme_host_port_and_path(url):
    source = Endpoint(name="m", url=url, model="m", interface=INTERFACE, trusted=True)
    with pytest.raises(InvalidInput) as refusal, open_endpoint(source, settings=changes_of({})):
        pass
    assert refusal.value.field == "execution.endpoint.url"


def self_signed(folder):
    """A server's context whose certificate for localhost is signed by itself alone."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    made = made.not_valid_before(now - dt.timedelta(days=1)).not_valid_after(now + dt.timedelta(days=1))
    names = x509.SubjectAlternativeName([x509.DNSName("localhost")])
    certificate = made.add_extension(names, critical=False).sign(key, hashes.SHA256())
    plain = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "key.pem").write_bytes(key.private_bytes(serialization.Encoding.PEM, *plain))
    (folder / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context


def test_a_certificate_that_nobody_vouches_for_is_not_accepted(tmp_path):
    context = self_signed(tmp_path)
    shaken = []

    def answer(listening):
        with listening.accept()[0] as there:
            try:
                context.wrap_socket(there, server_side=True).close()
            except OSError as error:
                shaken.append(error)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=answer, args=[listening], daemon=True)
        thread.start()
        url = f"https://localhost:{listening.getsockname()[1]}"
        source = Endpoint(name="m", url=url, model="m", interface=INTERFACE, trusted=True)
        with pytest.raises(ModelFailed, match=r"(?i)certificate.verify.failed"), open_endpoint(source, bounds=QUICK):
            pass
        thread.join(5)
    assert shaken
