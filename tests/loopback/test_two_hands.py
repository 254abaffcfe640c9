"""Two hands on one computer: each has its own daemon, feed and diary, and no board gets two daemons."""

import json
from contextlib import ExitStack

from processes import feed_of, myobridge, running, simulated_hand, wait_for_emg


def test_two_daemons_run_side_by_side_and_never_on_one_board(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    with ExitStack() as stack:
        hands = {}
        for name in ("left", "right"):
            (tmp_path / name).mkdir()
            hand = stack.enter_context(simulated_hand(tmp_path / name))
            hands[name] = tmp_path / f"myobridge-{name}"
            hands[name].symlink_to(hand.port)
        for port in hands.values():
            stack.enter_context(running("run", "--port", port, "--model", "synth"))
        for port in hands.values():
            wait_for_emg(port, 60)
        for port in hands.values():
            for other_name in (port, port.resolve()):
                refused = myobridge("run", "--port", other_name, "--model", "synth", "--seconds", "1")
                assert refused.returncode == 1
                assert "in use" in refused.stderr or "daemon" in refused.stderr
                assert len(refused.stderr.strip().splitlines()) == 1
        with feed_of(hands["left"]) as left, feed_of(hands["right"]) as right:
            ports = {feed.request("about").about.port for feed in (left, right)}
        assert ports == {str(port) for port in hands.values()}
    days = json.loads(myobridge("diary", "--json", "-").stdout)["days"]
    assert {day["hand"] for day in days} == {str(port) for port in hands.values()}
    assert {day["sessions"] for day in days} == {1}
