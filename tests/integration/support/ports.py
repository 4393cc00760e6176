"""Free TCP ports and loopback addresses that no other test takes at the same time."""

import itertools
import os

from services import Port

_ports = []


def free_port():
    """A port below the kernel's own range, locked until this process ends."""
    _ports.append(Port())
    return _ports[-1].number


_numbers = itertools.count(os.getpid() * 131)


def loopback_address():
    """Another address of 127.0.0.0/8 each time: one per fake agent, all on one port if need be."""
    number = next(_numbers)
    return "127.%d.%d.%d" % (1 + number // 62500 % 250, 1 + number // 250 % 250, 1 + number % 250)
