from event_sink import Sink
from inference_services import InferenceServices, wait_until
from real_pods import Predictor, apply

from kanaria.serving.inference_service.service_spec import PayloadLog


def test_every_request_and_its_answer_reach_the_sink_under_one_id(
    services: InferenceServices, publish, sink: Sink
):
    apply(services, publish("v1"), log=PayloadLog(url=sink.url))
    services.wait_until_ready("taxi")
    client = Predictor(services)
    client.wait()
    client.versions(50)
    wait_until(lambda: len(sink.of("response")) >= 50)
    wait_until(lambda: sink.of("request").keys() == sink.of("response").keys())
    assert all(body == {"instances": [[1, 2]]} for body in sink.of("request").values())
    assert all(body["version"] == "v1" for body in sink.of("response").values())
