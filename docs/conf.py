"""How `make docs` builds the site: the Markdown of the repository where it lies, and docstrings.

The source folder is the repository itself, so a link between two pages is right both here and
where the files are read as they are.
"""

from importlib.metadata import version as version_of

project = "Kanaria"
author = project_copyright = "The Kanaria authors"
release = version = version_of("kanaria")
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.githubpages"]
root_doc = "docs/index"
include_patterns = [
    "docs/**",
    "README.md",
    "CHANGELOG.md",
    "CODE_OF_CONDUCT.md",
    "SECURITY.md",
    ".github/CONTRIBUTING.md",
    ".github/decisions/*.md",
    "components/*/README.md",
    "pipelines/*/README.md",
    "serving/*/README.md",
    "tests/benchmarks/results/README.md",
    "tests/cluster/README.md",
]
myst_heading_anchors = 4
myst_enable_extensions = ["attrs_inline"]
# Names of types in signatures are told in words; the modules behind them have no pages.
nitpicky = False
autodoc_typehints = "description"
default_role = "code"  # Docstrings write `code` as Markdown does.
autodoc_member_order = "bysource"
napoleon_google_docstring = True
napoleon_use_ivar = True
html_theme = "furo"
html_title = "Kanaria"
html_copy_source = False
html_static_path = ["static"]
html_css_files = ["kanaria.css"]
html_favicon = "static/kanaria.svg"
html_use_index = html_domain_indices = (
    False  # The search finds more, and their tables fit no phone.
)
html_extra_path = ["site"]  # The address of the site leads to its first page.
# Links to code and folders are for readers of the repository: the site has no pages of them.
suppress_warnings = ["myst.xref_missing", "misc.highlighting_failure"]
