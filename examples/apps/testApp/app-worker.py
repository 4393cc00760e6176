"""The app of the first example messages: testApp, with the one function "test".

Elves calls it as: app-worker.py testApp test BASE64-OF-THE-PARAMETER
"""

import base64
import os
import socket
import sys

_, app, function, encoded = sys.argv
parameter = base64.b64decode(encoded).decode()

if function == "test":
    flag = "true"
    result = "%s.%s ran on %s as process %d, parameter: %s" % (
        app, function, socket.gethostname(), os.getpid(), parameter or "(empty)")
else:
    flag = "false"
    result = "no such function: " + function

print("<ElvesWFlag>%s</ElvesWFlag> <ElvesWResult>%s</ElvesWResult>" % (flag, result))
