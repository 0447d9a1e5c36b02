"""A small pipeline with what a submission must know: a file, data, a span, a branch, a loop."""

from kfp import dsl

from kanaria.components.shared.step_images import CONTROL_IMAGE


@dsl.component(base_image=CONTROL_IMAGE, install_kfp_package=False)
def cook(data: str, module_file: str, span: str, spice: int) -> bool:
    return bool(data)


@dsl.component(base_image=CONTROL_IMAGE, install_kfp_package=False)
def serve_dish(model_root: str, guest: str) -> str:
    return model_root + guest


@dsl.pipeline(name="taste")
def taste(
    data: str,
    module_file: str,
    model_root: str,
    span: str = "",
    spice: int = 3,
    table: dict = {},  # noqa: B006
) -> None:
    cooked = cook(data=data, module_file=module_file, span=span, spice=spice)
    with (
        dsl.If(cooked.output == True, name="tasty"),  # noqa: E712  A KFP condition.
        dsl.ParallelFor(["a", "b"]) as guest,
    ):
        serve_dish(model_root=model_root, guest=guest)
