"""The command `kanaria predict`; loads nothing heavy to be listed."""

import argparse
import sys
from typing import Any

from kanaria.components.shared.errors import shown
from kanaria.pipelines.run_commands import ROOT, positive


def _predict(options: argparse.Namespace) -> int:
    from pathlib import Path

    from kanaria.components.resolve.span_choice import SpanRequest
    from kanaria.pipelines import batch_prediction
    from kanaria.pipelines.local.machine_folders import Root

    model = batch_prediction.Model(
        release=options.model,
        service=options.service,
        namespace=options.namespace,
        state=options.state,
    )
    span = SpanRequest(span=options.span, version=options.span_version, window=options.span_window)
    values = {
        "output": options.output,
        "query": options.query,
        "column_types": dict(options.column_type),
        "separator": options.separator,
        "keep": options.keep,
        "signature": options.signature,
        "run_id": options.run_id,
        "chunk_rows": options.chunk_rows,
        "batch_rows": options.batch_rows,
    }
    root = Root(path=Path(options.root).resolve())
    report = batch_prediction.predict(model, options.data, span, values, root)
    sys.stdout.write(f"{report}\n")
    return 0


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _typed(text: str) -> tuple[str, str]:
    """Read NAME=TYPE from the command line."""
    name, equals, kind = text.rpartition("=")
    if not equals or not name:
        raise argparse.ArgumentTypeError(f"{shown(text)}: write NAME=TYPE, as zip=string")
    return name, kind


def _add_data(predict: Any) -> None:
    predict.add_argument(
        "--data", required=True, metavar="FILES", help="files, patterns or a database's URI"
    )
    predict.add_argument("--query", default="", metavar="SQL", help="what a database is asked")
    predict.add_argument("--separator", default=",", metavar="CHAR", help="of CSV files")
    predict.add_argument(
        "--column-type",
        action="append",
        default=[],
        type=_typed,
        metavar="NAME=TYPE",
        help="string, int64, float64 or timestamp, where another would be found",
    )
    predict.add_argument("--span", default="latest", help="of {SPAN} in --data; %(default)s")
    predict.add_argument("--span-version", default="latest", metavar="N", help="of {VERSION}")
    predict.add_argument(
        "--span-window", type=positive, default=1, metavar="N", help="spans up to that one"
    )


def _add_output(predict: Any) -> None:
    predict.add_argument(
        "--output",
        required=True,
        metavar="WHERE",
        help="folder for Parquet files, or postgresql://user@host/name#table",
    )
    predict.add_argument(
        "--keep", type=_names, default=[], metavar="NAMES", help="columns of the data to keep: a,b"
    )
    predict.add_argument(
        "--run-id", default="", metavar="NAME", help="of the rows; follows from model and data"
    )
    predict.add_argument(
        "--chunk-rows", type=positive, default=100_000, metavar="N", help="%(default)s"
    )
    predict.add_argument(
        "--batch-rows", type=positive, default=1_000, metavar="N", help="of one call; %(default)s"
    )


def add_predict(commands: Any, state: str) -> None:
    """Add `predict` to the command line; `state` is the usual state folder of local serving."""
    text = "score files or a query with a release, into Parquet files or a table"
    predict = commands.add_parser("predict", help=text, description=f"{text}.")
    model = predict.add_mutually_exclusive_group(required=True)
    model.add_argument("--model", default="", metavar="RELEASE", help="path or URI of a release")
    model.add_argument("--service", default="", metavar="NAME", help="whose live release scores")
    predict.add_argument("--namespace", default="", help="of the service")
    predict.add_argument(
        "--state", default=state, metavar="FOLDER", help="of local serving; %(default)s"
    )
    predict.add_argument(
        "--signature", default="serving_default", metavar="NAME", help="of the model; %(default)s"
    )
    _add_data(predict)
    _add_output(predict)
    predict.add_argument(
        "--root", default=ROOT, metavar="FOLDER", help="of logs and reports; %(default)s"
    )
    predict.set_defaults(command=_predict, extra="serving")
