"""Tasks that wait for each other, so that they end only where they run side by side."""

from kfp import dsl

from kanaria.components.shared.step_images import CONTROL_IMAGE, TRAINING_IMAGE


@dsl.component(base_image=CONTROL_IMAGE, install_kfp_package=False)
def meet(folder: str, own: str, other: str = ""):
    import time
    from pathlib import Path

    (Path(folder) / own).touch()
    while other and not (Path(folder) / other).exists():
        time.sleep(0.01)


@dsl.component(base_image=CONTROL_IMAGE, install_kfp_package=False)
def fail_when_met(folder: str, own: str, other: str):
    import time
    from pathlib import Path

    (Path(folder) / own).touch()
    while not (Path(folder) / other).exists():
        time.sleep(0.01)
    raise ValueError("met and failed")


@dsl.component(base_image=CONTROL_IMAGE, install_kfp_package=False)
def outlive(folder: str, own: str):
    """Work until the record of the run says that a task has failed."""
    import time
    from pathlib import Path

    (Path(folder) / own).touch()
    while not any('"failed"' in each.read_text() for each in Path(folder).rglob("run.json")):
        time.sleep(0.01)


@dsl.component(base_image=CONTROL_IMAGE, install_kfp_package=False)
def say(text: str) -> str:
    return text


@dsl.component(base_image=TRAINING_IMAGE, install_kfp_package=False)
def train_model_toy(text: str) -> str:
    return text


@dsl.pipeline(name="beside")
def beside(folder: str = "") -> None:
    first = meet(folder=folder, own="a", other="b")
    second = meet(folder=folder, own="b", other="a")
    meet(folder=folder, own="c").after(first, second)


@dsl.pipeline(name="heavy")
def heavy(folder: str = "") -> None:
    meet(folder=folder, own="a")
    train_model_toy(text="one")
    train_model_toy(text="two")


@dsl.pipeline(name="closing")
def closing(folder: str = "") -> None:
    with dsl.ExitHandler(say(text="the end")) as handler:
        first = meet(folder=folder, own="a")
        meet(folder=folder, own="b").after(first)
    say(text="after").after(handler)


@dsl.pipeline(name="failing-beside")
def failing(folder: str = "") -> None:
    failed = fail_when_met(folder=folder, own="a", other="b")
    outlived = outlive(folder=folder, own="b")
    meet(folder=folder, own="c").after(failed)
    say(text="after").after(outlived)
