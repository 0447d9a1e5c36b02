"""A KServe explainer: python -m kanaria.serving.explainer --model_name NAME --predictor_host HOST.

KServe adds --model_name, --predictor_host and --http_port by itself.
"""

import sys

from kanaria.components.shared.command_line import Parser, code_of
from kanaria.components.shared.errors import NotReadyError
from kanaria.serving.explainer import installed_shap


def _serve() -> int:
    if lacking := installed_shap.lacking():
        raise NotReadyError(lacking)
    from kanaria.serving.explainer.explainer_server import add_options, serve

    parser = Parser(prog="python -m kanaria.serving.explainer", description=__doc__)
    add_options(parser)
    return serve(parser.parse_args())


if __name__ == "__main__":
    sys.exit(code_of(_serve))
