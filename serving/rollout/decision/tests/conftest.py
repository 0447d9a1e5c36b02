"""The made-up minutes that tests of rollouts share."""

from rollout_minutes import answered, drive, healthy, make_counts, minute

__all__ = ["answered", "drive", "healthy", "make_counts", "minute"]
