"""What a user hands to Beam, as far as it can be judged without Beam. Pure.

Beam forgives everything: a job server that is not named is downloaded from Maven, and a flag that
it does not know is dropped without a word.
"""

from collections.abc import Mapping, Sequence

from kanaria.components.shared.config.parameters import Faults
from kanaria.components.shared.errors import shown

PORTABLE = ("portablerunner", "flinkrunner", "sparkrunner")
IN_PROCESS = ("", "directrunner", "fnapirunner", "switchingdirectrunner")
"""Runners that are this process; DirectRunner would download Prism, so Beam's FnApiRunner runs."""
_MAGIC = ("", "[auto]", "[local]")


def options(arguments: Sequence[str]) -> dict[str, str]:
    """Return flag without its dashes -> value, "" where there is none; the last one counts."""
    values: dict[str, str] = {}
    name = ""
    for argument in arguments:
        if argument.startswith("--"):
            name, _, value = argument.removeprefix("--").partition("=")
            values[name] = value
        elif name and not values[name]:
            values[name] = argument
    return values


def runner(arguments: Sequence[str]) -> str:
    """Return the runner's name in small letters with the word it ends in, "" for none."""
    name = options(arguments).get("runner", "").lower().rpartition(".")[2]
    return name if not name or name.endswith("runner") else f"{name}runner"


def check(arguments: Sequence[str], where: str, faults: Faults) -> None:
    """Add what is wrong with Beam's arguments; values are not told, for some are secret.

    Args:
        arguments: as a command line has them.
        where: what the list is called in an error.
        faults: gets everything that is wrong.
    """
    for index, argument in enumerate(arguments):
        after_flag = (
            index and arguments[index - 1].startswith("--") and "=" not in arguments[index - 1]
        )
        if not argument.startswith("--") and not after_flag:
            flag = shown(argument.partition("=")[0])
            faults.add(f"{where}[{index}] {flag}: no flag; write --name=value")
        elif any(letter.isspace() for letter in argument.partition("=")[0]):
            flag = shown(argument.partition("=")[0])
            faults.add(f"{where}[{index}] {flag}: a blank in a flag's name; one flag an entry")
    values = options(arguments)
    for fault in _missing(runner(arguments), values):
        faults.add(f"{where}: {fault}")
    _check_endpoint(values, where, faults)


def _missing(name: str, values: Mapping[str, str]) -> list[str]:
    """Return what a runner needs and is not given."""
    if name == "portablerunner" and not values.get("job_endpoint"):
        return ["runner PortableRunner needs --job_endpoint=host:port of a job server"]
    if name == "flinkrunner":
        return _missing_flink(values)
    if name == "sparkrunner":
        return _missing_spark(values)
    if name == "prismrunner" and not values.get("prism_location"):
        return [
            "runner PrismRunner would download its program; name it: --prism_location=/path/prism, "
            "or start Prism and use --runner=PortableRunner --job_endpoint=host:port"
        ]
    if name in ("dataflowrunner", "testdataflowrunner"):
        needed = ("project", "region", "temp_location")
        return [f"runner DataflowRunner needs --{one}" for one in needed if not values.get(one)]
    return []


def _missing_flink(values: Mapping[str, str]) -> list[str]:
    if values.get("job_endpoint"):
        return []
    faults = []
    if not values.get("flink_job_server_jar"):
        faults.append(
            "runner FlinkRunner needs --flink_job_server_jar=/path/to/beam-runners-flink-VERSION-"
            "job-server.jar, else Beam downloads it, or --job_endpoint=host:port of a job server"
        )
    if values.get("flink_master", "") in _MAGIC:
        faults.append("runner FlinkRunner needs --flink_master=host:port of the cluster")
    return faults


def _missing_spark(values: Mapping[str, str]) -> list[str]:
    if values.get("job_endpoint"):
        return []
    faults = []
    if not values.get("spark_job_server_jar"):
        faults.append(
            "runner SparkRunner needs --spark_job_server_jar=/path/to/beam-runners-spark-3-job-"
            "server.jar, else Beam downloads it, or --job_endpoint=host:port of a job server"
        )
    if "spark_submit_uber_jar" in values and not values.get("spark_rest_url"):
        faults.append("--spark_submit_uber_jar needs --spark_rest_url=http://host:6066")
    return faults


def _check_endpoint(values: Mapping[str, str], where: str, faults: Faults) -> None:
    endpoint = values.get("job_endpoint", "")
    host, _, port = endpoint.rpartition(":")
    holds = not endpoint or endpoint == "embed" or ("/" not in endpoint and host and port.isdigit())
    faults.check(bool(holds), f"{where} --job_endpoint", endpoint, "use host:port, without http://")
