import json
from pathlib import Path

from kanaria.components.shared.artifacts.serving_samples import ServingSamples
from kanaria.components.shared.frameworks.model_files import Framework
from kanaria.components.train.request import Trained, TrainRequest

TRAINED = Trained(
    framework=Framework.TENSORFLOW,
    fingerprint="0a1b" * 16,
    signatures=("serving_default",),
    samples=ServingSamples(inputs={}, outputs={}, rows=[]),
    device="CPU",
)
EXAMPLES = {"span": "2013-01", "rows": {"train": 20, "eval": 10}, "fingerprint": "cd" * 32}


def request(module_file: str = "my_module.py", **settings: object) -> TrainRequest:
    place = Path("absent")
    return TrainRequest(
        examples=place,
        transformed_examples=place,
        schema=place,
        transform_graph=place,
        module_file=module_file,
        **settings,
    )


def test_a_model_says_how_and_from_what_it_was_made():
    facts = TRAINED.metadata(request(seed=3, hyperparameters={"units": 8}), EXAMPLES)["model"]
    assert facts["display_name"] == "model: 0a1b0a1b0a1b0a1b, 2013-01"
    assert (facts["seed"], facts["hyperparameters"], facts["data"]) == (
        3,
        {"units": 8},
        EXAMPLES,
    )
    assert facts["packages"]["tensorflow"]
    json.dumps(facts, allow_nan=False)


def test_another_text_of_the_module_that_makes_the_same_model_tells_no_other_thing():
    # Metadata is part of what a later step reads: it would run again for nothing.
    assert TRAINED.metadata(request("a.py"), EXAMPLES) == TRAINED.metadata(
        request("b.py"), {**EXAMPLES}
    )


def test_examples_of_an_earlier_program_lack_what_they_lack():
    assert TRAINED.metadata(request(), {})["model"]["data"] == {}
