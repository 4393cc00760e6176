"""Are the promises about callbacks kept? Compares what elves-cron says of each instant with what the
receiver has written down; knows nothing of processes or sockets.

Each planned callback is delivered at least once, or its record says why not; a second delivery has the
key of the first; none is forgotten.
"""

import collections
import dataclasses

REPEAT_GRACE = 30.0  # s after a fault in which a callback that was taken may come again


@dataclasses.dataclass
class Call:
    """What elves-cron says."""

    key: str
    path: str
    state: str
    flag: str
    error: str


@dataclasses.dataclass
class Delivery:
    """What came."""

    key: str
    path: str
    status: int  # that was answered; 0: nothing was
    at: float


WHY = {"/refuse": "HTTP 404", "/hang": "no answer within"}  # what a failure has to say


def check_calls(calls, deliveries, faults):
    """Findings, as texts."""
    came = collections.defaultdict(list)
    for delivery in deliveries:
        came[delivery.key].append(delivery)
    findings = []
    for call in calls:
        findings += _check_call(call, came[call.key])
        findings += _check_repetitions(call, came[call.key], faults)
    known = {call.key for call in calls}
    findings += [f"a callback to {d.path} came with the key {d.key!r}, which is in no record" for d in deliveries if d.key not in known]
    return findings


def _check_call(call, came):
    taken = any(delivery.status == 200 for delivery in came)
    if call.state == "missed":
        yield f"{call.key} to {call.path} was missed, and must not"
    elif call.state != "ended":
        yield f"{call.key} to {call.path} is {call.state} in the end"
    elif call.flag == "true" and not taken:
        yield f"{call.key} to {call.path} is recorded as taken, and was not"
    elif call.flag != "true" and call.path not in WHY:
        yield f"{call.key} to {call.path} failed, and its target takes what is sent again: {call.error}"
    elif call.flag != "true" and WHY[call.path] not in call.error:
        yield f"{call.key} to {call.path} failed and does not say why: {call.error!r}"


def _check_repetitions(call, came, faults):
    """After it was taken it comes again only when elves-cron could not know."""
    taken = [delivery.at for delivery in came if delivery.status == 200]
    if not taken or came[-1].at <= taken[0]:
        return
    if not any(f.began <= came[-1].at and (not f.ended or f.ended + REPEAT_GRACE >= taken[0]) for f in faults):
        yield f"{call.key} to {call.path} came again after it was taken, undisturbed"
