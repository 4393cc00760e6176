"""An app in Python. Each function below can be called by its name:

    elvesctl exec 127.0.0.1 hello-python greet '{"name": "Ada"}'
    elvesctl exec 127.0.0.1 hello-python add '[1, 2, 3]'

Elves starts: app-worker.py APP FUNCTION BASE64-OF-THE-PARAMETER, and reads the flag (did it work?)
and the result from what is printed. Everything else that is printed is ignored.
"""

import base64
import json
import sys


def greet(parameter):
    return "Hello, %s!" % parameter.get("name", "world")


def add(parameter):
    return str(sum(parameter))


FUNCTIONS = {"greet": greet, "add": add}


def main():
    _, app, name, encoded = sys.argv
    try:
        parameter = json.loads(base64.b64decode(encoded) or "{}")
        flag, result = "true", FUNCTIONS[name](parameter)
    except KeyError:
        flag, result = "false", "%s has no function %s, but: %s" % (app, name, ", ".join(FUNCTIONS))
    except Exception as error:
        flag, result = "false", "%s: %s" % (type(error).__name__, error)
    print("<ElvesWFlag>%s</ElvesWFlag> <ElvesWResult>%s</ElvesWResult>" % (flag, result))


main()
