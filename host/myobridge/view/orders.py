"""Passes the viewers' orders to the daemon. An ESTOP that no daemon confirms is remembered and sent again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from myobridge.daemon.permission.estop_memory import EstopMemory
from myobridge.errors import UserError
from myobridge.feed import NoDaemon, Reply
from myobridge.feed.messages import Command, Morning
from myobridge.view.line import Line, Sent, open_line
from myobridge.view.page import Answer, Order

URGENT: Final = ("estop", "disarm")
"""Sent whichever page has control, and in a form that a daemon of any version understands."""
RETRY_S: Final = 0.25
"""How often the view looks for a daemon, so that a line is open before somebody orders something."""
ANSWER_S: Final = 10.0
MODEL_S: Final = 30.0
"""A model is tried before it is used."""
CONFIRM_S: Final = 1.0
"""After this time an ESTOP counts as not delivered."""
TAKEN: Final = "Another page took control before the daemon got the order, so it was not sent."
SWITCH_OFF: Final = "Switch the servo power off."
REMEMBERED: Final = "The emergency stop is remembered, and this view sends it until a daemon confirms it."
NOT_REMEMBERED: Final = (
    "The emergency stop could not be remembered ({}); this view sends it until a daemon confirms it."
)


class Orders:
    """Keeps a line to the daemon open for orders.

    tell: gets the late confirmation of an ESTOP. control: names this view and the page that has control now.
    """

    def __init__(
        self, port: str, memory: EstopMemory, tell: Callable[[Answer], None], control: Callable[[], tuple[str, str]]
    ) -> None:
        self._port = port
        self._control = control
        self._memory = memory
        self._tell = tell
        self._line: Line | None = None
        self._opening = asyncio.Lock()
        self._owes_stop = False
        self._is_remembered = False

    async def run(self) -> None:
        """Reconnects whenever the daemon has ended, and delivers an unconfirmed ESTOP; runs until it is cancelled."""
        try:
            while True:
                try:
                    await self._open()
                    if self._owes_stop:
                        await self._pay()
                except (NoDaemon, TimeoutError):
                    pass
                except Exception as error:  # after any error the next ESTOP must find a line
                    self._tell(
                        Answer(do="estop", ok=False, text=f"The link to the daemon failed ({error}). {SWITCH_OFF}")
                    )
                await asyncio.sleep(RETRY_S)
        finally:
            if self._line is not None:
                self._line.close()

    async def pass_on(self, order: Order) -> Answer:
        """Passes an order on; always returns an answer."""
        do = order.do
        try:
            return await (self._stop() if do == "estop" else self._order(do, order.seen_s))
        except Exception as error:
            return Answer(do=do, ok=False, text=f"{do.upper()} failed ({error}). {SWITCH_OFF}")

    async def use_model(self, path: str, asked_s: float) -> Answer:
        """Changes the model of the daemon. path: absolute, or the name of a shipped model; always returns an answer."""
        try:
            reply = await self._ask("model", MODEL_S, asked_s, path)
        except TimeoutError:
            return Answer(do="model", ok=False, text=f"The daemon on {self._port} does not answer.")
        except Exception as error:
            return Answer(do="model", ok=False, text=str(error))
        return Answer(do="model", ok=reply.ok, text=reply.text)

    async def renew(self) -> None:
        """Tells the daemon that this view is there, and which page has control."""
        with suppress(Exception):  # the next one follows soon; without a daemon there is nothing to tell
            await self._ask("control", CONFIRM_S)

    async def _order(self, do: Command | Morning, seen_s: float) -> Answer:
        try:
            reply = await self._ask(do, ANSWER_S, seen_s)
        except UserError as refused:
            return Answer(do=do, ok=False, text=str(refused))
        except TimeoutError:
            return Answer(do=do, ok=False, text=f"The daemon on {self._port} does not answer. {SWITCH_OFF}")
        return Answer(do=do, ok=reply.ok, text=reply.text)

    async def _stop(self) -> Answer:
        try:
            reply = await self._ask("estop", CONFIRM_S)
        except (NoDaemon, TimeoutError) as away:
            self._owes_stop = True
            why = "No daemon answers." if isinstance(away, NoDaemon) else "The daemon has not confirmed ESTOP yet."
            remembered = await asyncio.to_thread(self._remember)
            return Answer(do="estop", ok=False, text=f"{why} {SWITCH_OFF} {remembered}")
        self._owes_stop = False
        return Answer(do="estop", ok=reply.ok, text=reply.text)

    def _remember(self) -> str:
        self._is_remembered = False
        try:
            self._memory.remember()
        except (UserError, OSError) as error:
            return NOT_REMEMBERED.format(error)
        self._is_remembered = True
        return REMEMBERED

    async def _pay(self) -> None:
        """Delivers the ESTOP that no daemon has confirmed, unless a person has lifted it meanwhile."""
        if self._is_remembered and not await asyncio.to_thread(lambda: self._memory.said):
            self._owes_stop = False
            return
        reply = await self._ask("estop", ANSWER_S)
        self._owes_stop = False
        self._tell(Answer(do="estop", ok=reply.ok, text=reply.text))

    async def _ask(self, do: Sent, within_s: float, asked_s: float = 0.0, path: str = "") -> Reply:
        """Asks the daemon.

        Raises:
            UserError: no daemon answers, or another page has taken control before the order could be sent.
            TimeoutError: the daemon does not answer in time.
        """
        asked_s = asked_s or time.monotonic()
        control = None if do in URGENT else self._control()
        async with asyncio.timeout(within_s):
            line = await self._open()
            if control is not None and do != "control" and control != self._control():
                raise UserError(TAKEN)
            return await line.ask(do, asked_s, control, path)

    async def _open(self) -> Line:
        if self._line is None or self._line.is_closed:
            async with self._opening:
                if self._line is None or self._line.is_closed:
                    self._line = await open_line(self._port)
        return self._line
