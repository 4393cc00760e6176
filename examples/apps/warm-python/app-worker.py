"""An app whose Python stays alive, because appcfg.json says so. elves_worker.py is beside it.

    elvesctl exec 127.0.0.1 warm-python greet Ada
    elvesctl exec 127.0.0.1 warm-python count

Without appcfg.json it works as well: then each call starts it anew, and count always says 1.
"""

import elves_worker

calls = 0


def greet(parameter):
    return "Hello, %s!" % (parameter or "world")


def count(parameter):
    global calls
    calls += 1
    return "%d calls in this worker" % calls


elves_worker.run({"greet": greet, "count": count})
