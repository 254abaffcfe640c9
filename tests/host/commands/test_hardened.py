"""Rules for the options of every command."""

from importlib import import_module

import click
import pytest
from click.testing import CliRunner

from myobridge.commands.hardened import OUTPUTS, FiniteRange, hardened, refuse_to_replace
from myobridge.errors import UserError

COMMANDS = ("bench", "doctor", "record", "run", "simulate", "demo")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_number_of_a_command_must_be_finite(name):
    command = hardened(getattr(import_module(f"myobridge.commands.{name}"), name))
    numbers = [p for p in command.params if isinstance(p.type, click.types.FloatParamType)]
    assert all(isinstance(p.type, FiniteRange) for p in numbers)
    for number in numbers:
        for value in ("nan", "-nan", "inf"):
            result = CliRunner().invoke(command, ["--port", "p", "--model", "m", number.opts[0], value])
            assert result.exit_code == 2, result.output


@pytest.mark.parametrize("output", OUTPUTS)
def test_an_output_cannot_replace_an_input(tmp_path, output):
    (tmp_path / "recording.myo").write_text("precious")
    (tmp_path / "link").symlink_to("recording.myo")
    for other in ("recording.myo", "link", "./recording.myo"):
        with pytest.raises(UserError, match="would replace it"):
            refuse_to_replace({"recordings": (tmp_path / "recording.myo",), output: tmp_path / other})
    refuse_to_replace({"recordings": (tmp_path / "recording.myo",), output: tmp_path / "new.json"})
    refuse_to_replace({"model_name": "synth", output: "-"})


@pytest.mark.parametrize(
    ("kind", "word"),
    [(click.FLOAT, "number"), (click.FloatRange(0), "number"), (click.INT, "integer"), (click.IntRange(0), "integer")],
)
def test_an_error_and_the_help_name_the_kind_of_number_in_plain_words(kind, word):
    command = hardened(click.Command("c", params=[click.Option(["--n"], type=kind, show_default=True)]))
    assert f"'abc' is not a valid {word}." in CliRunner().invoke(command, ["--n", "abc"]).output
    assert "None" not in CliRunner().invoke(command, ["--help"]).output
