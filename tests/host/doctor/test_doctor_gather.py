"""Facts about a port and a computer, from a file system that the test provides."""

import os

import pytest

from myobridge.doctor.gather import gather_port, gather_system, usb_latency_ms
from myobridge.settings import RealtimeSettings, Settings
from myobridge.simulator.pty_port import PtyPort
from myobridge.wire.link import PortInUse, SerialLink


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_a_missing_port(tmp_path):
    facts = gather_port(str(tmp_path / "none"))
    assert (facts.exists, facts.permitted, facts.holders) == (False, False, ())


def test_a_port_that_another_process_holds_names_it(tmp_path):
    port = tmp_path / "ttyACM0"
    port.touch()
    fds = tmp_path / "proc" / "4711" / "fd"
    fds.mkdir(parents=True)
    (fds / "3").symlink_to(port)
    write(tmp_path / "proc" / "4711" / "cmdline", "screen\0/dev/ttyACM0\x1b[2J\0")
    (tmp_path / "proc" / str(os.getpid()) / "fd").mkdir(parents=True)
    facts = gather_port(str(port), tmp_path)
    assert facts.holders == ("screen /dev/ttyACM0[2J (process 4711)",)
    assert (facts.exists, facts.permitted) == (True, True)


def test_a_port_in_use_is_an_error_of_its_own():
    port = PtyPort(None)
    link = SerialLink(port.path)
    with pytest.raises(PortInUse):
        SerialLink(port.path)
    link.close()
    port.unplug()


def test_latency_timer_of_an_ftdi_adapter(tmp_path):
    write(tmp_path / "sys/bus/usb-serial/devices/ttyUSB3/latency_timer", "16\n")
    assert usb_latency_ms("/dev/ttyUSB3", tmp_path) == 16
    assert usb_latency_ms("/dev/ttyACM0", tmp_path) is None


def test_governors_and_the_pis_throttling_bits(tmp_path):
    for core in range(2):
        write(tmp_path / f"sys/devices/system/cpu/cpu{core}/cpufreq/scaling_governor", "ondemand\n")
    write(tmp_path / "sys/devices/platform/soc/soc:firmware/get_throttled", "50005\n")
    facts = gather_system(Settings(), tmp_path, tmp_path)
    assert facts.governors == ("ondemand", "ondemand")
    assert facts.throttled == 0x50005


@pytest.mark.parametrize(("answer", "throttled"), [("throttled=0x50000", 0x50000), ("VCHI failed", None)])
def test_vcgencmd_is_asked_if_the_firmwares_file_is_missing(tmp_path, answer, throttled):
    command = tmp_path / "usr/bin/vcgencmd"
    write(command, f"#!/bin/sh\necho {answer}\n")
    command.chmod(0o755)
    assert gather_system(Settings(), tmp_path, tmp_path).throttled == throttled


def test_voltage_monitor_of_a_pi_without_the_firmwares_file(tmp_path):
    write(tmp_path / "sys/class/hwmon/hwmon0/name", "cpu_thermal\n")
    write(tmp_path / "sys/class/hwmon/hwmon1/name", "rpi_volt\n")
    write(tmp_path / "sys/class/hwmon/hwmon1/in0_lcrit_alarm", "1\n")
    assert gather_system(Settings(), tmp_path, tmp_path).throttled == 1


def test_a_computer_that_is_not_a_pi_and_tells_little(tmp_path):
    facts = gather_system(Settings(), tmp_path, tmp_path)
    assert (facts.governors, facts.throttled) == ((), None)
    assert facts.python_bits in (32, 64)
    assert facts.disk_free_mb >= 0


@pytest.mark.parametrize(("held", "may"), [(0, False), (1 << 23, True)])
def test_capabilities_permit_real_time(tmp_path, monkeypatch, held, may):
    monkeypatch.setattr("resource.getrlimit", lambda _which: (0, 0))
    write(tmp_path / "proc/self/status", f"Name:\tx\nCapEff:\t{held:016x}\nCapBnd:\t0\n")
    facts = gather_system(Settings(), tmp_path, tmp_path)
    assert (facts.may_fifo, facts.may_lock) == (may, False)


def test_limits_permit_real_time(tmp_path, monkeypatch):
    monkeypatch.setattr("resource.getrlimit", lambda _which: (50, 50))
    config = Settings(realtime=RealtimeSettings(fifo_priority=50))
    assert gather_system(config, tmp_path, tmp_path).may_fifo
    config = Settings(realtime=RealtimeSettings(fifo_priority=51))
    assert not gather_system(config, tmp_path, tmp_path).may_fifo
