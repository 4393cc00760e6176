"""What all cases are given: the build, how long to measure, folders that go away again."""

import contextlib
import tempfile


class World:
    def __init__(self, build, quick):
        self.build, self.quick = build, quick
        self.seconds = 0.3 if quick else 1.5  # of one turn
        self.rounds = 1 if quick else 3

    def scaled(self, number):
        return max(number // 50, 20) if self.quick else number

    @contextlib.contextmanager
    def folder(self):
        """A folder and an ExitStack; what was started is stopped before the folder goes."""
        with tempfile.TemporaryDirectory(prefix="elves-bench-") as folder:
            with contextlib.ExitStack() as exits:
                yield folder, exits
