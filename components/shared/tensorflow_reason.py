"""The line of a TensorFlow error that says what was wrong. Pure."""

NOISE = ("Graph execution error", "Detected at node", "<stack traces", "[[{{")
"""How the lines begin that TensorFlow puts around the reason of an error."""


def reason(message: str) -> str:
    """Return the line of a TensorFlow error that tells the reason, without the place in the graph.

    Args:
        message: as `str(error)` has it, of one line or many.
    """
    lines = [line.strip() for line in message.splitlines()]
    telling = [line for line in lines if line and not line.startswith(NOISE)]
    found = telling[-1] if telling else " ".join(message.split())
    return found.rpartition("}} ")[2] if found.startswith("{{function_node") else found
