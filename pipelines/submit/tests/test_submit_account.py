"""Which account a run has, why, and what the commands say of it."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kfp_accounts import OWN
from kfp_cluster import Cluster, cluster_of
from kfp_contract import Contract

from kanaria.components.shared.errors import ParameterError
from kanaria.pipelines.submit import schedule
from kanaria.pipelines.submit.kfp_client import Server
from kanaria.pipelines.submit.run_account import USUAL, Account, chosen
from kanaria.pipelines.submit.run_snapshot import Outcome
from kanaria.pipelines.submit.schedule_times import trigger
from kanaria.pipelines.submit.server_runs import wait
from kanaria.pipelines.submit.submit_pipeline import submit

KANARIA = Path(sys.executable).with_name("kanaria")
MANIFESTS = Path(__file__).parents[3] / "manifests"
Values = dict[str, Any]


@pytest.fixture
def cluster(
    contract: Contract, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Cluster]:
    """The cluster of the server's runs, at hand by a kubeconfig."""
    with cluster_of(contract.state.accounts) as cluster:
        monkeypatch.setenv("KUBECONFIG", str(cluster.kubeconfig(tmp_path / "kubeconfig")))
        yield cluster


@pytest.fixture
def installed(contract: Contract, cluster: Cluster) -> Cluster:
    contract.state.accounts.apply(MANIFESTS / "example")
    return cluster


def account_of_the_run(contract: Contract) -> str:
    (run,) = contract.state.runs.values()
    return str(run["service_account"])


def test_the_manifests_account_is_taken_where_it_exists(installed: Cluster):
    assert chosen(None, "team") == Account(name=USUAL, reason="namespace team has it")
    assert installed.questions == ["/api/v1/namespaces/team/serviceaccounts/kanaria-pipeline"]


@pytest.mark.usefixtures("installed")
def test_without_a_namespace_it_is_looked_for_beside_kfp():
    assert str(chosen(None)) == "kanaria-pipeline (namespace kubeflow has it)"


@pytest.mark.usefixtures("cluster")
def test_where_it_is_absent_the_run_has_kfps_own():
    account = chosen(None, "team")
    assert account.name == ""
    assert str(account) == "the one of KFP (namespace team has no ServiceAccount kanaria-pipeline)"


@pytest.mark.parametrize("status", [401, 403, 500])
def test_a_cluster_that_does_not_tell_is_asked_once_and_leaves_kfps_own(
    installed: Cluster, status: int
):
    installed.refuses = status
    account = chosen(None, "team")
    assert account.name == ""
    assert "no cluster could be asked for kanaria-pipeline; --service-account" in account.reason
    assert len(installed.questions) == 1


@pytest.mark.usefixtures("installed")
def test_a_named_one_is_taken_and_one_that_is_not_there_is_told():
    assert chosen(USUAL, "team") == Account(name=USUAL, reason="as named")
    absent = chosen("mine", "team")
    assert absent.name == "mine"
    assert "namespace team has no ServiceAccount mine: no pod of the run" in absent.reason


def test_kfps_own_can_be_asked_for(installed: Cluster):
    assert chosen("", "team").name == ""
    assert installed.questions == []


@pytest.mark.parametrize("name", ["Mine", "a b", "team:mine", "-", "x" * 254])
def test_what_cannot_be_an_account_is_refused(name: str):
    with pytest.raises(ParameterError, match=r"service_account=.*name a ServiceAccount"):
        chosen(name)


def test_the_run_and_the_schedule_keep_the_account(
    contract: Contract, server: Server, pipeline: str, arguments: Values, root: str
):
    run = submit(pipeline, arguments, server=server, pipeline_root=root, service_account="mine")
    assert (run.account.name, account_of_the_run(contract)) == ("mine", "mine")
    when = trigger(every="1d")
    schedule.create(
        *("nightly", pipeline, arguments),
        server=server,
        trigger=when,
        pipeline_root=root,
        service_account="mine",
    )
    (stored,) = contract.state.schedules.values()
    assert stored["service_account"] == "mine"


def test_a_server_that_drops_the_account_of_schedules_keeps_no_schedule(
    contract: Contract, server: Server, pipeline: str, arguments: Values, root: str
):
    contract.state.accounts.schedules_drop_them = True

    def create(account: str) -> None:
        schedule.create(
            *("nightly", pipeline, arguments),
            server=server,
            trigger=trigger(every="1d"),
            pipeline_root=root,
            service_account=account,
        )

    with pytest.raises(ParameterError, match="gives the runs of schedules the account 'pipeline"):
        create("mine")
    assert contract.state.schedules == {}
    create(OWN)
    assert len(contract.state.schedules) == 1


def test_a_server_that_takes_only_listed_accounts_is_told_with_the_remedy(
    contract: Contract, server: Server, pipeline: str, arguments: Values, root: str
):
    contract.state.accounts.allowed = {OWN}
    where: Values = {"server": server, "pipeline_root": root}
    message = "ALLOWEDSERVICEACCOUNTS.*was to be mine, --service-account '' is KFP's own"
    with pytest.raises(ParameterError, match=message):
        submit(pipeline, arguments, service_account="mine", **where)
    with pytest.raises(ParameterError, match=message):
        schedule.create(
            *("nightly", pipeline, arguments),
            trigger=trigger(every="1d"),
            service_account="mine",
            **where,
        )
    assert submit(pipeline, arguments, service_account=OWN, **where)
    assert submit(pipeline, arguments, service_account="", **where)


@pytest.mark.usefixtures("installed")
def test_the_commands_say_which_account_and_why(
    contract: Contract, pipeline: str, arguments: Values, root: str
):
    settings = [part for name, value in arguments.items() for part in ("--set", f"{name}={value}")]
    options = [pipeline, *settings, "--pipeline-root", root, "--host", contract.url]

    def kanaria(*command: str) -> list[str]:
        done = subprocess.run([KANARIA, *command, *options], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    usual = "account: kanaria-pipeline (namespace kubeflow has it)"
    assert usual in kanaria("submit", "--no-wait")
    assert account_of_the_run(contract) == USUAL
    assert usual in kanaria("schedule", "create", "nightly", "--every", "1d")
    named = kanaria("schedule", "create", "own", "--every", "1d", "--service-account", OWN)
    assert f"account: {OWN} (as named)" in named
    accounts = [entry["service_account"] for entry in contract.state.schedules.values()]
    assert accounts == [USUAL, OWN]


def test_a_run_ends_as_the_rights_of_its_account_let_it(
    contract: Contract, server: Server, pipeline: str, arguments: Values, root: str
):
    accounts = contract.state.accounts

    def ended(account: str) -> tuple[Outcome, list[str]]:
        run = submit(
            pipeline, arguments, server=server, pipeline_root=root, service_account=account
        )
        finished = wait(run, server, show=lambda _: None, poll_seconds=0)
        return finished.outcome, [task.name for task in finished.failed]

    assert ended("absent") == (Outcome.FAILED, [])
    accounts.rights["bare"] = {("inferenceservices", "get")}
    first, tasks = ended("bare")
    assert first is Outcome.FAILED
    assert len(tasks) == 1
    accounts.apply(MANIFESTS / "example")
    assert ended(USUAL) == (Outcome.SUCCEEDED, [])
    assert ended(OWN) == (Outcome.SUCCEEDED, [])


def test_kfps_own_account_fails_where_the_pipeline_delivers(contract: Contract):
    accounts = contract.state.accounts
    tasks = ["resolve-span", "resolve-deployed", "ingest-data", "push-model"]
    assert accounts.failing(OWN, tasks) == {
        "resolve-span": "SUCCEEDED",
        "resolve-deployed": "FAILED",
    }
    accounts.apply(MANIFESTS / "standalone")
    assert accounts.failing(USUAL, tasks) is None
