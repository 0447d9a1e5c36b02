"""Pipelines with exit handlers."""

from kfp import dsl
from toy import apologise, fail, sleep

from kanaria.components.shared.step_images import CONTROL_IMAGE


@dsl.component(base_image=CONTROL_IMAGE, install_kfp_package=False)
def farewell(status: dsl.PipelineTaskFinalStatus, note: str, card: dsl.Output[dsl.Markdown]) -> str:
    from pathlib import Path

    summary = f"{note}: {status.pipeline_task_name} {status.state}"
    Path(card.path).write_text(f"# {summary}\n\n| a | b |\n|---|---|\n| <b>1</b> | 2 |\n")
    return summary


@dsl.component(base_image=CONTROL_IMAGE, install_kfp_package=False)
def why(status: dsl.PipelineTaskFinalStatus) -> str:
    return f"{status.error_code} {status.error_message}"


@dsl.component(base_image=CONTROL_IMAGE, install_kfp_package=False)
def clean_up(note: str = "") -> str:
    return note


@dsl.component(base_image=CONTROL_IMAGE, install_kfp_package=False)
def broken(status: dsl.PipelineTaskFinalStatus):
    raise ValueError(f"no stamps for {status.state}")


@dsl.pipeline(name="going-well")
def going_well(note: str = "bye") -> None:
    with dsl.ExitHandler(farewell(note=note)):
        said = apologise()
        with dsl.If(said.output == "never", name="proud"):
            fail(message="not reached")


@dsl.pipeline(name="going-wrong")
def going_wrong(note: str = "bye") -> None:
    with dsl.ExitHandler(farewell(note=note)):
        apologise().after(fail(message="no flour"))


@dsl.pipeline(name="reasons")
def reasons() -> None:
    with dsl.ExitHandler(why()):
        fail(message="no flour")


@dsl.pipeline(name="bad-exit")
def bad_exit() -> None:
    with dsl.ExitHandler(broken()):
        apologise()


@dsl.pipeline(name="two-handlers")
def two_handlers() -> None:
    with dsl.ExitHandler(farewell(note="first")) as first:
        fail(message="no flour")
    with dsl.ExitHandler(clean_up(note="second")) as second:
        apologise().after(first)
    apologise().after(second)


@dsl.pipeline(name="waiting")
def waiting() -> None:
    said = apologise()
    with dsl.ExitHandler(clean_up(note="x")) as handler, dsl.If(said.output == "never"):
        apologise()
    apologise().after(handler)


@dsl.pipeline(name="sleepy")
def sleepy(seconds: int = 3600) -> None:
    with dsl.ExitHandler(why()):
        sleep(seconds=seconds)


@dsl.pipeline(name="of-outputs")
def of_outputs() -> None:
    clean_up(note=apologise().output).ignore_upstream_failure()


@dsl.pipeline(name="guarded")
def guarded() -> None:
    with dsl.ExitHandler(apologise()):
        fail(message="no flour")


@dsl.pipeline(name="leave")
def leave() -> None:
    apologise()


@dsl.pipeline(name="graph-exit")
def graph_exit() -> None:
    with dsl.ExitHandler(leave()):
        fail(message="no flour")


@dsl.container_component
def shell():
    return dsl.ContainerSpec(image="alpine", command=["echo"], args=["bye"])


@dsl.pipeline(name="shell-exit")
def shell_exit() -> None:
    with dsl.ExitHandler(shell()):
        fail(message="no flour")
