"""Thousands of random events, and the stories that they once found; each predicate detects its violation.

`python tests/faults/events.py --minutes 60 --seed 1` does as much as one likes.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from random import Random

import pytest
from caller import Caller
from event_kinds import KINDS, asks
from events import plan, play
from predicates import LAUNCH_S, Predicate, Violated, Watch
from scene import Scene

from lockstep import BEGIN_S
from myobridge.daemon.connection import Connection
from myobridge.daemon.permission.rules import Permission
from myobridge.decoder.contact import ContactCheck
from myobridge.simulator.line_faults import LineFaults
from myobridge.simulator.safety import Safety
from myobridge.wire.messages import Reason, State
from myobridge.wire.session import Session

MINUTES = 3.0
EVENTS = Path(__file__).with_name("events.py")


@pytest.fixture(scope="session")
def happening():
    command = ["nice", "-n", "19", sys.executable, str(EVENTS), "--minutes", str(MINUTES), "--seed", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        yield process
        process.kill()  # it plays signals of its own: SIGTERM would go to the daemon that it tests


@pytest.mark.slow
def test_events_start(happening):
    assert happening.poll() is None


@pytest.mark.slow
@pytest.mark.judged_last
@pytest.mark.timeout(1200)
def test_after_thousands_of_events_every_predicate_has_held(happening):
    report, _ = happening.communicate()
    print(report)
    assert happening.returncode == 0, report


def test_a_seed_gives_the_same_story_each_time():
    first, again = (play(plan(7, 0), 7, seconds=20) for _ in range(2))
    assert (first.seconds, first.states) == (again.seconds, again.states)
    assert first.states != play(plan(8, 0), 8, seconds=20).states


# --- stories that random events have told ------------------------------------------------------------------


@pytest.fixture
def story(tmp_path):
    """Plays a story in a scene: an action at each time; returns the scene at its end."""

    def tell(*happens, seconds=20.0, arm=True):
        scene = Scene(tmp_path, seed=1)
        scene.next_arm = arm
        for t_s, act in happens:
            scene.world.at(BEGIN_S + t_s, lambda act=act: act(scene))
        scene.run(seconds)
        return scene

    return tell


def ask(*wishes):
    return lambda scene: asks(*wishes)(scene, Random(0))


def happen(name, seed=0):
    return lambda scene: KINDS[name].do(scene, Random(seed))


def bad(kind, for_s):
    def act(scene):
        scene.wearer.trouble(kind, 0)
        scene.later(for_s, scene.wearer.mend)

    return act


def stop_hand(for_s):
    return lambda scene: setattr(scene.world, "hand_stopped_until_s", scene.now_s + for_s)


def stop_daemon(for_s):
    return lambda scene: setattr(scene.world, "daemon_stopped_until_s", scene.now_s + for_s)


def low_supply(for_s):
    def act(scene):
        safety = scene.hand.firmware.safety
        safety.supply_low = True
        scene.later(for_s, lambda: setattr(safety, "supply_low", False))

    return act


def reset(scene):
    scene.hand.reset()


def plug(plugged):
    return lambda scene: scene.world.plug(plugged)


def times_armed(scene):
    return scene.hand.seen["ARMED (host_armed)"]


def test_an_arm_that_was_answered_during_hold_has_ended(story):
    scene = story((2, bad("flat", 60)), (2.6, ask("arm")), seconds=80)
    assert times_armed(scene) == 1


def test_an_arm_by_signal_while_an_electrode_is_off_expires(story):
    assert times_armed(story((2, bad("flat", 30)), (6, happen("SIGUSR1")), seconds=50)) == 1


def test_an_arm_that_a_frozen_hand_does_not_answer_is_withdrawn(story):
    scene = story((2, ask("disarm")), (3, stop_hand(0.3)), (3.05, ask("arm")), seconds=10)
    assert scene.watch.state is State.DISARMED


@pytest.mark.parametrize("ends", [lambda _scene: None, reset, happen("daemon killed"), happen("daemon ended")])
def test_an_estop_outlives_a_silent_line_a_reset_and_the_daemon(story, ends):
    scene = story((2, ask("estop")), (4, happen("silence", 3)), (9, ends), (15, ask("arm")), seconds=30)
    assert scene.watch.state is State.ESTOP


def test_an_estop_does_not_wait_for_emg_and_is_in_force_within_10_ms(story):
    seen = []
    for after_s in (2, 2.0021, 2.0043):
        story((after_s, ask("estop")), (after_s + 0.01, lambda scene: seen.append(scene.watch.state)), seconds=3)
    assert seen == [State.ESTOP] * 3


def test_an_estop_behind_other_requests_in_one_write_arrives(story):
    assert story((2, ask("about", "about", "estop")), seconds=5).watch.state is State.ESTOP


def test_a_crowd_does_not_block_an_estop(story):
    scene = story(*[(2 + 0.1 * n, happen("crowd", n)) for n in range(10)], (3.5, ask("estop")), seconds=6)
    assert scene.watch.state is State.ESTOP


def test_a_disarm_during_the_start_cancels_arm_at_launch(story):
    assert times_armed(story((0.03, ask("disarm")), seconds=5)) == 0


def test_an_arm_that_waits_during_the_greeting_is_answered(story):
    story((2, stop_hand(6)), (4.2, happen("SIGUSR1")), seconds=15)


def test_the_session_waits_out_a_fault_at_its_start(story):
    scene = story((2, plug(False)), (2.5, low_supply(3)), (3, plug(True)), (12, ask("arm")))
    assert times_armed(scene) == 2


def test_a_late_status_does_not_end_the_daemon(story):
    story((2, ask("estop")), (2.6, happen("frames rearranged", 3569762606)), (2.95, plug(False)), (3.2, plug(True)))


def test_a_lift_survives_a_later_disarm_but_no_later_estop(story):
    disarmed = story((2, ask("estop")), (4, ask("lift")), (4.03, ask("disarm")), (9, ask("arm")), seconds=12)
    assert times_armed(disarmed) == 2
    stopped = story((2, ask("estop")), (4, ask("lift")), (4.03, ask("estop")), (9, ask("arm")), seconds=12)
    assert (times_armed(stopped), stopped.watch.state) == (1, State.ESTOP)


def test_an_answer_does_not_rely_on_a_status_from_before_a_silence(story):
    story((2, ask("estop")), (3, plug(False)), (3.5, plug(True)), (5, stop_hand(4)), (6.5, reset), (8, ask("estop")))


def test_the_estop_command_works_on_a_damaged_line(story):
    story((2, happen("daemon ended", 4)), *[(2.2 + 0.1 * n, command_stops_beside_forged_frames) for n in range(20)])


def command_stops_beside_forged_frames(scene):
    happen("forged frames", int(1000 * scene.now_s))(scene)
    happen("ESTOP by command")(scene)


# --- the predicates ----------------------------------------------------------------------------------------


def violation(action, *args, **more):
    with pytest.raises(Violated) as found:
        action(*args, **more)
    return found.value.predicate


def armed(watch):
    watch.hand(State.ARMED, Reason.HOST_ARMED)


def passed(watch, seconds, linked_s=0.0):
    watch.passed(watch.now_s + seconds, awake=True, linked_since_s=linked_s, in_order_since_s=linked_s)


@pytest.mark.parametrize("do", ["arm", "disarm", None])
def test_arming_without_a_valid_request_is_found(do):
    watch = Watch()
    watch.hand(State.DISARMED, Reason.POWER_ON)
    if do:
        watch.command("arm", "somebody")
        passed(watch, 3.5 if do == "arm" else 0.5)
    if do == "disarm":
        watch.command("disarm", "somebody")
        passed(watch, 0.5)
    assert violation(armed, watch) is Predicate.ARMED_BY_A_COMMAND


def test_arming_by_a_valid_request_is_right():
    watch = Watch()
    watch.command("arm", "somebody")
    passed(watch, 2.9)
    armed(watch)


def test_a_request_that_was_answered_arms_nothing():
    watch = Watch()
    watch.answered(watch.command("arm", "somebody", answerable=True), False, "no")
    passed(watch, 0.5)
    assert violation(armed, watch) is Predicate.ARMED_BY_A_COMMAND


def test_an_estop_that_does_not_arrive_is_found():
    watch = Watch()
    watch.command("estop", "somebody")
    passed(watch, 0.4)
    assert violation(passed, watch, 0.2) is Predicate.ESTOP_ARRIVES


def test_an_estop_that_is_not_lifted_by_a_person_is_found():
    watch = Watch()
    watch.command("estop", "somebody")
    watch.hand(State.ESTOP, Reason.HOST_ESTOP)
    passed(watch, 1.0)
    watch.hand(State.DISARMED, Reason.POWER_ON)
    watch.command("arm", "somebody")
    assert violation(armed, watch) is Predicate.ESTOP_STAYS
    watch.answered(watch.command("lift", "somebody", answerable=True), True, "lifted")
    watch.command("arm", "somebody")
    armed(watch)


def test_of_two_lifts_at_once_one_that_is_granted_is_enough():
    watch = Watch()
    watch.command("estop", "somebody")
    first, second = (watch.command("lift", "somebody", answerable=True) for _ in range(2))
    watch.answered(second, False, "refused")
    watch.answered(first, True, "lifted")
    passed(watch, 10.0)
    refused = watch.command("lift", "somebody", answerable=True)
    watch.command("estop", "somebody")
    watch.answered(refused, False, "refused")
    assert violation(passed, watch, 10.0) is Predicate.ESTOP_ARRIVES


def test_a_request_without_an_answer_and_an_untrue_answer_are_found():
    watch = Watch()
    watch.hand(State.ARMED, Reason.SETPOINTS_RESUMED)
    command = watch.command("disarm", "somebody", answerable=True)
    assert violation(watch.answered, command, True, "The hand is disarmed.") is Predicate.ANSWERS_ARE_TRUE
    watch.command("disarm", "somebody", answerable=True)
    assert violation(passed, watch, LAUNCH_S) is Predicate.COMMANDS_ARE_ANSWERED


def nothing(*_args, **_more):
    return None


def test_pulses_without_a_reason_are_found(story, monkeypatch):
    monkeypatch.setattr(Safety, "tick", nothing)
    assert violation(story, (3, stop_daemon(30)), seconds=40) is Predicate.NO_PULSE_WITHOUT_SETPOINT


def test_an_old_setpoint_is_found(story, monkeypatch):
    monkeypatch.setattr(Safety, "_stale", lambda *_: False)
    late = LineFaults(stall_ms=500, stall_every_s=0.65)
    assert violation(story, (2, lambda scene: scene.world.down.damage(late)), seconds=20) is Predicate.NO_OLD_SETPOINT


def test_a_setpoint_from_a_bad_electrode_is_found(story, monkeypatch):
    monkeypatch.setattr(ContactCheck, "push", nothing)
    assert violation(story, (2, bad("flat", 5)), seconds=20) is Predicate.NO_BAD_ELECTRODE


def test_a_jump_is_found(story, monkeypatch):
    def jump(safety, target, *_):
        safety.applied = list(target)

    monkeypatch.setattr(Safety, "_move", jump)
    assert violation(story, seconds=30) is Predicate.WITHIN_THE_SLEW


def test_a_swap_under_a_moving_hand_is_found(story, monkeypatch):
    monkeypatch.setattr(Connection, "may_be_moving", property(lambda _: False))
    assert violation(story, (2, swapped), seconds=20) is Predicate.NO_SWAP_IN_MOTION


def swapped(scene):
    Caller(scene.port, scene.watch, scene.callers).ask("model", path=str(scene.models["other"]))


def test_a_daemon_that_dies_is_found(story, monkeypatch):
    monkeypatch.setattr(Permission, "attend", lambda *_: 1 / 0)
    assert violation(story, seconds=5) is Predicate.THE_DAEMON_LIVES


def test_a_daemon_that_sends_no_estop_is_found(story, monkeypatch):
    monkeypatch.setattr(Session, "request_estop", nothing)
    assert violation(story, (2, ask("estop")), seconds=5) is Predicate.ESTOP_ARRIVES
