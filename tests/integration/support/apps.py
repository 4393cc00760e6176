"""Writes apps for a real agent: small programs in shell and Python."""

import os
import sys
import textwrap

MARKED = "<ElvesWFlag>{flag}</ElvesWFlag> <ElvesWResult>{result}</ElvesWResult>"


def marked(result, flag="true"):
    """What a worker prints to say so."""
    return MARKED.format(flag=flag, result=result)


def write_program(apps_dir, app, name, text, mode=0o755):
    folder = os.path.join(str(apps_dir), app)
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, name)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o755), "w") as file:
        file.write(text)
    os.chmod(path, mode)
    return path


def shell(apps_dir, app, name, *lines):
    """An executable shell script <apps>/<app>/<name>: $1 app, $2 func, $3 base64 of the parameter."""
    return write_program(apps_dir, app, name, "#!/bin/sh\n" + "\n".join(lines) + "\n")


def python(apps_dir, app, name, text):
    """A Python program started by this interpreter."""
    return write_program(apps_dir, app, name, f"#!{sys.executable} -S\n" + textwrap.dedent(text))


def echo_marked(result="$PARAM", flag="true"):
    """Shell lines that print markers around text."""
    return (
        'PARAM=$(printf %s "$3" | base64 -d)',
        f'printf \'%s\' "<ElvesWFlag>{flag}</ElvesWFlag> <ElvesWResult>{result}</ElvesWResult>"',
    )
