"""Publishes the hand of a running daemon as sensor_msgs/JointState (ROS 2); host/ROS.md explains it.

    python3 host/examples/ros_joint_states.py /dev/ttyACM0
    python3 host/examples/ros_joint_states.py /dev/ttyACM0 --print

`--print` needs no ROS: it prints each message as a line of JSON.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from math import radians
from typing import Final, NamedTuple

from myobridge import SERVOS
from myobridge.errors import UserError
from myobridge.feed import FeedClient, Snapshot

APPLIED: Final = "joint_states"
"""The topic of the angles to which the firmware drives the servos."""
PREDICTED: Final = "predicted_joint_states"
"""The topic of the angles that the network predicts, also while the hand is disarmed."""
RECEIVE_S: Final = 1.0
QUEUE: Final = 10


class Message(NamedTuple):
    """A topic, and the fields of a sensor_msgs/JointState for it."""

    topic: str
    fields: dict[str, object]


def joint_state(angles_deg: Sequence[float], wall_s: float) -> dict[str, object]:
    """The fields of a sensor_msgs/JointState: five servo angles in radians, 0 is open and π is closed.

    wall_s: seconds since 1970, UTC, at which the angles were true.
    """
    second, rest_s = divmod(wall_s, 1.0)
    return {
        "header": {"stamp": {"sec": int(second), "nanosec": int(rest_s * 1e9)}, "frame_id": ""},
        "name": list(SERVOS),
        "position": [radians(angle_deg) for angle_deg in angles_deg],
        "velocity": [],
        "effort": [],
    }


def messages_of(look: Snapshot, wall_s: float) -> list[Message]:
    """The messages of a snapshot: none for angles that the daemon does not know or withholds."""
    found = []
    if look.applied_deg:
        found.append(Message(APPLIED, joint_state(look.applied_deg, wall_s)))
    if look.predicted_deg and look.withheld == "no":
        found.append(Message(PREDICTED, joint_state(look.predicted_deg, wall_s)))
    return found


def joint_states(port: str) -> Iterator[Message]:
    """The messages of the daemon on `port`, until that daemon ends.

    Raises:
        NoDaemon: no daemon runs, or it has ended.
    """
    with FeedClient(port) as feed:
        feed.subscribe("snapshots")
        while True:
            if (look := feed.newest(RECEIVE_S)) is not None:
                yield from messages_of(look, time.time() - (time.monotonic() - look.at_s))


def fill(message: object, fields: dict[str, object]) -> None:
    """Sets the fields of a ROS message; a field that is a message itself is filled in its turn."""
    for name, value in fields.items():
        if isinstance(value, dict):
            fill(getattr(message, name), value)
        else:
            setattr(message, name, value)


def publish(port: str) -> None:
    """Publishes the messages of the daemon on `port` until that daemon ends."""
    import rclpy
    from sensor_msgs.msg import JointState

    rclpy.init()
    node = rclpy.create_node("myobridge")
    publishers = {topic: node.create_publisher(JointState, topic, QUEUE) for topic in (APPLIED, PREDICTED)}
    try:
        for topic, fields in joint_states(port):
            message = JointState()
            fill(message, fields)
            publishers[topic].publish(message)
    finally:
        node.destroy_node()
        rclpy.try_shutdown()


def main() -> None:
    """Publishes or prints until the daemon ends or a person presses Ctrl-C."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition(";")[0])
    parser.add_argument("port", help="serial port of the hand, as given to the daemon")
    parser.add_argument("--print", action="store_true", dest="prints", help="print JSON lines; needs no ROS")
    chosen = parser.parse_args()
    try:
        if not chosen.prints:
            publish(chosen.port)
        for message in joint_states(chosen.port):
            print(json.dumps({"topic": message.topic} | message.fields), flush=True)
    except UserError as error:
        raise SystemExit(str(error)) from error
    except ModuleNotFoundError as error:
        raise SystemExit(f"{error.name} is not installed; source ROS 2's setup file first, or use --print.") from error
    except (KeyboardInterrupt, BrokenPipeError):
        return


if __name__ == "__main__":
    main()
