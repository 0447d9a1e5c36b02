"""A KServe transformer that adds a feature store's features: `python -m kanaria.serving.features`.

KServe fills --model_name, --predictor_host and --http_port in; --features is the service's
`features` as JSON.
"""

import asyncio
import logging
import sys

import uvicorn

from kanaria.components.shared import json_log
from kanaria.components.shared.command_line import Parser, code_of, port
from kanaria.components.shared.config.parameters import Faults
from kanaria.serving.features import feature_settings
from kanaria.serving.features.feature_settings import OPTION
from kanaria.serving.features.transformer import Transformer
from kanaria.serving.listen_socket import listening, url_of


def _serve() -> int:
    parser = Parser(prog="python -m kanaria.serving.features", description=__doc__)
    parser.add_argument(OPTION, required=True, metavar="JSON", help="service.features of a push")
    parser.add_argument("--predictor_host", required=True, help="HOST or HOST:PORT")
    parser.add_argument("--model_name", default="", help="of the InferenceService")
    parser.add_argument("--http_port", type=port, default=8080, help="port; %(default)s")
    parser.add_argument("--workers", default="1", help="KServe's; one process serves")
    options = parser.parse_args()
    faults = Faults(OPTION)
    settings = feature_settings.read(feature_settings.parsed(options.features), faults, "features")
    faults.raise_if_any()
    json_log.configure("%(message)s")
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    with listening("0.0.0.0", options.http_port) as listener:  # noqa: S104 - A pod's own address.
        transformer = Transformer(settings, options.predictor_host)
        config = uvicorn.Config(transformer, lifespan="off", log_config=None, access_log=False)
        logging.info(
            "%s: features of %s for %s on %s",
            options.model_name,
            settings.feature_service,
            options.predictor_host,
            url_of(listener),
        )
        server = uvicorn.Server(config)

        async def serve() -> None:
            try:
                await server.serve(sockets=[listener])
            finally:
                await transformer.close()

        asyncio.run(serve())
    return 0


if __name__ == "__main__":
    sys.exit(code_of(_serve))
