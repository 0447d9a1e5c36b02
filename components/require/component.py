"""The KFP interface of require_passed."""

from kfp import dsl

from kanaria.components.shared.step_images import CONTROL_IMAGE


@dsl.component(base_image=CONTROL_IMAGE, install_kfp_package=False)
def require_passed(outcome: dsl.Input[dsl.Artifact]) -> None:
    """Fail the run with the reasons unless the outcome passed.

    Args:
        outcome: Outcome of a step that judges, for instance validate_data.
    """
    from kanaria.components.shared.artifacts import outcome as outcomes

    outcomes.require_passed(outcome.path)
