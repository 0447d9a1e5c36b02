"""The models that tests of the checks share."""

from checked_models import checked_models

__all__ = ["checked_models"]
