"""Work in pieces gives the same results in this process, in processes of this computer, and on a Dask cluster."""

import json
import os

import pytest
import torch
from click.testing import CliRunner
from test_benchmark import recorded

from myobridge.errors import UserError
from myobridge_models.commands.command_line import commands
from myobridge_models.experiments.parallel import Workers


def squared_unless_three(number):
    if number == 3:
        raise UserError("Three is refused.")
    return number * number


def pid_and_threads(_piece):
    return os.getpid(), torch.get_num_threads()


@pytest.fixture(scope="module")
def cluster():
    """A scheduler and two workers with one thread each."""
    distributed = pytest.importorskip("distributed", reason="Dask is not installed; tests/run.sh installs it.")
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as running:
        yield running.scheduler_address


def in_order_until_the_error(workers):
    seen = []
    with pytest.raises(UserError, match="Three is refused"):
        seen.extend(workers.spread(squared_unless_three, range(1, 6)))
    assert seen == [1, 4]


@pytest.mark.parametrize("jobs", [1, 2])
def test_results_come_in_order_and_an_error_keeps_those_before_it(jobs):
    in_order_until_the_error(Workers(jobs=jobs))


def test_one_piece_needs_no_process_and_several_use_one_thread_each():
    assert [*Workers(jobs=4).spread(pid_and_threads, [0])] == [(os.getpid(), 1)]
    found = [*Workers(jobs=2).spread(pid_and_threads, range(4))]
    assert os.getpid() not in {pid for pid, _ in found}
    assert {threads for _, threads in found} == {1}


@pytest.mark.slow
@pytest.mark.timeout(600)
class TestDask:
    def test_results_come_in_order_and_an_error_keeps_those_before_it(self, cluster):
        in_order_until_the_error(Workers(dask=cluster))
        assert {threads for _, threads in Workers(dask=cluster).spread(pid_and_threads, range(4))} == {1}

    def test_a_benchmark_gives_the_same_figures(self, cluster, tmp_path):
        for person in (1, 2):
            recorded(seed=person).save(tmp_path / f"s{person:02d}.npz")
        words = ["benchmark", "--data", tmp_path, "--decoders", "lda,svm_bands"]
        found = []
        for more in (["--jobs", 1], ["--dask", cluster]):
            to = tmp_path / "b.json"
            result = CliRunner().invoke(commands, [str(word) for word in [*words, *more, "--json", to]])
            assert result.exit_code == 0, result.output
            found.append(json.loads(to.read_text()))
        assert found[0] == found[1]

    def test_networks_of_other_people_need_a_folder_that_all_workers_see(self, cluster, tmp_path):
        recorded().save(tmp_path / "s01.npz")
        words = ["benchmark", "--data", tmp_path, "--decoders", "population_unseen", "--dask", cluster]
        result = CliRunner().invoke(commands, [str(word) for word in words])
        assert result.exit_code == 1
        assert "name a folder that all of them see with --populations" in " ".join(result.output.split())


def test_a_cluster_that_does_not_answer_is_one_sentence(monkeypatch):
    pytest.importorskip("distributed", reason="Dask is not installed; tests/run.sh installs it.")
    monkeypatch.setattr("myobridge_models.experiments.parallel.ANSWERS_S", 1)
    with pytest.raises(UserError, match=r"No Dask scheduler answers at tcp://127\.0\.0\.1:9; start one with"):
        [*Workers(dask="tcp://127.0.0.1:9").spread(squared_unless_three, [1, 2])]
