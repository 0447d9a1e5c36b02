"""A Markdown artifact as a page for a browser, which shows no Markdown by itself.

As KFP's UI does: with tables, and without raw HTML.
"""

from pathlib import Path

from kanaria.components.shared.html_report.html_page import Page
from kanaria.components.shared.html_report.markup import Markup
from kanaria.components.shared.storage import owner_only_files
from kanaria.pipelines.local.step import ENDINGS, Artifact

MARKDOWN, HTML = ENDINGS["system.Markdown"], ENDINGS["system.HTML"]


def render(text: str, title: str) -> str:
    """Return the page of a Markdown text."""
    from markdown_it import MarkdownIt  # Few pipelines have any.

    content = MarkdownIt("commonmark", {"html": False}).enable("table").render(text)
    wide = content.replace("<table>", '<div class="scroll" tabindex="0"><table>')
    shown = Markup(wide.replace("</table>", "</table></div>"))
    return Page(title=title, lead=[shown], has_heading=False).render()


def write(artifact: Artifact) -> None:
    """Write the page of a Markdown artifact beside it; others have none."""
    path = Path(artifact.uri)
    if path.suffix == MARKDOWN and path.is_file():
        text = path.read_text(encoding="utf-8", errors="replace")
        owner_only_files.write_text(path.with_suffix(HTML), render(text, artifact.name))


def to_open(path: str) -> str:
    """Return the file to open for an artifact, "" for one that is not read by a person."""
    if path.endswith(HTML):
        return path
    return f"{path.removesuffix(MARKDOWN)}{HTML}" if path.endswith(MARKDOWN) else ""
