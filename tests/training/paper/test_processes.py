"""Many processes, and runs that are killed or stopped, train as a single unbroken one."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
import torch
from conftest import port
from paper_stages import ROOT, command, kept, train_together, trained
from safetensors.torch import save_file

from styleinv.__main__ import main
from styleinv.losses.lpips import SqueezePerceptual
from styleinv.training.distributed import Workers

STEPS = {"image": 10, "style": 10, "motion": 10, "inversion": 3}


@pytest.fixture(scope="module")
def together(images, videos) -> dict[str, tuple[str, list]]:
    """By kind: its data, and what each of two processes found that trained as one; one pair of them does all kinds."""
    data = {kind: str(videos if kind == "motion" else images) for kind in STEPS}
    found = train_together([(kind, data[kind], steps) for kind, steps in STEPS.items()])
    return {kind: (data[kind], both) for kind, both in zip(STEPS, found)}


@pytest.mark.parametrize("kind", ["image", "style", "motion"])
def test_two_processes_give_the_losses_of_one(kind, together):
    data, (two, other) = together[kind]
    one, *_ = trained(kind, data, STEPS[kind], Workers())
    differences = [abs(a[name] - b[name]) for a, b in zip(one, two[0]) for name in a]
    assert len(one) == STEPS[kind] and max(differences) < 1e-4
    assert kind == "motion" or any(line["p"] for line in one)
    assert two[1:] == other[1:]                         # the same weights, and the same draws to come


def test_batch_norm_of_two_processes_keeps_one_statistic(together):
    one, two = together["inversion"][1]
    assert one[1:] == two[1:] and one[0] != two[0]      # the figures are of each one's own rows


def test_parts_draw_noise_of_their_own_and_all_go_on_alike():
    def drawn(rank: int) -> tuple[list[float], float]:
        workers, noise, weight = Workers(grad_accum=2), [], torch.nn.Parameter(torch.ones(()))
        workers.count, workers.rank, workers.average = 2, rank, lambda x: x
        torch.manual_seed(0)
        workers.step(torch.optim.SGD([weight], 0.1), lambda part: noise.append(torch.rand(()).item()) or weight * 1)
        return noise, torch.rand(()).item()
    (first, after), (second, after_too) = drawn(0), drawn(1)
    assert len({*first, *second}) == 4 and after == after_too


def test_two_launched_processes_with_a_judge_train_as_one(images, tmp_path, capsys):
    """The judge's network, which the leader alone builds, draws random numbers; the first weights come of the leader
    all the same.
    """
    (tmp_path / "networks" / "perceptual").mkdir(parents=True)
    save_file(SqueezePerceptual().state_dict(), tmp_path / "networks" / "perceptual" / "lpips_squeeze.safetensors")
    judged = ["--save-minutes", "9", "--held-out", str(images), "--networks", str(tmp_path / "networks")]
    extra = ["lr=0.0003", "noise=const", "path=2", "size=32", "base=128", *judged]
    alone, rounds, both = ([*command(images, tmp_path / name, 20), *extra] for name in ("alone", "rounds", "both"))
    launch = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2", "--master_port", str(port())]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "ACCELERATE_USE_CPU": "true", "OMP_NUM_THREADS": "1"}
    for line in (alone[3:], [*rounds[3:], "--rounds", "2"]):        # in this process
        assert main(line) == 0 and "processes: 1" in capsys.readouterr().out
    assert "processes: 2" in subprocess.run(launch + both[1:], check=True, capture_output=True, text=True, cwd=ROOT,
                                            env=environment, timeout=300).stdout
    one, *others = (json.loads((tmp_path / name / "log.jsonl").read_text().splitlines()[-1])
                    for name in ("alone", "rounds", "both"))
    for other in others:
        assert one["step"] == other["step"] == 20 and all(
            abs(one[name] - other[name]) < 1e-4 for name in ("g", "d", "r1", "sign", "p", "path"))


def test_killed_and_resumed_gives_the_weights_of_an_unbroken_run(images, tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    assert main(command(images, tmp_path / "whole", 16)[3:]) == 0
    broken = subprocess.Popen(command(images, tmp_path / "broken", 16), stdout=subprocess.DEVNULL, cwd=ROOT,
                              env=environment)
    state = tmp_path / "broken" / "state.pt"
    def reached():
        return torch.load(state, weights_only=True)["step"] if state.exists() else 0
    while not reached() and broken.poll() is None:
        time.sleep(0.2)
    broken.kill()
    assert broken.wait() == -signal.SIGKILL and 0 < reached() < 16
    subprocess.run(command(images, tmp_path / "broken", 16), check=True, capture_output=True, cwd=ROOT, env=environment)
    whole, resumed = kept(tmp_path / "whole"), kept(tmp_path / "broken")
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


def test_sigterm_leaves_a_checkpoint(images, tmp_path):
    process = subprocess.Popen(command(images, tmp_path / "run", 100_000), stdout=subprocess.DEVNULL, cwd=ROOT,
                               env={**os.environ, "PYTHONPATH": str(ROOT)})
    log = tmp_path / "run" / "log.jsonl"
    while not log.exists() and process.poll() is None:
        time.sleep(0.01)
    process.terminate()
    assert process.wait(60) == 0
    assert torch.load(tmp_path / "run" / "state.pt", weights_only=True)["step"] >= 20
