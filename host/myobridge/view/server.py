"""The live view: passes what the daemon sees to the viewers, and the viewers' orders to the daemon."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable, Coroutine
from contextlib import closing, suppress
from typing import Final, Literal

import msgspec
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed
from websockets.frames import CloseCode

from myobridge.daemon.permission.estop_memory import EstopMemory
from myobridge.errors import UserError
from myobridge.feed import feed_path
from myobridge.feed.messages import Command, Morning
from myobridge.feed.prompts import LIFE_S, NO_PROMPT, Prompt, PromptInbox, inbox_path
from myobridge.model.file import ModelSpec
from myobridge.settings import Settings
from myobridge.view import page
from myobridge.view.access import WILDCARDS, Access, make_token, page_urls
from myobridge.view.asides import Asides
from myobridge.view.door import UNPAIRED, Door
from myobridge.view.keeper import Keeper
from myobridge.view.orders import TAKEN, Orders
from myobridge.view.pace import EVERY_S, LIGHT_S, Pace
from myobridge.view.page import encode
from myobridge.view.phones import Phones
from myobridge.view.scope import Scope
from myobridge.view.site import Site, site_files
from myobridge.view.viewer import ORDER_BYTES, Said, Viewer, understand, understand_demo, wants_little
from myobridge.view.watch import Follower, Watch

MAX_VIEWERS: Final = 16
MAX_CONTROLLERS: Final = 32
"""With control, viewers beyond MAX_VIEWERS may order and see the state, but get no EMG."""
Pressed = Callable[[page.Press], page.Faults]
STANDING: Final = (page.Link, page.Units, page.Faults, page.Filtered, page.Scope, Prompt)
"""Messages that viewers who join late need."""
FILES: Final = site_files("index.html", "wear.html", "trial.html")
ANYBODY: Final = ("estop", "disarm")
"""Orders for which a page needs no control: they make the hand safer."""
OFF: Final = "Control is off in this view, so nothing was sent."


class Server:
    """Serves the view of the daemon on a serial port.

    settings: for the gain of the amplifiers, and for a board without a daemon.
    press: the demo's faults; it makes a fault begin or end, and gives the faults of now. None: there are no faults.
    channels: of a board without a daemon; None: a daemon runs on the port.
    phones: whom the view lets in from other computers; None: the address alone decides who can connect.
    """

    def __init__(
        self,
        port: str,
        access: Access,
        *,
        control: bool,
        settings: Settings,
        press: Pressed | None = None,
        channels: ModelSpec | None = None,
        phones: Phones | None = None,
    ) -> None:
        self._port = port
        self._door = Door(phones)
        self._is_scope = channels is not None
        self._press = press
        self._site = Site(access, FILES)
        self._control = control
        self._viewers: set[Viewer] = set()
        self._standing: dict[type[msgspec.Struct], str] = {}
        """The state that is replayed to viewers who join late: the newest message of each kind."""
        self._watch: Follower
        if channels is None:
            self._watch = Watch(port, self.publish, settings.amplifier)
        else:
            self._watch = Scope(port, channels, settings, self.publish)
        self._take_down: asyncio.TimerHandle | None = None
        self._pace, self._light_pace = Pace(EVERY_S), Pace(LIGHT_S)
        self._asides = Asides(port)
        self._keeper = Keeper(
            self._viewers,
            lambda: self._orders.pass_on(page.Order("disarm")),
            self._tell,
            lambda: self._start(self._orders.renew()),
        )
        self._jobs = set[asyncio.Task[None]]()

    async def run(self, address: str, view_port: int, opened: Callable[[str, int], None]) -> None:
        """Serves until SIGINT or SIGTERM; `opened` gets address and port, which is a free port if `view_port` is 0.

        Raises:
            UserError: the port is in use, or the address does not belong to this computer.
        """
        self._loop = asyncio.get_running_loop()
        self._orders = Orders(self._port, EstopMemory(self._port), self._tell, self._keeper.control)
        self._stopping, self._moved = asyncio.Event(), asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            self._loop.add_signal_handler(number, self._stopping.set)
        tasks = [asyncio.create_task(job) for job in (self._door.watch(self._phones_changed), self._keeper.run())]
        with closing(PromptInbox(inbox_path(feed_path(self._port)))) as inbox:
            try:
                while not self._stopping.is_set():
                    self._moved.clear()
                    self._serves_phones = self._door.is_open
                    where = WILDCARDS[0] if self._serves_phones else address
                    async with self._site.serve(where, view_port, ORDER_BYTES, self._attend) as server:
                        bound, view_port = next(iter(server.sockets)).getsockname()[:2]
                        opened(bound, view_port)
                        if not self._watch.is_alive():
                            self._watch.shows_emg = False
                            self._loop.add_reader(inbox.fileno(), self._prompted, inbox)
                            self._watch.start()
                            tasks.append(asyncio.create_task(self._orders.run()))
                        await self._until_over()
            finally:
                for task in tasks:
                    task.cancel()
                self._loop.remove_reader(inbox.fileno())
                if self._watch.is_alive():
                    await asyncio.to_thread(self._watch.stop)

    async def _until_over(self) -> None:
        """Waits for the end, or for the first phone or the last one, after which the view serves another address."""
        waits = [asyncio.create_task(event.wait()) for event in (self._stopping, self._moved)]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
        if self._stopping.is_set():
            await self._keeper.end()

    def _phones_changed(self) -> None:
        """Ends the connections of revoked phones; without any phone, the view returns to its own address."""
        if self._serves_phones != self._door.is_open:
            self._moved.set()
        for viewer in self._viewers:
            if viewer.guest.phone is not None and viewer.guest.phone not in self._door.paired:
                self._start(viewer.close(UNPAIRED))

    def _start(self, job: Coroutine[None, None, None]) -> None:
        """Does a job beside everything else."""
        task = asyncio.create_task(job)
        self._jobs.add(task)
        task.add_done_callback(self._jobs.discard)

    def stop(self) -> None:
        """Ends `run`; may be called from another thread."""
        self._loop.call_soon_threadsafe(self._stopping.set)

    def publish(self, message: page.Message) -> None:
        """Sends a message to all viewers; called from other threads while `run` serves."""
        full = light = True
        if isinstance(message, page.Look):
            full, light = self._pace.is_due(message.snapshot), self._light_pace.is_due(message.snapshot)
        if full or light:
            self._loop.call_soon_threadsafe(self._spread, type(message), encode(message), full, light)

    async def _attend(self, connection: ServerConnection) -> None:
        """Serves a viewer, from its first message to its last."""
        guest = None
        with suppress(ConnectionClosed):
            guest = await self._door.admit(connection)
        self._site.let_in(connection)
        if guest is None:
            return
        if guest.phone is not None and guest.phone not in self._door.paired:  # shut out since it has proved itself
            await connection.close(CloseCode.POLICY_VIOLATION, UNPAIRED)
            return
        if len(self._viewers) >= (MAX_CONTROLLERS if self._control else MAX_VIEWERS):
            await connection.close(CloseCode.TRY_AGAIN_LATER, "too many viewers")
            return
        sees_emg = sum(viewer.sees_emg for viewer in self._viewers) < MAX_VIEWERS
        viewer = Viewer(connection, guest, sees_emg=sees_emg, is_light=wants_little(connection))
        viewer.put(
            encode(page.Hello(port=self._port, control=self._control, emg=viewer.sees_emg, scope=self._is_scope))
        )
        for text in self._standing.values():
            viewer.put(text)
        if self._control:
            viewer.put(encode(self._keeper.holder(viewer)))
        self._viewers.add(viewer)
        self._watch.shows_emg = any(viewer.sees_emg for viewer in self._viewers)
        sending = asyncio.create_task(viewer.send())
        try:
            async with asyncio.TaskGroup() as orders:
                try:
                    await viewer.listen(
                        lambda said: orders.create_task(self._order(viewer, said)),
                        control=self._control,
                        understand=understand if self._press is None else understand_demo,
                    )
                finally:  # at once: the answers that are due may take a minute
                    self._viewers.discard(viewer)
                    self._watch.shows_emg = any(viewer.sees_emg for viewer in self._viewers)
                    self._keeper.left(viewer)
        finally:
            sending.cancel()

    async def _order(self, viewer: Viewer, order: Said) -> None:
        """Does what a page asks, beside other orders; all viewers get the answers, because they share one hand."""
        match order:
            case page.Press():
                assert self._press is not None  # `understand` refuses a fault
                self._spread(page.Faults, encode(self._press(order)))
            case page.Choice():
                self._watch.filter = order.filter
                self._spread(page.Filtered, encode(page.Filtered(filter=order.filter)))
            case page.Ask() if order.want in viewer.wants:
                pass  # the answer is on its way
            case page.Ask():
                viewer.wants.add(order.want)
                await self._asides.answer(order.want, lambda message: viewer.put(encode(message)))
                viewer.wants.discard(order.want)
            case _ if not self._control:
                viewer.put(encode(page.Answer(do=_name(order), ok=False, text=OFF)))
            case page.Wish():
                self._keeper.wish(viewer, order)
            case page.Order() if order.do in ANYBODY or self._keeper.may_order(viewer):
                self._tell(await self._orders.pass_on(order))
            case page.Use() if self._keeper.may_order(viewer):
                self._tell(await self._use(order.use, time.monotonic()))
            case _:
                holder = self._keeper.holder(viewer).name
                text = f"{holder[0].upper()}{holder[1:]} has control; take control first."
                viewer.put(encode(page.Answer(do=_name(order), ok=False, text=text)))

    async def _use(self, key: str, asked_s: float) -> page.Answer:
        try:
            control = self._keeper.control()
            path, put_back = await asyncio.to_thread(self._asides.prepared, key)  # the disk may take long
            if control == self._keeper.control():
                answer = await self._orders.use_model(path, asked_s)
            else:
                answer = page.Answer(do="model", ok=False, text=TAKEN)
            if not answer.ok:  # the daemon goes on with the model before, and so must the next start
                await asyncio.to_thread(put_back)
        except (UserError, OSError) as error:
            return page.Answer(do="model", ok=False, text=str(error))
        return answer

    def _tell(self, answer: page.Answer) -> None:
        self._spread(page.Answer, encode(answer))

    def _spread(self, kind: type[msgspec.Struct], text: str, full: bool = True, light: bool = True) -> None:
        """Sends a message to the full and to the light pages."""
        if kind in STANDING:
            self._standing[kind] = text
        for viewer in self._viewers:
            if (viewer.sees_emg or kind not in (page.Emg, page.Lines)) and (light if viewer.is_light else full):
                viewer.put(text)

    def _prompted(self, inbox: PromptInbox) -> None:
        prompt = inbox.newest()
        if prompt is None:
            return
        self._spread(Prompt, encode(prompt))
        if self._take_down is not None:
            self._take_down.cancel()
        self._take_down = self._loop.call_later(LIFE_S, self._spread, Prompt, encode(NO_PROMPT))


def _name(order: page.Order | page.Wish | page.Use) -> Literal[Command, Morning, "model", "control"]:
    if isinstance(order, page.Order):
        return order.do
    return "model" if isinstance(order, page.Use) else "control"


def serve_view(
    port: str,
    address: str,
    view_port: int,
    *,
    control: bool,
    say: Callable[[str], None],
    settings: Settings,
    channels: ModelSpec | None = None,
    phones: Phones | None = None,
) -> None:
    """Serves the view of the daemon on `port`, or of `channels` of a board without one, until SIGINT or SIGTERM.

    With `phones`, the view serves other computers as soon as, and as long as, a phone is paired.

    Raises:
        UserError: the view cannot listen on that address and port.
    """
    access = Access(make_token(address), phones=phones is not None)

    def opened(actual_address: str, actual_port: int) -> None:
        asked = actual_address if phones is not None else address
        urls = " or ".join(page_urls(asked, actual_address, actual_port, access.token))
        say(f"View: {urls} (control is {'on' if control else 'off'})")

    server = Server(port, access, control=control, settings=settings, channels=channels, phones=phones)
    asyncio.run(server.run(address, view_port, opened))
