"""Write functions, not workers: an app's functions for Elves, in Python 3 without anything else.

    import elves_worker

    def greet(parameter):               # a str
        return "Hello, %s!" % (parameter or "world")

    elves_worker.run({"greet": greet})

Copy this file into the app's folder. The same program works in both ways: started for each call, and,
with {"Worker": {"Warm": true}} in appcfg.json, once for many calls, which saves the start of the
interpreter: elves-worker(7).

A function is given its parameter, a text; one that wants its bytes, the job's id or the time that it
has takes a second argument, the Call. What it returns is the result: a str, bytes, or a pair of flag
and result, (False, "no such disk"). None is an empty text, anything else becomes JSON. An exception
is the flag false, with its type and text as result. What it prints goes to the error output.

With concurrency=8 a warm worker takes up to eight calls at one time, each on a thread of its own.
"""

import base64
import json
import os
import queue
import sys
import threading
import traceback

PROTOCOL = 1


class Call:
    """What a function may want to know beside its parameter."""

    def __init__(self, func, param, id="", type="", execution="", timeout=0):
        self.func, self.param = func, param  # param: bytes
        self.id, self.type, self.execution = id, type, execution
        self.timeout = timeout  # seconds, 0: no limit


def run(functions, concurrency=1, json_parameter=False):
    """Serves calls until there are no more; functions: {"name": function}, or an object with methods.

    json_parameter: the parameter is read as JSON; an empty one is None.
    """
    worker = _Worker(functions, json_parameter)
    if "ELVES_WARM" in os.environ:
        _serve(worker, concurrency)
    else:
        _run_once(worker)


class _Worker:
    def __init__(self, functions, json_parameter):
        self.functions, self.json_parameter = functions, json_parameter

    def find(self, name):
        if isinstance(self.functions, dict):
            return self.functions.get(name)
        return None if name.startswith("_") else getattr(self.functions, name, None)

    def parameter(self, call):
        text = call.param.decode("utf-8", "replace")
        if not self.json_parameter:
            return text
        return json.loads(text) if text else None

    def answer(self, call):
        """(flag, result): a bool, and a str or bytes. Never raises."""
        function = self.find(call.func)
        if not callable(function):
            return False, "there is no function %s" % call.func
        try:
            arguments = (self.parameter(call), call) if _wants_call(function) else (self.parameter(call),)
            return _as_answer(function(*arguments))
        except Exception as error:
            traceback.print_exc()
            return False, "%s: %s" % (type(error).__name__, error)


def _wants_call(function):
    code = getattr(getattr(function, "__func__", function), "__code__", None)
    if code is None:
        return False
    return code.co_argcount - (1 if hasattr(function, "__self__") else 0) >= 2


def _as_answer(value):
    flag = True
    if isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], bool):
        flag, value = value
    if value is None:
        value = ""
    if not isinstance(value, (str, bytes)):
        value = json.dumps(value, ensure_ascii=False)
    return flag, value


# Started for one call: APP FUNCTION BASE64-OF-THE-PARAMETER, and the markers on the output.


def _run_once(worker):
    out = _take_output()
    if len(sys.argv) != 4:
        flag, result = False, "param error"
    else:
        file = os.environ.get("ELVES_PARAM_FILE")
        param = open(file, "rb").read() if file else base64.b64decode(sys.argv[3])
        get = os.environ.get
        call = Call(sys.argv[2], param, get("ELVES_ID", ""), get("ELVES_TYPE", ""),
                    get("ELVES_EXECUTION", ""), int(get("ELVES_TIMEOUT") or 0))
        flag, result = worker.answer(call)
    if isinstance(result, str):
        result = result.encode("utf-8", "replace")
    mark = b"true" if flag else b"false"
    out.write(b"<ElvesWFlag>%s</ElvesWFlag> <ElvesWResult>%s</ElvesWResult>\n" % (mark, result))
    out.close()


# Started once: a line for each call, a line for each answer.


def _take_output():
    """The standard output for us alone; what functions and their programs print goes to the error output."""
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return out


def _take_input():
    lines = os.fdopen(os.dup(0), "rb")
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    return lines


def _serve(worker, concurrency):
    out, lines = _take_output(), _take_input()
    out.write(b'{"elves":%d,"concurrency":%d}\n' % (PROTOCOL, concurrency))
    out.flush()
    if concurrency > 1:
        _serve_with_threads(worker, concurrency, lines, out)
        return
    for line in lines:
        out.write(_answer_line(worker, line))
        out.flush()


def _serve_with_threads(worker, concurrency, lines, out):
    waiting, lock = queue.SimpleQueue(), threading.Lock()

    def work():
        for line in iter(waiting.get, None):
            answer = _answer_line(worker, line)
            with lock:
                out.write(answer)
                out.flush()

    threads = [threading.Thread(target=work) for _ in range(concurrency)]
    for thread in threads:
        thread.start()
    for line in lines:
        waiting.put(line)
    for _ in threads:
        waiting.put(None)
    for thread in threads:
        thread.join()


def _answer_line(worker, line):
    message = json.loads(line)
    call = Call(message["func"], base64.b64decode(message["param"]), message["id"], message["type"],
                message["execution"], message["timeout"])
    flag, result = worker.answer(call)
    answer = {"call": message["call"], "flag": flag}
    if isinstance(result, str) and "\0" not in result:
        answer["result"] = result
    else:
        data = result if isinstance(result, bytes) else result.encode("utf-8", "replace")
        answer["result64"] = base64.b64encode(data).decode()
    return json.dumps(answer, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
