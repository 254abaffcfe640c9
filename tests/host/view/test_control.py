"""Which page may move the hand, as a timeline of simulated seconds."""

from types import SimpleNamespace

from myobridge.view.control import LOST_S, Control, Seat
from myobridge.view.keeper import Keeper
from myobridge.view.page import Wish


def test_the_first_page_that_orders_takes_control_and_the_second_is_refused():
    control, anna, ben = Control(), Seat("Anna"), Seat("Ben")
    assert control.may_order(anna, 0.0)
    assert not control.may_order(ben, 0.1)
    assert control.holder is anna


def test_a_page_takes_control_from_another_by_an_explicit_press():
    control, anna, ben = Control(), Seat("Anna"), Seat("Ben")
    control.take(anna, 0.0)
    control.take(ben, 1.0)
    assert control.may_order(ben, 1.0)
    assert not control.may_order(anna, 1.0)


def test_control_goes_to_the_page_that_asked_once_the_other_gives_it():
    control, anna, ben = Control(), Seat("Anna"), Seat("Ben")
    control.take(anna, 0.0)
    control.ask(ben)
    assert control.holder is anna
    control.give(anna, 1.0)
    assert control.holder is ben
    assert control.asker is None


def test_control_that_is_given_up_is_free_and_nobody_is_lost_then():
    control, anna = Control(), Seat("Anna")
    control.take(anna, 0.0)
    control.give(anna, 0.5)
    assert control.holder is None
    assert control.lost(100.0) is None


def test_only_the_page_that_has_control_gives_it():
    control, anna, ben = Control(), Seat("Anna"), Seat("Ben")
    control.take(anna, 0.0)
    control.give(ben, 0.0)
    assert control.holder is anna


def test_a_page_is_lost_once_it_was_silent_for_two_seconds():
    control, anna = Control(), Seat("Anna")
    control.take(anna, 0.0)
    control.heard(anna, 1.0)
    assert control.lost(1.0 + LOST_S - 0.01) is None
    assert control.lost(1.0 + LOST_S) is anna
    assert control.holder is None
    assert control.lost(100.0) is None


def test_a_page_that_comes_back_in_time_keeps_control():
    control, before, after = Control(), Seat("Anna", "0a"), Seat("Anna", "0a")
    control.take(before, 0.0)
    control.left(before)
    control.back(after, 1.9)
    assert control.holder is after
    assert control.lost(2.1) is None


def test_neither_another_page_nor_another_phone_comes_back_in_its_place():
    control, anna = Control(), Seat("Anna", "0a")
    control.take(anna, 0.0)
    for other in (Seat("Anna", "0b"), Seat("Ben", "0a"), Seat("Anna")):
        control.back(other, 1.0)
        assert control.holder is anna


def test_a_page_that_left_is_not_given_control():
    control, anna, ben = Control(), Seat("Anna"), Seat("Ben")
    control.take(anna, 0.0)
    control.ask(ben)
    control.left(ben)
    control.give(anna, 1.0)
    assert control.holder is None


def test_a_page_that_got_control_by_an_order_keeps_it_when_it_comes_back():
    keeper = Keeper(set(), disarm=None, tell=None, renew=lambda: None)
    before, after = (SimpleNamespace(seat=Seat("Anna")) for _ in range(2))
    keeper.wish(before, Wish(control="back", page="0a" * 8))  # each connection begins so
    assert keeper.may_order(before)
    keeper.left(before)
    keeper.wish(after, Wish(control="back", page="0a" * 8))
    assert keeper.holder(after).you
