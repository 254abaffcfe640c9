"""The diary of a real daemon: it survives a kill, and the command shows it."""

import json
import time
from datetime import UTC, datetime

from processes import feed_of, myobridge, running, simulated_hand


def shown(port):
    """The days of the diary."""
    return json.loads(myobridge("diary", "--port", port, "--json", "-").stdout or '{"days": []}')["days"]


def test_a_killed_run_and_a_whole_run_stand_in_the_diary(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("TZ", f"NOON{datetime.now(UTC).hour - 12:+d}")  # it is noon here: the two runs are of one day
    with simulated_hand(tmp_path) as hand:
        with running("run", "--port", hand.port, "--model", "synth") as killed:
            with feed_of(hand.port):
                until_s = time.monotonic() + 30
                while not shown(hand.port) and time.monotonic() < until_s:
                    time.sleep(0.2)
            killed.kill()
        with running("run", "--port", hand.port, "--model", "synth"), feed_of(hand.port) as feed:
            while not feed.request("arm").ok:
                time.sleep(0.1)
            feed.subscribe("snapshots")
            while feed.receive(1.0).state != "ARMED":
                pass
            time.sleep(1.0)
        (day,) = shown(hand.port)
    assert day["sessions"] == 2
    assert day["models"] == ["synth"]
    assert 0 < day["armed_s"] <= day["connected_s"]
    folder = next(path for path in (tmp_path / "state" / "myobridge" / "diary").iterdir() if path.is_dir())
    assert folder.stat().st_mode & 0o077 == 0
