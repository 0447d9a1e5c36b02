"""Whether SHAP is installed, asked before anything that imports it."""

import importlib.util


def lacking() -> str:
    """Return what to install where SHAP is not, or ""."""
    if importlib.util.find_spec("shap") is not None:
        return ""
    return (
        "no module 'shap' here: explanations need the extra 'explain'; "
        "pip install 'kanaria[explain]'"
    )
