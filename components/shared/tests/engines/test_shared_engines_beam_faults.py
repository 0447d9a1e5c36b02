"""A job that fails on a runner elsewhere: by what a worker ran, or by the runner itself."""

import pytest

from kanaria.components.shared.engines import beam_faults

ARGUMENTS = ("--runner=PortableRunner", "--job_endpoint=flink:8099", "--password=secret")
STATE = "Pipeline job failed in state FAILED: "
WORKER = (
    'Traceback (most recent call last):\n  File "apache_beam/runners/common.py", line 9, in run\n'
    '  File "{file}", line 3, in add\nValueError: labels do not fit\n'
)


def raised(message: str) -> Exception:
    """An error as Beam's client of a job server raises it."""
    scope = {"message": message}
    code = compile("raise RuntimeError(message)", "/lib/apache_beam/portable_runner.py", "exec")
    with pytest.raises(RuntimeError) as caught:
        exec(code, scope)
    # What pytest adds is no part of the client.
    return caught.value.with_traceback(caught.tb.tb_next)


@pytest.mark.parametrize(
    ("message", "is_of_runner"),
    [
        (STATE + "java.lang.OutOfMemoryError: Java heap space", True),
        (STATE + WORKER.format(file="apache_beam/runners/worker/data_plane.py"), True),
        (STATE + WORKER.format(file="/lib/tensorflow_model_analysis/auc.py"), False),
    ],
)
def test_a_workers_trace_tells_whose_fault_it_is(message: str, is_of_runner: bool):
    assert beam_faults.is_of_runner(raised(message)) is is_of_runner


def test_the_runner_and_what_it_said_are_told_without_secrets():
    error = beam_faults.runner_failed(raised(STATE + "no slots"), ARGUMENTS)
    assert "'flink:8099' failed: RuntimeError: 'Pipeline job failed" in str(error)
    assert "no slots" in str(error)
    assert "secret" not in str(error)
