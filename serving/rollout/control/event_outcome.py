"""What became of an Event that was to tell of a rollout."""

from enum import StrEnum


class EventOutcome(StrEnum):
    """Of one attempt."""

    WRITTEN = "written"
    """It is new."""
    REPEATED = "repeated"
    """It was there already, and counts once more."""
    DUPLICATE = "duplicate"
    """It was counted already, by another controller, or by this one before it began anew."""
    FAILED = "failed"
    """It could not be written; the rollout goes on."""
