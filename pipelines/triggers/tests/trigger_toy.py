"""A small pipeline that is told what started it."""

from kfp import dsl

from kanaria.components.shared.step_images import CONTROL_IMAGE


@dsl.component(base_image=CONTROL_IMAGE, install_kfp_package=False)
def announce(trigger: dict, seconds: float, fails: bool) -> str:
    import time

    time.sleep(seconds)
    if fails:
        raise ValueError("the data is gone")
    return f"{trigger.get('name', 'nobody')}: {trigger.get('what', '')}"


@dsl.pipeline(name="announcing")
def announcing(seconds: float = 0.0, fails: bool = False, trigger: dict = {}) -> None:  # noqa: B006
    announce(trigger=trigger, seconds=seconds, fails=fails).set_caching_options(False)
