"""The page of `myobridge servos`: when a person at the page counts as gone."""

import asyncio

import pytest

from myobridge.calibration.servos.keys import Key
from myobridge.calibration.servos.page import PageKeys


class LostPage:
    """A connection whose page says nothing, or nonsense; `close` waits for a goodbye, and notes what was known then."""

    def __init__(self, page, recv):
        self._page, self.recv, self.known = page, recv, None

    async def close(self, _code, _reason):
        self.known = self._page.wishes()


async def silence():
    raise TimeoutError


async def nonsense():
    return "fly"


@pytest.mark.parametrize("recv", [silence, nonsense])
def test_a_page_that_is_left_disarms_the_hand_before_the_goodbye_which_may_take_a_second(recv):
    async def left():
        page = PageKeys("127.0.0.1", 0, print)
        page._changed = asyncio.Event()
        connection = LostPage(page, recv)
        await page._attend(connection)
        return connection.known

    assert asyncio.run(left()) == [Key.DISARM]
