"""The private names of TensorFlow that artifacts need; TensorFlow itself is not imported."""

from types import ModuleType
from typing import Any

OPTIMIZERS = ("optimizer", "tf_deprecated_optimizer", "tf_keras_optimizer")
"""What SavedModels call an optimizer of Keras 2 that keeps values beside each weight."""


def argument_names(signature: Any) -> list[str]:
    """Return the names of a loaded signature's inputs, as the model was saved with them.

    What TensorFlow tells in public are identifiers that it makes of the names.
    """
    return list(signature._arg_keywords)


def register_optimizers(tensorflow: ModuleType) -> None:
    """Let SavedModels load that hold an optimizer of Keras 2, where Keras 2 is not imported.

    `tf.saved_model.load` asks the optimizer for its values beside each weight, and Keras 2 alone
    registers one that has them. The values are loaded as TensorFlow Serving does: a signature that
    trains computes with them.

    Args:
        tensorflow: the module.
    """
    revived = tensorflow.__internal__.saved_model.load
    for identifier in set(OPTIMIZERS) - set(revived.registered_identifiers()):
        version = revived.VersionedTypeRegistration(
            object_factory=lambda _: _optimizer(tensorflow),
            version=2,
            min_producer_version=1,
            min_consumer_version=1,
        )
        # No object is saved as one of these.
        revived.register_revived_type(identifier, lambda _: False, versions=[version])


def _optimizer(tensorflow: ModuleType) -> Any:
    """Return an optimizer that holds its values beside weights, and optimizes nothing."""
    slots: dict[tuple[Any, str], Any] = {}

    class Optimizer(tensorflow.Module):  # type: ignore[name-defined]
        """What loading asks of an optimizer; see TensorFlow, saved_model/load.py."""

        def add_slot(self, var: Any, slot_name: str) -> Any:
            """Return a new variable that stands beside a weight."""
            slot = tensorflow.Variable(tensorflow.zeros(var.shape, var.dtype), trainable=False)
            slots[var.ref(), slot_name] = slot
            return slot

        def get_slot(self, var: Any, slot_name: str) -> Any:
            """Return the variable beside a weight, None where there is none."""
            return slots.get((var.ref(), slot_name))

        def get_slot_names(self) -> list[str]:
            """Return what the variables beside weights are called."""
            return sorted({name for _, name in slots})

        def _create_or_restore_slot_variable(
            self, slot_variable_position: Any, slot_name: str, variable: Any
        ) -> None:
            slot = self.get_slot(variable, slot_name)
            if slot is not None:
                slot_variable_position.restore(slot)

    return Optimizer()
