"""The models that tests of serving share."""

from serving_models import models

__all__ = ["models"]
