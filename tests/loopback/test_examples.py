"""The programs of host/examples, against stand-ins of ROS 2 and LeRobot, and with a running hand and daemon."""

import abc
import importlib
import json
import math
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
from test_feed import LOOK

from myobridge import SERVOS
from myobridge.feed import NoDaemon
from processes import feed_of, running, simulated_hand

EXAMPLES = Path(__file__).parents[2] / "host" / "examples"
FIVE_DEG = [0.0, 45.0, 90.0, 135.0, 180.0]
FEATURES = {f"{servo}.pos" for servo in SERVOS}


def look(**changed):
    values = {name: getattr(LOOK, name) for name in LOOK.__struct_fields__}
    return type(LOOK)(**values | {"applied_deg": FIVE_DEG, "predicted_deg": FIVE_DEG[::-1]} | changed)


@pytest.fixture(scope="module")
def ros():
    sys.path.insert(0, str(EXAMPLES))
    yield importlib.import_module("ros_joint_states")
    sys.path.remove(str(EXAMPLES))


@pytest.fixture(scope="module")
def lerobot():
    """The plug-in, beside base classes that demand what LeRobot's own demand (its teleoperator.py and config.py)."""

    @dataclass(kw_only=True)
    class TeleoperatorConfig:
        id: str | None = None
        calibration_dir: Path | None = None

        @classmethod
        def register_subclass(cls, name):
            return lambda config: setattr(config, "type", name) or config

    abstract = ["connect", "calibrate", "configure", "get_action", "send_feedback", "disconnect"]
    abstract += ["action_features", "feedback_features", "is_connected", "is_calibrated"]
    methods = {name: abc.abstractmethod(lambda self: None) for name in abstract}
    base = abc.ABCMeta("Teleoperator", (), {"__init__": lambda self, config: None, **methods})
    modules = {
        "lerobot": ModuleType("lerobot"),
        "lerobot.teleoperators": ModuleType("lerobot.teleoperators"),
        "lerobot.teleoperators.config": SimpleNamespace(TeleoperatorConfig=TeleoperatorConfig),
        "lerobot.teleoperators.teleoperator": SimpleNamespace(Teleoperator=base),
    }
    sys.modules.update(modules)
    sys.path.insert(0, str(EXAMPLES / "lerobot"))
    yield importlib.import_module("lerobot_teleoperator_myobridge")
    sys.path.remove(str(EXAMPLES / "lerobot"))
    for name in modules:
        del sys.modules[name]


@dataclass(slots=True)
class Time:
    """builtin_interfaces/Time."""

    sec: int = 0
    nanosec: int = 0


@dataclass(slots=True)
class Header:
    """std_msgs/Header."""

    stamp: Time = field(default_factory=Time)
    frame_id: str = ""


@dataclass(slots=True)
class JointState:
    """sensor_msgs/JointState; like rclpy's, it refuses a field that its definition does not have."""

    header: Header = field(default_factory=Header)
    name: list = field(default_factory=list)
    position: list = field(default_factory=list)
    velocity: list = field(default_factory=list)
    effort: list = field(default_factory=list)


def test_a_joint_state_has_the_fields_of_the_definition_and_the_five_angles_in_radians(ros):
    message = JointState()
    ros.fill(message, ros.joint_state(FIVE_DEG, 1_700_000_000.25))
    assert message.name == ["thumb", "index", "middle", "ring", "little"]
    assert message.position == pytest.approx([0, math.pi / 4, math.pi / 2, 3 * math.pi / 4, math.pi])
    assert all(type(angle) is float for angle in message.position)
    assert message.header.stamp == Time(1_700_000_000, 250_000_000)
    assert (message.velocity, message.effort, message.header.frame_id) == ([], [], "")


@pytest.mark.parametrize("wall_s", [0.0, 0.9999999999999999, 1_700_000_000.9999998, 1_700_000_001.0])
def test_a_stamp_fits_into_its_fields(ros, wall_s):
    stamp = ros.joint_state(FIVE_DEG, wall_s)["header"]["stamp"]
    assert 0 <= stamp["nanosec"] < 1_000_000_000
    assert stamp["sec"] + stamp["nanosec"] / 1e9 == pytest.approx(wall_s, abs=1e-6)


def test_applied_and_predicted_angles_have_their_own_topics(ros):
    applied, predicted = ros.messages_of(look(), 1.0)
    assert (applied.topic, predicted.topic) == ("joint_states", "predicted_joint_states")
    assert applied.fields["position"] == predicted.fields["position"][::-1]


@pytest.mark.parametrize(
    ("changed", "topics"),
    [
        ({"withheld": "channel_flat"}, ["joint_states"]),
        ({"predicted_deg": []}, ["joint_states"]),
        ({"applied_deg": [], "predicted_deg": []}, []),
    ],
    ids=["withheld", "window fills", "no hand"],
)
def test_angles_that_nobody_may_trust_are_not_published(ros, changed, topics):
    assert [message.topic for message in ros.messages_of(look(**changed), 1.0)] == topics


def test_without_ros_the_program_says_what_to_do():
    done = subprocess.run(
        [sys.executable, EXAMPLES / "ros_joint_states.py", "/dev/null"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr == "rclpy is not installed; source ROS 2's setup file first, or use --print.\n"


def test_without_a_daemon_the_program_says_what_to_do(tmp_path):
    program = [sys.executable, EXAMPLES / "ros_joint_states.py", tmp_path / "hand", "--print"]
    done = subprocess.run(program, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("No daemon runs on ")


def test_an_action_is_the_wish_of_the_wearer_and_an_observation_is_the_place_of_the_servos(lerobot):
    assert lerobot.action(look()) == dict(zip([f"{name}.pos" for name in SERVOS], FIVE_DEG[::-1], strict=True))
    assert lerobot.observation(look()) == dict(zip([f"{name}.pos" for name in SERVOS], FIVE_DEG, strict=True))
    assert lerobot.action(look(withheld="channel_flat")) is None
    assert lerobot.observation(look(applied_deg=[])) is None


def test_a_teleoperator_that_is_not_connected_gives_no_action(lerobot):
    hand = lerobot.Myobridge(lerobot.MyobridgeConfig(port="/dev/null"))
    assert set(hand.action_features) == FEATURES
    assert not hand.is_connected
    with pytest.raises(ConnectionError, match=r"connect\(\) first"):
        hand.get_action()


def test_lerobot_finds_the_plug_in_by_its_name(lerobot):
    assert lerobot.MyobridgeConfig.type == lerobot.Myobridge.name == "myobridge"
    assert lerobot.Myobridge.config_class.__name__ == lerobot.Myobridge.__name__ + "Config"
    project = (EXAMPLES / "lerobot" / "pyproject.toml").read_text(encoding="utf-8")
    assert f'name = "{lerobot.__name__}"' in project


def hears_ctrl_c():
    """A shell's background jobs inherit a SIGINT that is ignored, and the tests may run in one."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_both_follow_a_running_hand(lerobot, tmp_path):
    with (
        simulated_hand(tmp_path) as hand,
        running("run", "--port", hand.port, "--model", "synth") as daemon,
    ):
        feed_of(hand.port).close()
        teleoperator = lerobot.Myobridge(lerobot.MyobridgeConfig(port=hand.port))
        teleoperator.connect()
        assert set(teleoperator.get_action()) == FEATURES
        program = [sys.executable, EXAMPLES / "ros_joint_states.py", hand.port, "--print"]
        with subprocess.Popen(
            program,
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=hears_ctrl_c,  # noqa: PLW1509 - sets one signal, which takes no lock
        ) as printer:
            seen = {}
            while len(seen) < 2:
                message = json.loads(printer.stdout.readline())
                seen[message["topic"]] = message
            printer.send_signal(signal.SIGINT)
            printer.communicate(timeout=60)
            assert printer.returncode == 0
        for message in seen.values():
            assert message["name"] == list(SERVOS)
            assert all(0 <= angle <= math.pi for angle in message["position"])
            assert abs(message["header"]["stamp"]["sec"] - time.time()) < 120
        daemon.send_signal(signal.SIGINT)
        daemon.wait(60)
        with pytest.raises(NoDaemon, match="has ended"):
            while True:
                with suppress(ConnectionError):  # the last snapshot may be older than the silence it allows
                    teleoperator.get_action()
        teleoperator.disconnect()
        assert not teleoperator.is_connected
