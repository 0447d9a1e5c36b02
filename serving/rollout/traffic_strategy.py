"""How traffic reaches a canary: what policies, gates and decisions all ask for."""

from enum import StrEnum


class Strategy(StrEnum):
    """How traffic reaches the canary."""

    BASIC = "basic"
    BLUE_GREEN = "blue_green"
    CANARY = "canary"
    SHADOW = "shadow"
