"""A small pipeline with what the local runner must know: artifacts, dicts, lists, a condition."""

from kfp import dsl

from kanaria.components.shared.step_images import CONTROL_IMAGE


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


@dsl.component(base_image=CONTROL_IMAGE, install_kfp_package=False)
def die(out: dsl.Output[dsl.HTML]):
    import os
    from pathlib import Path

    Path(out.path).write_text("half")
    os.kill(os.getpid(), 9)


@dsl.component(base_image=CONTROL_IMAGE, install_kfp_package=False)
def leave_behind(out: dsl.Output[dsl.HTML]) -> str:
    import subprocess
    import tempfile
    from pathlib import Path

    process = subprocess.Popen(["sleep", "86400"])
    Path(out.path).write_text("<p>done</p>")
    return f"{process.pid} {tempfile.mkdtemp()}"


@dsl.component(base_image=CONTROL_IMAGE, install_kfp_package=False)
def use_module(module_file: str):
    pass


@dsl.component(base_image=CONTROL_IMAGE, install_kfp_package=False)
def call_module(module_file: str) -> str:
    from kanaria.components.shared.user_code import user_module

    return str(user_module.call(user_module.function(module_file, "value")))


@dsl.component(base_image=CONTROL_IMAGE, install_kfp_package=False)
def read_file(text_file: str) -> str:
    from pathlib import Path

    return Path(text_file).read_text()


@dsl.component(base_image=CONTROL_IMAGE, install_kfp_package=False)
def import_from_working_folder() -> str:
    import bakery

    return bakery.__file__


@dsl.component(base_image=CONTROL_IMAGE, install_kfp_package=False)
def write_values(name: dsl.OutputPath(str), count: dsl.OutputPath(int)):
    from pathlib import Path

    Path(name).write_text("7")
    Path(count).write_text("7")


@dsl.component(base_image=CONTROL_IMAGE, install_kfp_package=False)
def write_nothing(name: dsl.OutputPath(str)):
    pass


@dsl.pipeline(name="writing")
def writing() -> None:
    write_values()


@dsl.pipeline(name="idle")
def idle() -> None:
    write_nothing()


@dsl.component(base_image=CONTROL_IMAGE, install_kfp_package=False)
def quit_early(how: str, out: dsl.Output[dsl.Artifact]) -> int:
    import os
    import sys
    from pathlib import Path

    Path(out.path).write_text("half")
    if how == "os._exit":
        os._exit(0)
    sys.exit(0)


@dsl.component(base_image=CONTROL_IMAGE, install_kfp_package=False)
def use(data: dsl.Input[dsl.Dataset]):
    pass


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


@dsl.component(base_image=CONTROL_IMAGE, install_kfp_package=False)
def refuse(why: str, report: dsl.Output[dsl.HTML], data: dsl.Output[dsl.Dataset]):
    from pathlib import Path

    Path(report.path).write_text(f"<p>{why}</p>")
    if why:
        raise ValueError(why)


@dsl.pipeline(name="refusing")
def refusing(why: str = "", policy: str = "") -> None:
    refused = refuse(why=why)
    with dsl.If(policy != ""):
        use(data=refused.outputs["data"])


@dsl.pipeline(name="dying")
def dying() -> None:
    die()


@dsl.pipeline(name="leaving")
def leaving() -> None:
    leave_behind()


@dsl.pipeline(name="module")
def module(module_file: str) -> None:
    use_module(module_file=module_file)
    apologise()


@dsl.pipeline(name="calling")
def calling(module_file: str) -> None:
    call_module(module_file=module_file)
    apologise()


@dsl.pipeline(name="quitting")
def quitting(how: str) -> None:
    quit_early(how=how)


@dsl.pipeline(name="reaching-out")
def reaching_out() -> None:
    import_from_working_folder()


@dsl.component(base_image=CONTROL_IMAGE, install_kfp_package=False)
def say(text: str) -> str:
    return text


@dsl.pipeline(name="placeholders")
def placeholders(text: str = "mine") -> None:
    say(text=dsl.PIPELINE_JOB_ID_PLACEHOLDER)
    say(text=f"run {dsl.PIPELINE_JOB_NAME_PLACEHOLDER}")
    say(text=text)


@dsl.pipeline(name="returning")
def returning() -> str:
    return apologise().output


@dsl.pipeline(name="given")
def with_input(data: dsl.Input[dsl.Dataset]) -> None:
    use(data=data)
