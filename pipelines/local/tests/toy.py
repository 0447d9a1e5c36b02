"""A small pipeline with what the local runner must know: artifacts, dicts, lists, a condition."""

from kfp import dsl

from kanaria.components.shared.images import CONTROL_IMAGE


@dsl.component(base_image=CONTROL_IMAGE, install_kfp_package=False)
def write_words(words: list, options: dict, text_file: str, out: dsl.Output[dsl.Dataset]) -> int:
    from pathlib import Path

    lines = [*words, *sorted(options), Path(text_file).read_text()]
    Path(out.path).write_text("\n".join(map(str, lines)))
    out.metadata["lines"] = len(lines)
    return len(lines)


@dsl.component(base_image=CONTROL_IMAGE, install_kfp_package=False)
def count_letters(
    words: dsl.Input[dsl.Dataset], upper: dsl.Output[dsl.Artifact], factor: float = 1.5
) -> bool:
    from pathlib import Path

    text = Path(words.path).read_text()
    Path(upper.path).mkdir()
    (Path(upper.path) / "text.txt").write_text(text.upper() * int(factor))
    return len(text) > 10


@dsl.component(base_image=CONTROL_IMAGE, install_kfp_package=False)
def announce(upper: dsl.Input[dsl.Artifact], times: int) -> str:
    from pathlib import Path

    return (Path(upper.path) / "text.txt").read_text()[:3] * times


@dsl.component(base_image=CONTROL_IMAGE, install_kfp_package=False)
def apologise() -> str:
    return "sorry"


@dsl.component(base_image=CONTROL_IMAGE, install_kfp_package=False)
def fail(message: str):
    raise ValueError(message)


@dsl.component(base_image=CONTROL_IMAGE, install_kfp_package=False)
def sleep(seconds: int, out: dsl.Output[dsl.Artifact]):
    import time
    from pathlib import Path

    time.sleep(seconds)
    Path(out.path).write_text("slept")


@dsl.pipeline(name="toy")
def toy(text_file: str, words: list = ["a", "bc"], times: int = 2) -> None:  # noqa: B006
    written = write_words(words=words, options={"x": 1, "y": [2]}, text_file=text_file)
    counted = count_letters(words=written.outputs["out"])
    with dsl.If(counted.outputs["Output"] == True):  # noqa: E712  A KFP condition.
        announce(upper=counted.outputs["upper"], times=times)
    with dsl.If(written.outputs["Output"] > 100):
        apologise()


@dsl.pipeline(name="failing")
def failing() -> None:
    announced = fail(message="the oven is cold")
    apologise().after(announced)


@dsl.pipeline(name="sleeping")
def sleeping(seconds: int = 60) -> None:
    sleep(seconds=seconds)


@dsl.pipeline(name="looping")
def looping() -> None:
    with dsl.ParallelFor(["a", "b"]) as item:
        fail(message=item)


@dsl.pipeline(name="guarded")
def guarded() -> None:
    with dsl.ExitHandler(apologise()):
        fail(message="x")
