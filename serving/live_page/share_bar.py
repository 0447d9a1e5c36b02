"""A share as a number and a bar. Pure."""

from kanaria.components.shared.html_report.markup import Markup
from kanaria.serving.live_page.wording import percent


def share_bar(share: float | None) -> Markup | None:
    """Return it; None of none.

    Args:
        share: 0 to 1.
    """
    if share is None:
        return None
    width = f"{100 * min(max(share, 0.0), 1.0):.4g}"
    return Markup(f'{percent(share)}<div class="span"><i style="width:{width}%"></i></div>')
