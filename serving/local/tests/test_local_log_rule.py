import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanaria.components.shared.errors import ParameterError
from kanaria.serving.inference_service.service_manifest import build
from kanaria.serving.inference_service.service_spec import PayloadLog, ServiceSpec
from kanaria.serving.local.payload_logger.log_rule import LogRule, event_of, rule_of
from kanaria.serving.local.state.state_folder import check
from kanaria.serving.protocol.payload_cloud_event import Half, Kind, Origin, read_event

ORIGIN = Origin(namespace="team", service="tips", revision="tips-predictor-00002")
VERSION = "kanaria.io/model-version"
RULE = LogRule(url="http://sink", headers=("X-Request-Id",), annotations={VERSION: "7"})
NOW = 1_800_000_000.25
TEXT = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=40
)


def event(rule=RULE, kind=Kind.REQUEST, headers=(), id_="a", body=b"{}"):
    half = Half(kind=kind, id=id_, time=NOW)
    return event_of(rule, ORIGIN, half, headers=headers, body=body)


@given(id_=TEXT, version=TEXT, kind=st.sampled_from(Kind), body=st.binary())
def test_the_drift_server_reads_what_is_written_and_no_value_breaks_a_header(
    id_, version, kind, body
):
    rule = LogRule(url="http://sink", headers=("X-Request-Id",), annotations={VERSION: version})
    sent = event(rule, kind, [(b"x-request-id", b"order-1")], id_, body)
    assert all(value.isascii() and value.isprintable() for value in sent.headers.values())
    read = read_event(sent.headers, sent.body, received=NOW + 1)
    assert (read.id, read.version, read.body, read.time) == (id_, version, body, NOW)
    assert read.kind is kind
    assert (read.namespace, read.service, read.component) == ("team", "tips", "predictor")
    assert read.request_id == "order-1"


def test_both_halves_have_the_requests_content_type():
    headers = [(b"content-type", b"application/octet-stream")]
    types = [event(kind=kind, headers=headers).headers["content-type"] for kind in Kind]
    assert types == ["application/octet-stream"] * 2


def test_only_the_named_headers_are_told_and_named_as_go_writes_them():
    headers = [(b"authorization", b"Bearer secret"), (b"x-request-id", b"order-1")]
    metadata = event(headers=headers).headers["ce-metadata"]
    assert "order-1" in metadata
    assert "secret" not in metadata
    lower = LogRule(url="http://sink", headers=("x-request-id",))
    assert event(lower, headers=headers).headers["ce-metadata"] == "{}"


@pytest.mark.parametrize(
    ("mode", "wanted"), [("all", set(Kind)), *((kind.half, {kind}) for kind in Kind)]
)
def test_a_mode_says_which_halves_are_logged(mode, wanted):
    assert {kind for kind in Kind if LogRule(url="http://sink", mode=mode).logs(kind)} == wanted
    assert not any(LogRule(mode=mode).logs(kind) for kind in Kind)


def test_the_rule_is_what_the_manifest_asks_for():
    spec = ServiceSpec(
        name="tips",
        storage_uri="/models",
        annotations={VERSION: "7", "team": "fares"},
        log=PayloadLog(url="http://sink"),
    )
    assert rule_of(build(spec)) == RULE
    assert rule_of(build(ServiceSpec(name="tips", storage_uri="/models"))) == LogRule()


def test_every_fault_of_a_logger_is_named():
    manifest = build(ServiceSpec(name="tips", storage_uri="/models"))
    manifest["spec"]["predictor"]["logger"] = {"url": "s3://bucket", "metadataHeaders": "X"}
    with pytest.raises(ParameterError) as raised:
        check(manifest, "tips.yaml")
    for name in ("logger.url='s3://bucket'", "logger.mode=None", "logger.metadataHeaders='X'"):
        assert name in str(raised.value)
