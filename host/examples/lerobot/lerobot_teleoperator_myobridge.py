"""A LeRobot teleoperator: the wearer's fingers, as the daemon decodes them, move a robot; host/ROS.md explains it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Final

from lerobot.teleoperators.config import TeleoperatorConfig
from lerobot.teleoperators.teleoperator import Teleoperator

from myobridge import SERVOS
from myobridge.feed import FeedClient, Snapshot

FEATURES: Final = {f"{servo}.pos": float for servo in SERVOS}
FIRST_S: Final = 10.0
"""How long `connect` waits: the daemon's window has to fill first."""
SILENT_S: Final = 0.5
"""A daemon that sends no snapshot for this time is silent; it sends 25 a second."""


def action(look: Snapshot) -> dict[str, float] | None:
    """What the wearer wants, in degrees (0 open, 180 closed); None while the daemon withholds it."""
    if look.withheld != "no" or not look.predicted_deg:
        return None
    return dict(zip(FEATURES, look.predicted_deg, strict=True))


def observation(look: Snapshot) -> dict[str, float] | None:
    """Where the firmware drives the servos, in degrees; None while no hand is connected."""
    return dict(zip(FEATURES, look.applied_deg, strict=True)) if look.applied_deg else None


@TeleoperatorConfig.register_subclass("myobridge")
@dataclass(kw_only=True)
class MyobridgeConfig(TeleoperatorConfig):
    """port: serial port of the hand, as given to the daemon."""

    port: str = "/dev/ttyACM0"


class Myobridge(Teleoperator):
    """Gives the wearer's newest wish. While the daemon withholds the wish, the last wish stays."""

    config_class = MyobridgeConfig
    name = "myobridge"

    def __init__(self, config: MyobridgeConfig) -> None:
        super().__init__(config)
        self._port = config.port
        self._feed: FeedClient | None = None
        self._action: dict[str, float] | None = None
        self._heard_s = 0.0

    @property
    def action_features(self) -> dict[str, type]:
        """Five angles."""
        return FEATURES

    @property
    def feedback_features(self) -> dict[str, type]:
        """None: the wearer feels nothing of the robot."""
        return {}

    @property
    def is_connected(self) -> bool:
        """The feed is open."""
        return self._feed is not None

    @property
    def is_calibrated(self) -> bool:
        """Always: `myobridge calibrate` fits the model to the wearer."""
        return True

    def connect(self, calibrate: bool = True) -> None:
        """Opens the daemon's feed, and waits until the daemon has decoded a first wish.

        Raises:
            NoDaemon: no daemon runs on the port.
            ConnectionError: the daemon decodes nothing.
        """
        self._feed = FeedClient(self._port)
        self._feed.subscribe("snapshots")
        until_s = time.monotonic() + FIRST_S
        while self._action is None:
            if time.monotonic() > until_s:
                self.disconnect()
                raise ConnectionError(f"The daemon on {self._port} decodes nothing; `myobridge view` shows why.")
            self._take(self._feed.newest(SILENT_S))

    def calibrate(self) -> None:
        """Does nothing."""

    def configure(self) -> None:
        """Does nothing."""

    def get_action(self) -> dict[str, float]:
        """Five angles in degrees.

        Raises:
            ConnectionError: not connected, or the daemon is silent.
            NoDaemon: the daemon has ended.
        """
        if self._feed is None or self._action is None:
            raise ConnectionError("The teleoperator is not connected; call connect() first.")
        self._take(self._feed.newest(0.0))
        if time.monotonic() - self._heard_s > SILENT_S:
            raise ConnectionError(f"The daemon on {self._port} is silent; end it and start it again.")
        return dict(self._action)

    def send_feedback(self, feedback: dict[str, Any]) -> None:
        """Does nothing."""

    def disconnect(self) -> None:
        """Closes the feed."""
        if self._feed is not None:
            self._feed.close()
            self._feed = None
            self._action = None

    def _take(self, look: Snapshot | None) -> None:
        if look is not None:
            self._heard_s = look.at_s
            self._action = action(look) or self._action
