"""What a person is told of triggers. Pure."""

from kanaria.components.shared.one_line import one_line
from kanaria.components.shared.times import clock
from kanaria.serving.triggers.trigger_records import Triggered
from kanaria.serving.triggers.trigger_states import TriggerState

WIDTH = 20


def line(one: Triggered) -> str:
    """Return one line for a trigger: when, which, what became of it and why, and what came."""
    again = f" (delivered {one.deliveries} times)" if one.deliveries > 1 else ""
    parts = (
        f"{clock(one.received)} {one.name:{WIDTH}} {one.state.value:9} {_became(one)}".rstrip(),
        f"{one_line(one.what)}{again}",
    )
    return "; ".join(parts)


def _became(one: Triggered) -> str:
    if one.state is TriggerState.REFUSED:
        return f"{one.reason}: {one_line(one.why)}"
    why = f": {one_line(one.why)}" if one.why else ""
    return f"{one.run_name}{why}"
