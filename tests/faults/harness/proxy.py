"""A TCP proxy between two daemons, whose wire can be cut, stalled in one direction, and slowed.

All proxies of a run live on one thread with an asyncio loop; their methods may be called from any
other.  "there" is from the side that connects, "back" the other direction.
"""

import asyncio
import contextlib
import socket
import struct
import threading

RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close by a reset


class Loop:
    """The thread of the proxies."""

    def __init__(self):
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True, name="proxies")
        self._thread.start()

    def call(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)

    def close(self):
        self.call(self._cancel_all())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    @staticmethod
    async def _cancel_all():
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)


class Proxy:
    def __init__(self, loop, listen, target):
        """listen, target: (host, port)"""
        self._loop, self._listen, self._target = loop, listen, target
        self._server = None
        self._writers = set()
        self._delay = 0.0
        self._flows = {}
        loop.call(self._make_flows())
        self.open()

    async def _make_flows(self):
        for direction in ("there", "back"):
            self._flows[direction] = asyncio.Event()
            self._flows[direction].set()

    # What can be done to the wire.

    def open(self):
        self._loop.call(self._start())

    def close(self):
        """New connections are refused, those that exist stay."""
        self._loop.call(self._stop())

    def cut(self):
        """All connections are reset, new ones are refused, until open()."""
        self._loop.call(self._cut())

    def reset(self):
        """All connections are reset; new ones are taken."""
        self._loop.call(self._reset())

    def stall(self, direction):
        """Nothing arrives in this direction any more, as when its packets are lost."""
        self._loop.call(self._set_flow(direction, False))

    def flow(self, direction):
        """What was held back arrives now."""
        self._loop.call(self._set_flow(direction, True))

    def delay(self, seconds):
        """From now on everything takes so long in each direction."""
        self._delay = seconds

    # On the loop.

    async def _start(self):
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, *self._listen, reuse_address=True)

    async def _stop(self):
        if self._server is not None:
            self._server.close()
            self._server = None

    async def _cut(self):
        await self._stop()
        await self._reset()

    async def _reset(self):
        for writer in list(self._writers):
            with contextlib.suppress(OSError):
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            writer.transport.abort()

    async def _set_flow(self, direction, flows):
        (self._flows[direction].set if flows else self._flows[direction].clear)()

    async def _serve(self, reader, writer):
        self._writers.add(writer)
        other = None
        try:
            far_reader, other = await asyncio.open_connection(*self._target)
            self._writers.add(other)
            for one in (writer, other):
                one.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            there = asyncio.ensure_future(self._pump(reader, other, "there"))
            back = asyncio.ensure_future(self._pump(far_reader, writer, "back"))
            await asyncio.wait((there, back), return_when=asyncio.FIRST_COMPLETED)
            for task in (there, back):
                task.cancel()
        except OSError:
            pass
        finally:
            for one in (writer, other):
                if one is not None:
                    self._writers.discard(one)
                    one.close()

    async def _pump(self, reader, writer, direction):
        with contextlib.suppress(OSError):
            while True:
                data = await reader.read(65536)
                if not data:
                    return
                if self._delay:
                    await asyncio.sleep(self._delay)
                await self._flows[direction].wait()
                writer.write(data)
                await writer.drain()
