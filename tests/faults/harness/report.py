"""What a run says in the end: a table for people, JSON for programs."""

import json

from .checker import by_fault

COLUMNS = ("faults", "hit", "open", "executions", "results", "unknown", "lost", "doubled", "changed", "contradicted", "invented", "alive", "repeated")
SHOWN = 40  # findings; the JSON has all


def table(history, findings):
    rows = by_fault(history, findings)
    lines = ["%-24s" % "fault" + "".join("%*s" % (max(8, len(c) + 1), c) for c in COLUMNS)]
    for kind in sorted(rows):
        cells = "".join("%*d" % (max(8, len(c) + 1), rows[kind][c]) for c in COLUMNS)
        lines.append("%-24s" % kind + cells)
    return "\n".join(lines)


def text(history, findings, numbers):
    lines = [table(history, findings), ""]
    for finding in findings[:SHOWN]:
        lines.append(f"{finding.promise} {finding.what} [{finding.fault}] {finding.token}: {finding.text}")
    if len(findings) > SHOWN:
        lines.append(f"... and {len(findings) - SHOWN} more")
    names = ("asked", "executions", "results", "repeated", "superseded", "unknown", "lost", "doubled", "changed", "contradicted")
    names += ("invented", "alive", "tasks", "plain", "unanswered", "revised", "faults")
    names += tuple(history.numbers)
    lines.append(", ".join(f"{numbers[name]} {name}" for name in names))
    return "\n".join(lines)


def write_json(path, history, findings, numbers):
    rows = {kind: dict(row) for kind, row in by_fault(history, findings).items()}
    document = dict(numbers, per_fault=rows, found=[vars(finding) for finding in findings])
    with open(path, "w") as file:
        json.dump(document, file, indent=1, default=str)
        file.write("\n")
