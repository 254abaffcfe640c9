"""The three commands of IMPORT.md make a trained model of a file in Ninapro's layout."""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
import scipy.io
from click.testing import CliRunner

from labelled_recording import labelled
from myobridge.commands.command_line import commands as host
from myobridge.model.load import open_model
from myobridge_models.commands.command_line import commands as models

DOCUMENT = Path(__file__).parents[3] / "host" / "IMPORT.md"


@pytest.mark.slow
def test_three_commands_make_a_model_of_a_file_of_ninapro(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("signal.signal", lambda _number, _action: None)
    like = labelled(labels=(1, 6), channels=12, fs_hz=2000)
    moving = (like.label != 0)[:, None]
    scipy.io.savemat(
        "S1_E1_A1.mat",
        {
            "emg": like.counts * 1e-7,
            "restimulus": like.label[:, None].astype(np.int8),
            "rerepetition": np.where(moving, like.repetition[:, None] + 1, 0).astype(np.int8),
            "stimulus": like.label[:, None].astype(np.int8),
            "glove": np.zeros((len(like.counts), 22), np.float32),
            "subject": 1.0,
            "exercise": 1.0,
        },
    )
    section = DOCUMENT.read_text(encoding="utf-8").partition("**Ninapro.**")[2]
    lines = re.search("```sh\n(.*?)```", section, re.DOTALL)[1].splitlines()
    assert len(lines) == 3
    for line in lines:
        program, *words = shlex.split(line)
        group = {"myobridge": host, "myobridge-models": models}[program]
        result = CliRunner().invoke(group, [*words, *(["--steps", "20"] if group is models else [])])
        assert result.exit_code == 0, result.stderr
    model = open_model(Path("s1.onnx"))
    assert len(model.spec.channels) == 12
