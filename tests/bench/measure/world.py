"""What all cases are given: the build, how long to measure, folders that go away again."""

import contextlib
import tempfile


class World:
    def __init__(self, build, quick):
        self.build, self.quick = build, quick
        self.seconds = 0.3 if quick else 1.2  # of one turn
        self.rounds = 1 if quick else 3

    def start_peer(self, peer_class, report, exits):
        """None when there is none, or it is not here: then that is said."""
        if peer_class is None:
            return None
        missing = "--quick" if self.quick else peer_class.missing(self)
        if missing:
            report.note("%s is not compared: %s" % (peer_class.name, missing))
            return None
        return exits.enter_context(peer_class(self))

    def scaled(self, number):
        return max(number // 50, 20) if self.quick else number

    @contextlib.contextmanager
    def folder(self):
        """A folder and an ExitStack; what was started is stopped before the folder goes."""
        with tempfile.TemporaryDirectory(prefix="elves-bench-") as folder:
            with contextlib.ExitStack() as exits:
                yield folder, exits
