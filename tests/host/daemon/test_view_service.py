"""The service of the hand's page: its unit, and what installing it does."""

import os
import re
import subprocess

import pytest
from test_service import EXPOSURE, LEFT, RIGHT, analyze, settings

from myobridge.commands.install_service import install_service
from myobridge.daemon.service import hand as hands
from myobridge.daemon.service import install
from myobridge.daemon.service.hand import ONLY, Hand
from myobridge.daemon.service.install import Remove, Run, Write, no_view_steps, uninstall_steps, view_steps
from myobridge.daemon.service.texts import view_unit_text

COMMAND = ["/bin/true", "-m", "myobridge", "view", "--port", ONLY.link, "--phones", "--control"]


@pytest.fixture(params=[ONLY, LEFT], ids=["the only hand", "one of two"])
def unit_file(request, tmp_path):
    path = tmp_path / request.param.view_unit
    path.write_text(view_unit_text("daemon", COMMAND, request.param), encoding="utf-8")
    return path


def test_systemd_understands_every_line_of_the_page_s_unit(unit_file):
    result = analyze("verify", "--man=no", unit_file)
    assert (result.returncode, result.stdout + result.stderr) == (0, "")


def test_the_page_has_little_exposure(unit_file):
    result = analyze("security", "--offline=true", "--no-pager", f"--threshold={EXPOSURE * 10:.0f}", unit_file)
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_page_serves_private_networks_alone_and_opens_no_device():
    found = settings(view_unit_text("daemon", COMMAND))
    assert found["IPAddressDeny"] == "any"
    assert "192.168.0.0/16" in found["IPAddressAllow"]
    assert found["DevicePolicy"] == "closed"
    assert "DeviceAllow" not in found
    assert found["Restart"] == "always"
    assert not re.search("@[A-Z]+@", view_unit_text("daemon", COMMAND))


def test_the_page_of_each_hand_has_its_own_name():
    assert (ONLY.view_unit, LEFT.view_unit) == ("myobridge-view.service", "myobridge-view@left.service")
    assert len({hand.view_unit_path for hand in (ONLY, LEFT, RIGHT, Hand("view"))}) == 4


def test_the_page_starts_with_the_computer_and_uninstalling_removes_it():
    steps = view_steps("text")
    assert steps[0] == Write(ONLY.view_unit_path, "text")
    assert ("systemctl", "enable", ONLY.view_unit) in [step.words for step in steps if isinstance(step, Run)]
    undone = uninstall_steps(installed=True, view=True)
    assert Remove(ONLY.view_unit_path) in undone
    assert ("systemctl", "disable", "--now", ONLY.view_unit) in [one.words for one in undone if isinstance(one, Run)]
    assert no_view_steps(installed=False) == []


@pytest.fixture
def system(tmp_path, monkeypatch):
    monkeypatch.setenv("SUDO_USER", "daemon")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(hands, "UNITS", tmp_path)
    monkeypatch.setattr(install.subprocess, "run", lambda *_arguments, **_more: subprocess.CompletedProcess((), 0))
    return tmp_path


def shown(capsys, *arguments):
    install_service.main([*arguments, "--dry-run"], standalone_mode=False)
    return capsys.readouterr().out


def test_with_view_the_service_serves_the_page_to_paired_phones(capsys, system):
    text = shown(capsys, "--model", "synth", "--view")
    assert f"write {ONLY.view_unit_path}:" in text
    assert '"--view-port" "8765" "--phones" "--control"' in text
    assert "--bind" not in text


def test_a_new_installation_without_view_removes_the_page(capsys, system):
    assert "myobridge-view" not in shown(capsys, "--model", "synth")
    ONLY.view_unit_path.write_text("an earlier page")
    assert f"remove {ONLY.view_unit_path}" in shown(capsys, "--model", "synth")
    assert f"remove {ONLY.view_unit_path}" in shown(capsys, "--uninstall")
