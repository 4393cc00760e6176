"""The pages of doc/doors say what happens: their commands are run, what they print is compared.

In a page

    ```properties   is in the file of the daemon that its first line names (# elves-openapi.properties)
    ```console      is run: a line that begins with "$ ", and those after it that begin with "> ". What
                    follows is what it prints; "..." is anything there, and alone in a line any lines.

The lines of a page run one after the other in one shell, so variables stay. Beside it everything runs:
scheduler, an agent with the apps of examples/apps, cron, queue and openapi. Each has its files, ports
and addresses of its own; what the page says (ports at 127.0.0.1, the agent 10.0.0.7, files below
/etc/elves and /var/log/elves) is replaced by them, and in what is printed put back.
"""

import glob
import os
import re
import shutil
import subprocess

import pytest

from services import Group

from support.cron import CronStage
from support.openapi import Openapi
from support.ports import free_port
from support.process import binary, clean_environment
from support.wait import FACTOR

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PAGES = sorted(glob.glob(os.path.join(TOP, "doc/doors/*.md")))
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.M | re.S)
PORT = re.compile(r"127\.0\.0\.1:(\d+)")
SETTING = re.compile(r"^([\w.]+)\s*=\s*(.*?)\s*$", re.M)
AGENT = "10.0.0.7"


class Page:
    def __init__(self, path, folder):
        with open(path) as file:
            self.text = file.read()
        self.blocks = BLOCK.findall(self.text)
        self.ports = {port: str(free_port()) for port in {"9091", *PORT.findall(self.text)}}
        self.changes = {rf"(?<![\d.]){port}(?!\d)": mine for port, mine in self.ports.items()}
        self.changes["/var/log/elves"] = str(folder)
        self.back = {mine: port for port, mine in self.ports.items()}

    def replace(self, name, mine):
        self.changes[rf"(?<!\d){re.escape(name)}(?!\d)"] = mine
        self.back[mine] = name

    def settings(self, component):
        """Of one daemon, with the ports that it gets here."""
        found = {}
        for kind, text in self.blocks:
            if kind == "properties" and text.startswith(f"# {component}.properties\n"):
                found.update(SETTING.findall(text))
        return {key: self.enter(value) for key, value in found.items()}

    def enter(self, text):
        """With what stands for something here instead."""
        for pattern, mine in self.changes.items():
            text = re.sub(pattern, mine, text)
        return text

    def leave(self, text):
        for mine, name in self.back.items():
            text = re.sub(rf"(?<!\d){re.escape(mine)}(?!\d)", name, text)
        return text

    def commands(self):
        """[(command, what it prints)]"""
        found = []
        for line in (line for kind, text in self.blocks if kind == "console" for line in text.splitlines()):
            if line.startswith("$ "):
                found.append([line[2:], []])
            elif line.startswith("> ") and not found[-1][1]:
                found[-1][0] += "\n" + line[2:]
            else:
                found[-1][1].append(line)
        return [(command, "\n".join(lines)) for command, lines in found]


def start_all(page, stage):
    scheduler = stage.scheduler(page.settings("elves-scheduler"))
    shutil.copytree(os.path.join(TOP, "examples/apps"), stage.folder / "agent/apps")
    agent = stage.agent(page.settings("elves-agent"))
    stage.queue_daemon(f"sqlite:{stage.folder}/queue.db", page.settings("elves-queue"))
    stage.cron(page.settings("elves-cron"))
    settings = {"server.port": page.ports["9091"], "auth.id": "", "auth.key": ""}
    openapi = Openapi(stage, {**settings, **page.settings("elves-openapi")})
    stage.wait_registered(agent)
    page.replace(AGENT, agent.ip)
    for daemon in (scheduler, openapi.daemon):
        page.replace(f"/etc/elves/{daemon.name}.properties", str(daemon.config))


def run(page, commands, folder):
    """What each printed, and its exit status; in one shell."""
    folder.mkdir()
    os.symlink(os.path.join(TOP, "examples"), folder / "examples")
    script = folder.parent / "script"
    steps = [f"{page.enter(command)}\nprintf '\\n@@ %d %d @@\\n' {n} $?\n" for n, (command, _) in enumerate(commands)]
    script.write_text("".join(steps))
    path = os.path.dirname(binary("elvesctl")) + ":" + os.environ["PATH"]
    with open(folder.parent / "printed", "wb") as printed:
        shell = Group(["bash", str(script)], stdin=subprocess.DEVNULL, stdout=printed, stderr=printed,
                      cwd=folder, env=clean_environment({"PATH": path, "LC_ALL": "C.UTF-8"}))
        try:
            shell.wait(60 * FACTOR)
        except subprocess.TimeoutExpired:
            printed.write(b"and did not end")
        finally:
            shell.kill()
    text = page.leave((folder.parent / "printed").read_text(errors="replace"))
    parts = re.split(r"\n@@ (\d+) (\d+) @@\n", text)
    return [(parts[at], int(parts[at + 2])) for at in range(0, len(parts) - 2, 3)], parts[-1]


def pattern_of(expected):
    lines = [re.escape(line).replace(r"\.\.\.", ".*") for line in expected.split("\n")]
    text = "\n".join(lines) + "\n"
    text = re.sub(r"^\.\*\n", r"(?:.*\n)*", text, flags=re.M)
    return re.compile(text)


@pytest.fixture
def doc_stage(services, tmp_path):
    stage = CronStage(services, tmp_path)
    yield stage
    stage.close()


@pytest.mark.parametrize("path", PAGES, ids=[os.path.basename(path)[:-3] for path in PAGES])
def test_page(path, doc_stage, tmp_path):
    page = Page(path, doc_stage.folder)
    commands = page.commands()
    assert commands, "a page without anything to try"
    start_all(page, doc_stage)
    results, rest = run(page, commands, tmp_path / "shell")
    for (command, expected), (printed, status) in zip(commands, results):
        assert status == 0, f"$ {command}\nended with {status} and printed\n{printed}"
        assert pattern_of(expected).fullmatch(printed.rstrip("\n") + "\n"), (
            f"$ {command}\nprinted\n{printed}\nand not\n{expected}"
        )
    if len(results) < len(commands):
        pytest.fail(f"the shell ended at $ {commands[len(results)][0]}\n{rest[-2000:]}")


@pytest.mark.parametrize(
    "expected, printed, same",
    [
        ("a ... c", "a b c", True),
        ("a ... c", "a b d", False),
        ("a\n...\nd", "a\nb\nc\nd", True),
        ("a\n...\nd", "a\nd", True),
        ("a\n...\nd", "a\nb\nc", False),
        ("{.}", "{x}", False),
        ("", "", True),
        ("", "x", False),
    ],
)
def test_what_is_the_same(expected, printed, same):
    assert bool(pattern_of(expected).fullmatch(printed + "\n")) == same


def test_every_page_is_linked():
    with open(os.path.join(TOP, "README.md")) as readme:
        text = readme.read()
    missing = [path for path in PAGES if f"(doc/doors/{os.path.basename(path)})" not in text]
    assert PAGES and not missing
