"""Programs that take a board's port, on computers that the test provides."""

from pathlib import Path

import pytest

from myobridge.doctor.gather import gather_port
from myobridge.doctor.takers import RULE_FOLDERS, brltty_takes, modem_manager_asks

RULE = 'ENV{PRODUCT}=="1a86/7523/*", ENV{BRLTTY_BRAILLE_DRIVER}="bm", GOTO="brltty_usb_run"\n'
BOTH = RULE + RULE.replace("1a86/7523", "10c4/ea60")
CH340, CP210X, MEGA = ("1a86", "7523"), ("10c4", "ea60"), ("2341", "0042")


class Computer:
    def __init__(self, root):
        self.root = root
        self._processes = 100

    def write(self, path, text):
        path = self.root / path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def runs(self, program):
        self._processes += 1
        self.write(f"proc/{self._processes}/comm", f"{program}\n")

    def plug(self, usb, tty=None, dev="166:0"):
        """Adds a USB device and its port to sysfs; returns the port's path."""
        device = f"sys/devices/usb1/1-{self._processes}"
        self._processes += 1
        for name, value in zip(("idVendor", "idProduct", "dev"), (*usb, "189:5"), strict=True):
            self.write(f"{device}/{name}", f"{value}\n")
        by_bus = self.root / "sys/bus/usb/devices"
        by_bus.mkdir(parents=True, exist_ok=True)
        (by_bus / Path(device).name).symlink_to(self.root / device)
        (self.root / device / f"{Path(device).name}:1.0").mkdir()
        if tty is None:
            return None
        real = f"{device}/{Path(device).name}:1.0/{tty}/tty/{tty}"
        self.write(f"{real}/dev", f"{dev}\n")
        (self.root / "sys/class/tty").mkdir(parents=True, exist_ok=True)
        (self.root / "sys/class/tty" / tty).symlink_to(self.root / real)
        return Path("/dev") / tty


@pytest.fixture
def computer(tmp_path):
    return Computer(tmp_path)


MISSING = Path("/dev/ttyUSB0")


@pytest.mark.parametrize(("usb", "chip"), [(CH340, "CH340"), (CP210X, "CP210x")])
@pytest.mark.parametrize("folder", RULE_FOLDERS)
def test_a_rule_of_brltty_that_names_the_ports_chip_is_found(computer, usb, chip, folder):
    computer.write(f"{folder}/85-brltty.rules", BOTH)
    assert brltty_takes(computer.plug(usb, "ttyUSB0"), computer.root) == chip


def test_an_adapter_whose_port_brltty_has_taken_already_is_found(computer):
    """There is no port then; the adapter is visible on the bus only."""
    computer.write("usr/lib/udev/rules.d/85-brltty.rules", RULE)
    computer.plug(CH340)
    assert brltty_takes(MISSING, computer.root) == "CH340"
    assert gather_port(str(MISSING), computer.root).brltty_takes == "CH340"


def test_brltty_that_runs_is_found_without_its_rules(computer):
    computer.runs("brltty")
    computer.plug(CP210X)
    assert brltty_takes(MISSING, computer.root) == "CP210x"


@pytest.mark.parametrize("rule", ["", "#" + RULE, RULE.replace("7523", "1234")])
def test_rules_that_leave_the_chip_alone_are_no_finding(computer, rule):
    computer.write("usr/lib/udev/rules.d/85-brltty.rules", rule)
    computer.plug(CH340)
    assert brltty_takes(MISSING, computer.root) == ""


def test_a_rule_that_was_switched_off_in_etc_is_no_finding(computer):
    computer.write("usr/lib/udev/rules.d/85-brltty.rules", RULE)
    computer.write("etc/udev/rules.d/85-brltty.rules", "")
    computer.plug(CH340)
    assert brltty_takes(MISSING, computer.root) == ""


def test_brltty_takes_no_arduino_even_while_another_adapter_is_plugged_in(computer):
    computer.runs("brltty")
    computer.write("usr/lib/udev/rules.d/85-brltty.rules", RULE)
    computer.plug(CH340)
    assert brltty_takes(computer.plug(MEGA, "ttyACM0"), computer.root) == ""


def test_brltty_is_not_blamed_for_a_missing_port_beside_an_adapter_with_its_own_port(computer):
    computer.write("usr/lib/udev/rules.d/85-brltty.rules", RULE)
    computer.plug(CH340, "ttyUSB1")
    assert brltty_takes(MISSING, computer.root) == ""


def test_a_computer_without_sysfs_and_proc_has_neither(computer):
    assert brltty_takes(MISSING, computer.root) == ""
    assert not modem_manager_asks(MISSING, computer.root)


@pytest.mark.parametrize("tty", ["ttyACM0", "ttyUSB3"])
def test_modem_manager_that_runs_may_ask_a_usb_port(computer, tty):
    port = computer.plug(MEGA, tty)
    assert not modem_manager_asks(port, computer.root)
    computer.runs("ModemManager")
    assert modem_manager_asks(port, computer.root)


def test_modem_manager_asks_no_port_of_the_board_itself(computer):
    computer.runs("ModemManager")
    assert not modem_manager_asks(Path("/dev/ttyAMA0"), computer.root)


@pytest.mark.parametrize(
    ("data", "says"),
    [("c166:0", "ID_MM_PORT_IGNORE"), ("c189:5", "ID_MM_DEVICE_IGNORE"), ("c189:5", "ID_MM_TTY_BLACKLIST")],
    ids=["our own rule, for the port", "ModemManager's list, for the board", "its older list"],
)
def test_modem_manager_ignores_a_port_that_a_rule_excludes(computer, data, says):
    computer.runs("ModemManager")
    port = computer.plug(MEGA, "ttyACM0")
    computer.write(f"run/udev/data/{data}", f"I:12345\nE:ID_BUS=usb\nE:{says}=1\n")
    assert not modem_manager_asks(port, computer.root)
