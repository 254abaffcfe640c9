"""Every mistake is one sentence: what, where, what to do. Exit code 1, 2 for wrong usage; never a traceback.

loopback/test_errors.py has the mistakes that need a board; the tests of the daemon, the recorder and the view have the
mistakes during their run.
"""

import errno
import os
import re
import shlex
import socket
import subprocess
import sys
from types import SimpleNamespace
from unittest.mock import Mock

import click
import numpy as np
import pytest
from click.testing import CliRunner

from kill_recorder import IDENT
from labelled_recording import labelled
from myobridge.commands.command_line import commands as host
from myobridge.daemon.backup.archive import packed
from myobridge.errors import UserError
from myobridge.recording import Header, Recording, RecordingWriter
from myobridge_models.commands.command_line import commands as models
from tiny_model import tiny_spec, write_tiny_model
from virtual_hand import board_config

CONFIGS = {
    "key": "[servo]\nslew_deg_per_sec = 100",
    "table": "[saftey]\n",
    "high": "[safety]\nhold_ms = 1000",
    "few": "[servo]\nmin_deg = [0, 0, 0]",
    "crossed": "[servo]\nmin_deg = [90, 0, 0, 0, 0]\nmax_deg = [80, 180, 180, 180, 180]",
    "nan": "[acquisition]\nfs_hz = nan",
    "type": "[link]\nbaud = 'fast'",
    "toml": "[link\n",
}
POSES = {
    "key": '[[pose]]\nlabel = 0\nname = "Rest"\nhwo = "x"\nangles_deg = [0,0,0,0,0]',
    "rest": '[[pose]]\nlabel = 0\nname = "Rest"\nhow = "x"\nangles_deg = [0,0,0,0,0]',
    "toml": "[[pose\n",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Files with one mistake each, by what the mistake is."""
    folder = tmp_path_factory.mktemp("bad")
    for name, text in CONFIGS.items():
        (folder / f"{name}.toml").write_text(text)
    for name, text in POSES.items():
        (folder / f"{name}.poses").write_text(text)
    (folder / "file").write_text("in the way")
    os.mkfifo(folder / "pipe")
    models_in(folder)
    recordings_in(folder)
    return folder


def models_in(folder):
    good = write_tiny_model(folder / "good.onnx").read_bytes()
    write_tiny_model(folder / "metadata.onnx", metadata="{}")
    write_tiny_model(folder / "json.onnx", metadata="{")
    write_tiny_model(folder / "five.onnx", tiny_spec(channels=tuple("abcde"), scale_fs=(1.0,) * 5))
    (folder / "text.onnx").write_text("hello")
    (folder / "empty.onnx").touch()
    (folder / "cut.onnx").write_bytes(good[: len(good) // 2])
    (folder / "bad.checkpoint").write_text("hello")
    (folder / "backup").write_bytes(
        packed({"model.onnx": good}, {"myobridge": "0", "made_s": 0.0, "hand": "", "board": ""})
    )


def recordings_in(folder):
    counts = np.zeros((500, 2), np.int16)
    Recording(counts, 1000.0).save(folder / "good.npz")
    Recording(counts, 2000.0).save(folder / "fast.npz")
    Recording(np.zeros((500, 3), np.int16), 1000.0).save(folder / "three.npz")
    whole = (folder / "good.npz").read_bytes()
    (folder / "cut.npz").write_bytes(whole[: len(whole) * 2 // 3])
    (folder / "text.npz").write_text("hello")
    holes = np.full((500, 2), 1.0)
    holes[100, 1] = np.nan
    np.savez(folder / "holes.npz", emg=holes, fs=1000.0)
    np.savez(folder / "foreign.npz", signal=holes)
    np.savez(folder / "flat.npz", emg=np.zeros(500), fs=1000.0)
    np.savez(folder / "none.npz", emg=np.zeros((0, 2), np.int16), fs=1000.0)
    np.savez(folder / "objects.npz", emg=np.array([{}]), fs=1000.0)
    (folder / "empty.myo").touch()
    (folder / "foreign.myo").write_bytes(b"\x89PNG" + bytes(999))
    RecordingWriter(folder / "begun.myo", Header(ident=IDENT, config=board_config())).close()
    labelled().save(folder / "cued.npz")
    same = np.ones(2000, np.uint8)
    poses = labelled().poses
    Recording(labelled().counts[:2000], 500.0, label=same, repetition=0 * same, poses=poses).save(folder / "one.npz")
    labelled(poses=()).save(folder / "unnamed.npz")
    asked = np.repeat(np.array([0, 1, 0], np.uint8), 1000)
    angles_deg = np.where(asked[:, None], 180.0, np.full(5, 40.0)).astype(np.float32)
    noise = np.random.default_rng(0).integers(-9, 9, (3000, 2)).astype(np.int16)
    Recording(noise, 500.0, 16, asked, angles_deg=angles_deg, shown=True).save(folder / "idle.npz")
    Recording(noise, 1000.0, angles_deg=np.deg2rad(angles_deg)).save(folder / "radians.npz")
    Recording(noise, 1000.0, angles_deg=0 * angles_deg + 40).save(folder / "still.npz")
    Recording(np.maximum(noise, 0) * np.int16([0, 1]), 1000.0, angles_deg=angles_deg).save(folder / "dead.npz")
    np.savetxt(
        folder / "radians.csv",
        np.hstack([noise, np.deg2rad(angles_deg)]),
        "%.3f",
        ",",
        comments="",
        header="EMG 1,EMG 2,thumb,index,middle,ring,little",
    )
    np.savez(folder / "turned.npz", emg=np.zeros((2, 500), np.int16), fs=1000.0)
    np.savez(folder / "complex.npz", emg=counts, fs=1000j)
    np.savez(folder / "floats.npz", emg=counts, fs=1000.0, label=np.ones(500))
    labelled(fs_hz=1000).save(folder / "cued-fast.npz")
    labelled(channels=3).save(folder / "cued-three.npz")
    labelled(seconds_each=0.1).save(folder / "short.npz")
    clipped = labelled()
    clipped.counts[:, 1] = np.sign(clipped.counts[:, 1]) * 32767
    clipped.save(folder / "clipped.npz")
    labelled(labels=(1, 77)).save(folder / "unknown-pose.npz")
    (folder / "table.csv").write_text("EMG 1,EMG 2\n" + "1,2\n" * 500)
    (folder / "cut.edf").write_bytes(b"0       " + b" " * 200)


HOST = [
    # ports, models, settings, recordings
    ("run --port {d}/none --model synth", "There is no port", "myobridge devices"),
    ("run --port {d}/file --model synth", "is not a serial port"),
    ("run --port /dev/null --model {d}/none.onnx", "There is no model", "none.onnx"),
    ("run --port /dev/null --model {d}", "There is no model"),
    ("run --port /dev/null --model {d}/text.onnx", "not an ONNX model", "text.onnx"),
    ("run --port /dev/null --model {d}/empty.onnx", "empty.onnx", "export"),
    ("run --port /dev/null --model {d}/cut.onnx", "cut.onnx", "cut off"),
    ("run --port /dev/null --model {d}/metadata.onnx", "metadata is not valid", "export the model again"),
    ("run --port /dev/null --model {d}/json.onnx", "metadata is damaged"),
    ("run --port /dev/null --model synth --config {d}/none.toml", "cannot be read", "check the path"),
    ("run --port /dev/null --model synth --config {d}/key.toml", "'servo.slew_deg_per_sec'", "'servo.slew_deg_per_s'"),
    ("run --port /dev/null --model synth --config {d}/table.toml", "'saftey'", "'safety'"),
    ("run --port /dev/null --model synth --config {d}/high.toml", "safety.hold_ms", "150"),
    ("run --port /dev/null --model synth --config {d}/few.toml", "servo.min_deg"),
    ("run --port /dev/null --model synth --config {d}/crossed.toml", "min_deg"),
    ("run --port /dev/null --model synth --config {d}/nan.toml", "fs_hz"),
    ("run --port /dev/null --model synth --config {d}/type.toml", "link.baud"),
    ("run --port /dev/null --model synth --config {d}/toml.toml", "not valid TOML"),
    ("replay {d}/missing.npz --model {d}/good.onnx", "cannot be read", "check the path"),
    ("replay {d} --model {d}/good.onnx", "cannot be read"),
    ("replay {d}/text.npz --model {d}/good.onnx", "is not a whole .npz recording"),
    ("replay {d}/cut.npz --model {d}/good.onnx", "is not a whole .npz recording"),
    ("replay {d}/objects.npz --model {d}/good.onnx", "objects.npz"),
    ("replay {d}/foreign.npz --model {d}/good.onnx", "no array 'emg'"),
    ("replay {d}/flat.npz --model {d}/good.onnx", "(samples, channels)"),
    ("replay {d}/none.npz --model {d}/good.onnx", "none.npz"),
    ("replay {d}/holes.npz --model {d}/good.onnx", "channel 1", "NaN"),
    ("replay {d}/turned.npz --model {d}/good.onnx", "wrong way round", "emg.T"),
    ("replay {d}/complex.npz --model {d}/good.onnx", "'fs'", "complex128"),
    ("replay {d}/floats.npz --model {d}/good.onnx", "'label'", "astype(np.uint8)"),
    ("trial", "exactly one of --port, --replay and --curve", "give one"),
    ("trial --port {d}/none --replay {d}/begun.myo", "exactly one of --port, --replay and --curve"),
    ("trial --port {d}/none", "No daemon runs on", "myobridge run"),
    ("trial --port {d}/none --poses {d}/key.poses", "key.poses", "'hwo'", "'how'"),
    ("trial --replay {d}/begun.myo", "begun.myo", "holds no trial", "myobridge trial"),
    ("trial --replay {d}/good.npz", "is not a .myo recording", "choose another file"),
    ("trial --curve", "--curve needs recordings"),
    ("trial --replay {d}/begun.myo {d}/begun.myo", "Recordings go with --curve"),
    ("trial --curve {d}/missing.myo", "missing.myo", "cannot be read"),
    ("trial --curve {d}/begun.myo", "begun.myo", "holds no trial"),
    ("trial --replay {d}/begun.myo --plot {d}/x.png", "--plot draws the curve", "add --curve"),
    ("trial --replay {d}/begun.myo --csv {d}/begun.myo", "would replace it", "another file"),
    ("inspect {d}/good.onnx", "not a .myo recording", "choose another file"),
    ("replay {d}/fast.npz --model {d}/good.onnx", "2000 Hz", "1000 Hz"),
    ("replay {d}/three.npz --model {d}/good.onnx", "3", "2"),
    (
        "replay {d}/good.npz --model {d}/good.onnx --out {d}/file/x.npz",
        "Not a directory",
        "file/x.npz",
        "check the path",
    ),
    ("replay {d}/good.npz --model {d}/good.onnx --json {d}/file/x.json", "cannot be written"),
    ("replay {d}/good.npz --model {d}/good.onnx --json /dev/full", "cannot be written", "No space"),
    ("simulate --faults gremlins=1", "gremlins"),
    ("simulate --faults flips=2", "probabilities"),
    ("simulate --link {d}/file", "The link", "choose another path"),
    ("simulate --link {d}/none/link", "The link"),
    ("simulate --source {d}/missing.npz", "cannot be read"),
    ("simulate --follow-cues --source {d}/good.npz", "--follow-cues"),
    ("simulate --firmware uno --faults flips=0.1", "simulated firmware", "leave them out"),
    ("simulate --firmware uno --front-end", "simulated firmware", "leave them out"),
    ("simulate --front-end --fs 1111", "cannot sample at 1111 Hz", "250, 500"),
    # recording, poses, calibration, view, doctor
    ("record --port {d}/none --out {d}/new.myo", "There is no port"),
    ("record --port {d}/none --out {d}/new.myo --fs 1000 --model synth", "leave --fs and --channels out"),
    ("record --port {d}/none --out {d}/new.myo --poses {d}/none.poses", "cannot be read"),
    ("record --port {d}/none --out {d}/new.myo --poses {d}/key.poses", "line 4", "'hwo'", "'how'"),
    ("record --port {d}/none --out {d}/new.myo --poses {d}/rest.poses", "nothing but rest"),
    ("record --port {d}/none --out {d}/new.myo --poses {d}/toml.poses", "not valid TOML"),
    ("record --port {d}/none --out {d}/new.myo --follow {d}/none.toml", "movements file", "cannot be read"),
    ("record --port {d}/none --out {d}/new.myo --follow {d}/key.poses", "only [[movement]] tables"),
    ("record --port {d}/none --out {d}/new.myo --poses {d}/key.poses --follow", "leave one of the two out"),
    ("record --port {d}/none --out {d}/new.myo --on-the-hand", "add --follow"),
    ("calibrate --out {d}/mine.onnx", "--model"),
    ("calibrate --out {d}/mine.onnx --model synth", "--port"),
    ("calibrate --out {d}/mine.txt --model synth --port {d}/none", ".onnx"),
    ("calibrate --out {d}/none/mine.onnx --model synth --port {d}/none", "folder"),
    ("calibrate --out {d}/mine.onnx --model synth --recording {d}/cued.npz", "terminal", "--yes"),
    ("calibrate --out {d}/mine.onnx --model {d}/text.onnx --recording {d}/cued.npz --yes", "text.onnx"),
    ("calibrate --out {d}/mine.onnx --model synth --recording {d}/missing.npz --yes", "cannot be read"),
    ("calibrate --out {d}/mine.onnx --undo", "nothing to undo"),
    ("generations {d}/mine.onnx", "There is no model", "give the --out"),
    ("generations {d}/cued.npz", "not an ONNX model"),
    ("flash --board Arduino", "There is no firmware for Arduino", "mega2560"),
    ("generations {d}/mine.onnx --use 3", "no generation 3", "choose one"),
    ("generations {d}/good.onnx --add {d}/text.onnx", "not an ONNX model"),
    ("generations {d}/good.onnx --add {d}/none.onnx", "There is no model"),
    ("generations {d}/good.onnx --add {d}", "cannot be read"),
    ("generations {d}/good.onnx --add {d}/good.onnx --use 1", "leave one of them out"),
    # the diary, backups
    ("diary --port {d}/none", "There is no diary of", "begins one"),
    ("backup {d}/b.zip --model {d}/none.onnx", "There is no model", "--name"),
    ("backup {d}/b.zip --name left", "There is no model", "--model"),
    ("backup {d}/b.zip --name Left", "cannot be a hand's name"),
    ("backup {d}/b.zip --model {d}/good.onnx --config {d}/none.toml", "cannot be read"),
    ("backup {d}/b.zip --model {d}/good.onnx --port {d}/none", "There is no port"),
    ("backup {d}/good.npz --model {d}/good.onnx", "exists already", "another name"),
    ("backup {d}/file/b.zip --model {d}/good.onnx", "cannot be written"),
    ("restore {d}/none.zip --model {d}/mine.onnx", "cannot be read", "a backup"),
    ("restore {d} --model {d}/mine.onnx", "cannot be read"),
    ("restore {d}/text.onnx --model {d}/mine.onnx", "not a whole backup", "another copy"),
    ("restore {d}/good.npz --model {d}/mine.onnx", "not a whole backup"),
    ("restore {d}/backup --model {d}", "is a folder", "--model"),
    ("restore {d}/backup --model {d}/mine.onnx --config {d}/none/c.toml", "none/c.toml", "make its folder"),
    ("inspect {d}/missing.myo", "No such file"),
    ("inspect {d}/empty.myo", "not a .myo recording"),
    ("inspect {d}/foreign.myo", "not a .myo recording"),
    ("inspect {d}/begun.myo", "no sample"),
    ("inspect {d}/good.npz --plots {d}/file", "Pictures cannot be written", "choose another folder"),
    ("export {d}/empty.myo --to bids", "not a .myo recording"),
    ("export {d}/good.npz --to csv --out {d}/file", "exists already"),
    ("export {d}/good.npz --to csv --out {d}/file/x.csv", "cannot be written"),
    ("export {d}/good.npz --to bids --out {d}", "not a BIDS dataset"),
    ("export {d}/good.npz --to bids --subject a/b --out {d}/new", "cannot name a subject"),
    # import
    ("inspect {d}/table.csv", "not a .myo recording", "`myobridge import {d}/table.csv --out R.npz`"),
    ("replay {d}/table.csv --model {d}/good.onnx", "`myobridge import"),
    ("simulate --source {d}/cut.edf", "EDF; `myobridge import"),
    ("inspect {d}/foreign.npz", "no array 'emg'", "`myobridge import"),
    ("import {d}/missing.csv --out {d}/r.npz", "cannot be read", "check the path"),
    ("import {d}/table.csv", "--out R.npz", "--look"),
    ("import {d}/table.csv --out {d}/r.npz", "sampling rate", "--rate"),
    ("import {d}/table.csv --rate 500 --channels EMG3 --out {d}/r.npz", "no column 'EMG3'", "--look"),
    ("import {d}/table.csv --rate 500 --map {d}/none.toml --out {d}/r.npz", "no mapping", "--look --map"),
    ("import {d}/table.csv --look --map {d}/toml.toml", "not valid TOML"),
    ("import {d}/table.csv --look --map {d}/key.toml", "unknown key 'servo'", "line 1"),
    ("import {d}/table.csv --rate 500 --poses {d}/none.poses --out {d}/r.npz", "poses file", "cannot be read"),
    ("import {d}/text.npz --out {d}/r.npz", "text without a table", "choose a file"),
    ("import {d}/cut.npz --out {d}/r.npz", "not a whole .npz", "copy"),
    ("import {d}/cut.edf --out {d}/r.npz", "cut short", "copy the file again"),
    ("import {d}/empty.myo --out {d}/r.npz", "is empty", "choose a file"),
    ("import {d}/begun.myo --out {d}/r.npz", "a recording of myobridge already"),
    ("import {d}/good.onnx --out {d}/r.npz", "in no format", "save the recording as"),
    ("import {d}/holes.npz --unit V --out {d}/r.npz", "'emg[2]'", "NaN", "--channels"),
    ("import {d}/unnamed.npz --out {d}/r.npz", "labels without a pose", "--look --map"),
    ("import {d}/good.npz {d}/fast.npz --out {d}/r.npz", "different sampling rates", "separately"),
    (
        "import {d}/radians.csv --rate 1000 --unit uV --angles thumb,index,middle,ring,little --out {d}/r.npz",
        "radians.csv",
        "look like radians",
    ),
    ("import {d}/good.npz --out {d}/fast.npz", "exists already", "--out"),
    ("import {d}/good.npz --out {d}/file/r.npz", "cannot be written"),
    ("doctor --port {d}/none --model {d}/text.onnx", "not an ONNX model"),
    ("servos --port {d}/none --show", "There is no port", "myobridge devices"),
    ("servos --port {d}/file --show", "is not a serial port"),
    ("servos --port /dev/null", "need a terminal", "--view"),
    ("servos --port /dev/null --show --config {d}/key.toml", "'servo.slew_deg_per_sec'"),
    # the bridge; loopback/test_bridge_ends.py has the errors of streams, loopback/test_bridge_brainflow.py of boards
    ("bridge --emg ttyACM0 --hand {d}/none", "--emg ttyACM0 does not name a stream", "lsl:NAME", "brainflow:BOARD"),
    ("bridge --emg lsl: --hand {d}/none", "does not name a stream"),
    ("bridge --emg lsl:X --hand {d}/none --config {d}/key.toml", "'servo.slew_deg_per_sec'"),
    ("view --port {d}/none --view-port {taken}", "is in use", "--view-port"),
    ("view --port {d}/none --bind 192.0.2.1", "cannot listen", "--bind"),
    ("view", "port of the hand is missing", "--port"),
    ("view --port {d}/none --phones --bind 0.0.0.0", "finds the address itself", "--bind"),
    ("view --revoke nobody", "No phone named nobody is paired", "--paired"),
    ("view --pair --name " + 50 * "x", "name is too long", "use up to"),
    # the service
    ("install-service --dry-run", "--model"),
    ("install-service --dry-run --model {d}/text.onnx", "not an ONNX model"),
    ("install-service --dry-run --model synth --port {d}/none", "There is no port"),
]
TRAINING = [
    ("describe --fs 0", "The sampling rate is 0.0 Hz", "give a rate above 0"),
    ("train {d}/missing.npz --out {d}/m.onnx", "recording", "missing.npz"),
    ("train {d}/none.npz --out {d}/m.onnx", "none.npz"),
    ("train {d}/table.csv --out {d}/m.onnx", "`myobridge import"),
    ("train {d}/holes.npz --out {d}/m.onnx", "channel 1 holds NaN"),
    ("train {d}/good.npz --out {d}/m.onnx", "neither finger angles nor labels"),
    ("train {d}/one.npz --out {d}/m.onnx --steps 20", "two movements"),
    ("train {d}/short.npz --out {d}/m.onnx --steps 20", "too little data", "hold each cue"),
    ("train {d}/clipped.npz --out {d}/m.onnx --steps 20", "EMG 2 is clipped", "gain"),
    ("train {d}/unnamed.npz --out {d}/m.onnx --steps 20", "the labels 0, 1, 2", "--poses", "[[pose]]", "label = 1"),
    ("compare {d}/unnamed.npz --hold-out 1", "the labels 0, 1, 2", "--poses biopatrec"),
    ("ablate {d}/unnamed.npz --hold-out 1", "the labels 0, 1, 2", "--poses"),
    ("calibrate --model {d}/good.onnx --recording {d}/unnamed.npz --out {d}/m.onnx", "the labels 0, 1, 2", "--poses"),
    ("train {d}/unnamed.npz --out {d}/m.onnx --poses {d}/none.toml", "poses file", "cannot be read"),
    ("train {d}/unknown-pose.npz --out {d}/m.onnx --steps 20", "77"),
    ("train {d}/cued.npz {d}/cued-fast.npz --out {d}/m.onnx", "cued-fast.npz", "one board"),
    ("train {d}/cued.npz {d}/cued-three.npz --out {d}/m.onnx", "cued-three.npz", "one board"),
    ("train {d}/cued.npz --out {d}/m.onnx --hold-out 9", "repetitions", "held out"),
    ("train {d}/cued.npz --out {d}/m.onnx --family magic", "family 'magic'", "choose from"),
    ("train {d}/cued.npz --out {d}/file/m.onnx --steps 20", "file/m.onnx", "no folder"),
    ("export {d}/none.checkpoint --out {d}/m.onnx", "no checkpoint"),
    ("export {d}/bad.checkpoint --out {d}/m.onnx", "not a whole checkpoint", "move it away"),
    ("train {d}/idle.npz --out {d}/m.onnx", "idle.npz", "followed none of the 1 movements", "record again"),
    ("train {d}/radians.npz --out {d}/m.onnx", "radians.npz", "look like radians", "np.rad2deg"),
    ("train {d}/still.npz --out {d}/m.onnx", "the same finger angles", "two movements"),
    ("train {d}/dead.npz --out {d}/m.onnx", "dead.npz: channel EMG 1 is flat", "check its electrode"),
    ("train {d}/cued.npz {d}/unnamed.npz --out {d}/m.onnx", "unnamed.npz has the labels", "--poses"),
    ("evaluate {d}/good.onnx {d}/radians.npz", "radians.npz", "look like radians"),
    ("robustness {d}/good.onnx {d}/radians.npz", "radians.npz", "look like radians"),
    ("follow {d}/good.onnx {d}/still.npz", "still.npz", "no finger moves", "another recording"),
    ("follow {d}/good.onnx {d}/unnamed.npz", "unnamed.npz", "no finger angles to follow"),
    ("follow {d}/good.onnx {d}/cued.npz", "cued.npz", "no finger angles to follow"),
    ("synth {d}/s.npz --shown", "--shown needs --follow"),
    ("evaluate {d}/none.onnx {d}/cued.npz", "There is no model"),
    ("evaluate {d}/good.onnx {d}/missing.npz", "missing.npz"),
    ("evaluate {d}/good.onnx {d}/good.npz", "neither finger angles nor labels"),
    ("evaluate {d}/good.onnx {d}/cued.npz", "500 Hz", "1000 Hz"),
    ("benchmark --data {d}/none", "There are no recordings s01.npz"),
    ("benchmark --data {d}/none --people x", "'x' is not a list of numbers"),
    ("benchmark --data {d}/none --decoders magic", "There is no decoder 'magic'"),
    ("days --train {d}/cued.npz --test {d}/cued.npz", "to learn from and a session to judge", "one list"),
    ("days --train {d}/cued.npz --test {d}/cued-fast.npz", "cued-fast.npz", "one board"),
    ("days --train {d}/cued.npz --test {d}/missing.npz", "missing.npz"),
    ("days --train {d}/missing.npz --test {d}/cued.npz --json {d}/none/x.json", "none/x.json", "make its folder"),
    ("days --train {d}/missing.npz --test {d}/cued.npz --json {d}", "cannot be written", "choose another name"),
    ("days --train {d}/missing.npz --test {d}/cued.npz --plots {d}/file", "Pictures cannot be written", "folder"),
    ("benchmark --data {d}/none --plots {d}/file/x", "Pictures cannot be written", "choose another folder"),
    ("compare {d}/missing.npz --hold-out 1 --families ''", "There is no family ''", "choose from"),
    ("days --train {d}/cued.npz --test {d}/x.npz --decoders population", "There is no decoder 'population'"),
    ("calibrate --model {d}/good.onnx --recording {d}/good.npz --out {d}/m.onnx", "no cues"),
    ("calibrate --model {d}/none.onnx --recording {d}/cued.npz --out {d}/m.onnx", "There is no model"),
    ("compare {d}/missing.npz --hold-out 1", "missing.npz"),
    ("robustness {d}/none.onnx {d}/cued.npz", "There is no model"),
    ("robustness {d}/good.onnx {d}/cued.npz --decoders lda", "other repetitions", "--repetition"),
    ("ablate {d}/missing.npz --hold-out 1", "missing.npz"),
    ("synth {d}/file/x.npz --seconds 1", "cannot be written"),
]
TABLE = [(host, *row) for row in HOST] + [(models, *row) for row in TRAINING]


@pytest.fixture(autouse=True)
def own_process(monkeypatch):
    """Keeps the daemon's changes to its own process away from the process of the tests."""
    monkeypatch.setattr("myobridge.daemon.realtime.enter_realtime", lambda _priority: [])
    monkeypatch.setattr("myobridge.daemon.realtime.stop_collecting", lambda: None)
    monkeypatch.setattr("signal.signal", lambda _number, _action: None)


@pytest.fixture(scope="module")
def taken():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


OWN_STREAMS = re.compile("view |run --port (?!/dev/null)")
"""Commands that write to the process's own streams after their start."""


def outcome(group, line, **words):
    line = line.format(**words)
    if group is not host or not OWN_STREAMS.match(line):
        return CliRunner().invoke(group, shlex.split(line))
    command = [sys.executable, "-m", "myobridge", *shlex.split(line)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    return SimpleNamespace(
        exit_code=result.returncode,
        stdout=result.stdout,
        stderr=result.stderr,
        exception=SystemExit(),
        exc_info=result.stderr,
    )


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row[1].replace("{d}/", ""))
def test_every_mistake_is_answered_by_one_sentence(row, folder, taken):
    group, line, *words = row
    before = sorted(folder.rglob("*"))
    result = outcome(group, line, d=folder, taken=taken)
    assert isinstance(result.exception, SystemExit), result.exc_info
    assert result.exit_code == 1
    *bars, sentence = result.stderr.splitlines()
    assert not [bar for bar in bars if "-:--:--" not in bar], "only a progress bar may precede the sentence"
    assert sentence.startswith(f"{group.name}: ")
    assert sentence.endswith(".")
    for word in words:
        assert word.replace("{d}", str(folder)) in sentence
    assert sorted(folder.rglob("*")) == before, "files are left behind"


@pytest.mark.parametrize("kind", ["folder", "pipe", "/dev/zero"])
@pytest.mark.parametrize(
    ("group", "line"),
    [
        (host, "run --port {d}/none --model {it}"),
        (host, "run --port {d}/none --model synth --config {it}"),
        (host, "run --port {it} --model synth"),
        (host, "record --port {d}/none --poses {it}"),
        (host, "calibrate --model {d}/good.onnx --recording {it} --out {d}/mine.onnx --yes"),
        (host, "replay {it} --model {d}/good.onnx"),
        (host, "simulate --source {it}"),
        (host, "inspect {it}"),
        (host, "export {it} --to npz"),
        (host, "import {it} --out {d}/new.npz"),
        (models, "train {it} --out {d}/m.onnx"),
        (models, "export {it} --out {d}/m.onnx"),
        (models, "evaluate {d}/good.onnx {it}"),
    ],
)
def test_folders_pipes_and_devices_are_refused_without_waiting(group, line, kind, folder):
    special = {"folder": folder, "pipe": folder / "pipe", "/dev/zero": "/dev/zero"}
    result = outcome(group, line, d=folder, it=special[kind])
    assert isinstance(result.exception, SystemExit), result.exc_info
    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1
    assert "bug in" not in result.stderr


@pytest.mark.parametrize(
    ("group", "line", "word"),
    [
        (host, "run", "--port"),
        (host, "run --port x --model y --seconds -3", "--seconds"),
        (host, "run --port x --model y --sekonds 3", "--seconds"),
        (host, "fly", "fly"),
        (host, "export x --to pdf", "pdf"),
        (models, "train", "RECORDINGS"),
        (models, "describe --fs fast", "fast"),
    ],
)
def test_the_error_about_wrong_usage_names_the_help(group, line, word):
    result = outcome(group, line)
    assert result.exit_code == 2
    assert word in result.stderr
    assert "--help" in result.stderr


@pytest.mark.parametrize(
    ("group", "line"),
    [(host, "--debug inspect {d}/missing.myo"), (models, "--debug train {d}/missing.npz --out {d}/m.onnx")],
)
def test_debug_shows_the_traceback(group, line, folder):
    found = outcome(group, line, d=folder).exception
    assert isinstance(found, UserError)  # nobody catches it, so Python prints the traceback


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (PermissionError(errno.EACCES, "Permission denied", "a.txt"), "Permission denied: a.txt"),
        (OSError(errno.ENOSPC, "No space left on device"), "No space left on device; "),
    ],
)
def test_an_error_of_the_system_is_one_sentence_wherever_it_comes_from(monkeypatch, folder, error, words):
    monkeypatch.setattr("myobridge.recording.Recording.load", Mock(side_effect=error))
    result = outcome(host, "replay {d}/good.npz --model {d}/good.onnx", d=folder)
    assert result.exit_code == 1
    assert words in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            ZeroDivisionError("division by zero"),
            ["a bug in myobridge", "ZeroDivisionError: division by zero", "line"],
        ),
        (RecursionError(), ["a bug in myobridge", "RecursionError"]),
        (UnicodeEncodeError("ascii", "\udcff", 0, 1, "no"), ["a bug in myobridge"]),
        (ModuleNotFoundError("No module named 'x'", name="x"), ["a bug in myobridge", "'x'"]),
        (MemoryError(), ["not enough memory", "a shorter recording"]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_unexpected_error_is_one_sentence_that_says_how_to_report_it(monkeypatch, folder, error, words):
    monkeypatch.setattr("myobridge.recording.Recording.load", Mock(side_effect=error))
    line = "replay {d}/good.npz --model {d}/good.onnx"
    result = outcome(host, line, d=folder)
    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1
    for word in words:
        assert word in result.stderr
    if "bug" in words[0]:
        assert f"`myobridge --debug {line.format(d=folder)}`" in result.stderr
    assert outcome(host, f"--debug {line}", d=folder).exception is error


@pytest.mark.parametrize(
    ("group", "typed", "meant"),
    [
        (host, "runn", "run"),
        (host, "calibrat", "calibrate"),
        (host, "instal-service", "install-service"),
        (models, "trian", "train"),
        (models, "benchmrak", "benchmark"),
    ],
)
def test_the_error_about_a_mistyped_command_names_the_nearest_command(group, typed, meant):
    assert f"There is no command '{typed}'. Did you mean '{meant}'?" in outcome(group, f"{typed} --port x").stderr


@pytest.mark.parametrize(
    ("group", "line", "typed", "meant"),
    [
        (host, "run --port x --model y --secnods 3", "--secnods", "--seconds"),
        (host, "run --prt x", "--prt", "--port"),
        (host, "--verion", "--verion", "--version"),
        (models, "train r.npz --sedd 1", "--sedd", "--seed"),
    ],
)
def test_the_error_about_a_mistyped_option_names_the_nearest_option(group, line, typed, meant):
    assert f"There is no option '{typed}'. Did you mean '{meant}'?" in outcome(group, line).stderr


def test_an_option_that_resembles_none_gets_no_guess():
    assert outcome(host, "run --zzz 1").stderr.endswith("There is no option '--zzz'.\n")


def test_the_error_about_a_missing_option_says_what_the_option_is_for():
    said = " ".join(outcome(host, "estop").stderr.split())
    assert "The option '--port' is missing. Serial port of the hand, as given to the daemon." in said


def test_the_error_about_an_unknown_model_names_the_shipped_ones():
    for name in ("synth", "follow", "biopatrec", "population"):
        assert name in outcome(host, "run --port x --model snth").stderr


def test_a_command_says_which_file_its_summary_is_in(folder, tmp_path):
    path = tmp_path / "summary.json"
    result = outcome(host, f"inspect {folder}/good.npz --json {path}")
    assert f"Wrote {path} (summary, " in result.stderr
    assert outcome(host, f"inspect {folder}/good.npz --json -").stderr == ""


@pytest.mark.parametrize("group", [host, models], ids=lambda group: group.name)
def test_the_help_has_whole_sentences_and_every_default(group):
    context = click.Context(group)
    listed = outcome(group, "--help").stdout
    assert "..." not in listed.partition("Commands:")[2]
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert " ".join(command.help.split())[:40] in " ".join(listed.split())
        shown = "".join(outcome(group, f"{name} --help").stdout.split())  # a long default continues on the next line
        for option in (p for p in command.params if isinstance(p, click.Option)):
            if isinstance(option.default, str | int | float) and not option.is_flag and option.default != "":
                assert f"[default:{option.default}".replace(" ", "") in shown, option.name


@pytest.mark.parametrize("group", [host, models], ids=lambda group: group.name)
def test_both_command_lines_print_their_version(group):
    result = outcome(group, "--version")
    assert result.stdout.startswith(f"{group.name}, version ")
    assert result.exit_code == 0
