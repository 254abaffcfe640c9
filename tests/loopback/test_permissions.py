"""The umask decides who may read new files; only the user may read recordings and open sockets."""

import signal
import stat
import subprocess
from contextlib import contextmanager

import pytest

from processes import command, feed_of, simulated_hand
from tiny_model import tiny_spec, write_tiny_model

UMASKS = (0o000, 0o022, 0o077)


def mode(path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def hand(tmp_path):
    (tmp_path / "hand").mkdir()
    with simulated_hand(tmp_path / "hand") as hand:
        yield hand


@contextmanager
def daemon(port, model, umask):
    process = subprocess.Popen(command("run", "--port", port, "--model", model), umask=umask, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)


def run(umask, *arguments):
    done = subprocess.run(command(*arguments), umask=umask, capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("umask", UMASKS, ids="{:03o}".format)
def test_only_the_user_can_open_the_sockets_under_any_umask(umask, hand, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    model = write_tiny_model(tmp_path / "tiny.onnx", tiny_spec(fs_hz=2000.0))
    with daemon(hand.port, model, umask):
        feed_of(hand.port).close()
        folder = tmp_path / "myobridge"
        sockets = [path for path in folder.iterdir() if path.is_socket()]
        assert sockets
        assert mode(folder) == 0o700
        assert {mode(path) for path in sockets} == {0o600}


def test_files_follow_the_umask_and_recordings_are_private(hand, tmp_path):
    model = write_tiny_model(tmp_path / "tiny.onnx", tiny_spec(fs_hz=2000.0))
    short = ("--repetitions", 1, "--seconds-per-pose", 1, "--seconds-of-rest", 1, "--model", model)
    recording, out = tmp_path / "r.myo", tmp_path / "out"
    run(0o000, "record", "--port", hand.port, "--out", recording, *short)
    assert mode(recording) == 0o600
    for umask in UMASKS[1:]:
        made = out / f"{umask:03o}"
        made.mkdir(parents=True)
        run(umask, "inspect", recording, "--plots", made / "plots", "--json", made / "inspect.json")
        run(umask, "replay", recording, "--model", model, "--out", made / "decisions.npz")
        for form in ("bids", "csv", "npz"):
            run(umask, "export", recording, "--to", form, "--out", made / form)
        files = [path for path in made.rglob("*") if path.is_file()]
        assert len(files) > 8
        for path in files:
            assert mode(path) == 0o666 & ~umask, path
        for folder in (path for path in made.rglob("*") if path.is_dir()):
            assert mode(folder) == 0o777 & ~umask, folder


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_models_follow_the_umask(tmp_path):
    pytest.importorskip("torch")
    from labelled_recording import labelled  # noqa: PLC0415

    labelled().save(tmp_path / "r.npz")
    arguments = [command()[0], "-m", "myobridge_models", "train", tmp_path / "r.npz", "--steps", "20"]
    subprocess.run([*map(str, arguments), "--out", tmp_path / "m.onnx"], umask=0o027, capture_output=True, check=True)
    assert mode(tmp_path / "m.onnx") == 0o640
