"""The private names of Apache Beam that its engine needs. Beam is imported when they are used."""

import argparse


def parser_of_all_options() -> argparse.ArgumentParser:
    """Return a parser that knows every flag of Beam's own parts."""
    from apache_beam.options import pipeline_options

    parser: argparse.ArgumentParser = pipeline_options._BeamArgumentParser(allow_abbrev=False)
    for kind in pipeline_options.PipelineOptions.__subclasses__():
        if kind.__module__.startswith("apache_beam."):
            kind._add_argparse_args(parser)
    return parser


def flags(parser: argparse.ArgumentParser) -> list[str]:
    """Return the flags that a parser knows, with their dashes."""
    return [name for action in parser._actions for name in action.option_strings]
