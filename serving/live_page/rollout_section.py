"""Rollouts as HTML. Pure."""

from kanaria.components.shared.html_report.cells import Cell
from kanaria.components.shared.html_report.content import Specs
from kanaria.components.shared.html_report.markup import Markup, element, join
from kanaria.components.shared.html_report.table import Table, columns
from kanaria.serving.live_page.page_state import PageState, RolloutState
from kanaria.serving.live_page.share_bar import share_bar
from kanaria.serving.live_page.wording import ago


def rollouts(state: PageState) -> Markup:
    """Return the rollouts under way, and the last of each other service."""
    active = [one for one in state.rollouts if one.is_active]
    over = [one for one in state.rollouts if not one.is_active]
    parts = [_rollout(one) for one in active]
    if not active:
        parts.append(element("p", "No rollout is under way.", "note"))
    if over:
        rows = [
            [
                one.service,
                f"rollout {one.number}",
                one.phase.replace("_", " "),
                dict(one.rows)["last"],
            ]
            for one in over
        ]
        parts.append(
            Table(columns=columns("over", "", "phase", "last"), rows=rows, narrow="stack").markup(
                Specs()
            )
        )
    return join(parts)


def _rollout(one: RolloutState) -> Markup:
    sign, css = ("? waits for a person", "warn") if one.needs_person else ("● under way", "good")
    heading = element("h3", f"{one.service}, rollout {one.number}")
    spent = dict(one.spent)
    rows = [
        [
            name,
            Cell(content=text, css="text"),
            share_bar(spent[name]) if name in spent else "",
        ]
        for name, text in one.rows
    ]
    table = Table(columns=columns("", "", "limit of harm used"), rows=rows, narrow="stack")
    looked = f"{sign}; its numbers were read {ago(one.look_age)}"
    return join([heading, element("p", looked, f"verdict {css}"), table.markup(Specs())])
