"""Figures: what they are, as a table, as JSON, and beside those of another run."""

import json
import math

KEYS = ("case", "metric", "value", "unit", "vs", "ratio")


class Report:
    def __init__(self):
        self.figures = []
        self.notes = []  # what was left out, and why

    def add(self, case, metric, value, unit, vs="", ratio=None):
        """vs: what it is compared with, measured in the same run; ratio: how it compares."""
        figure = dict(zip(KEYS, (case, metric, value, unit, vs, ratio)))
        check(figure)
        self.figures.append(figure)

    def add_figure(self, figure):
        """One that a program has printed."""
        check(figure)
        self.figures.append({key: figure[key] for key in KEYS})

    def note(self, text):
        self.notes.append(text)
        print("-- " + text, flush=True)

    def write(self, path):
        with open(path, "w") as file:
            file.write("[\n%s\n]\n" % ",\n".join(map(json.dumps, self.figures)))

    def print_table(self, old=None):
        """old: figures of another run, for one more column."""
        before = {identity(figure): figure for figure in old or []}
        print("%-20s %-26s %12s %-6s  %-16s %7s%s"
              % ("case", "metric", "value", "unit", "beside", "ratio", "   change" if old else ""))  # fmt: skip
        case = None
        for figure in self.figures:
            print(row(figure, figure["case"] != case) + change(figure, before.get(identity(figure))))
            case = figure["case"]
        for text in self.notes:
            print("-- " + text)


def check(figure):
    """Raises: ValueError, when it is not a figure."""
    def is_number(value):
        return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)

    if set(figure) != set(KEYS):
        raise ValueError("a figure has the members %s: %r" % (", ".join(KEYS), figure))
    if not all(isinstance(figure[key], str) for key in ("case", "metric", "unit", "vs")):
        raise ValueError("a text is no text: %r" % figure)
    if not is_number(figure["value"]) or not (figure["ratio"] is None or is_number(figure["ratio"])):
        raise ValueError("a number is no number: %r" % figure)
    if bool(figure["vs"]) != (figure["ratio"] is not None):
        raise ValueError("a ratio needs what it is to, and the other way round: %r" % figure)


def identity(figure):
    return figure["case"], figure["metric"], figure["vs"]


def number(value):
    if value == 0 or abs(value) >= 1000:
        return "%.0f" % value
    return "%.4g" % value


def row(figure, first):
    ratio = "" if figure["ratio"] is None else "%.2f" % figure["ratio"]
    return "%-20s %-26s %12s %-6s  %-16s %7s" % (
        figure["case"] if first else "", figure["metric"], number(figure["value"]), figure["unit"],
        figure["vs"], ratio,
    )  # fmt: skip


def change(figure, old):
    """A ratio says more than a value: the machine may have had another day."""
    if old is None:
        return ""
    now, then, what = figure["value"], old["value"], "value"
    if figure["ratio"] is not None and old["ratio"] is not None:
        now, then, what = figure["ratio"], old["ratio"], "ratio"
    return "  %+6.0f %% %s" % (100 * (now / then - 1), what) if then else ""


def read(path):
    with open(path) as file:
        figures = json.load(file)
    for figure in figures:
        check(figure)
    return figures
