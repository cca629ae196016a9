"""Runs a command on a terminal of its own and keeps all that it writes there.

    terminal.py WRITTEN WANTED FILE COMMAND...    makes FILE when WANTED was written; ends with the command's status

Each time that WANTED was written, the next word of $TYPED is typed, or its next line where it has several.
"""
import os
import pty
import select
import signal
import sys

written, wanted, file, command = sys.argv[1], sys.argv[2].encode(), sys.argv[3], sys.argv[4:]
process, terminal = pty.fork()
if process == 0:
    os.execvp(command[0], command)
text = b""
typed = os.environ.get("TYPED", "")
typed = typed.split("\n") if "\n" in typed else typed.split()
answered = 0
while True:
    if not select.select([terminal], [], [], 60)[0]:
        text += b"\n(nothing was written for a minute)\n"
        os.kill(process, signal.SIGKILL)
        break
    try:
        more = os.read(terminal, 65536)
    except OSError: # the other side is closed
        more = b""
    if not more:
        break
    text += more
    if wanted in text and not os.path.exists(file):
        open(file, "w", encoding="utf-8").close()
    if answered < min(len(typed), text.count(wanted)):
        os.write(terminal, typed[answered].encode() + b"\n")
        answered += 1
with open(written, "wb") as out:
    out.write(text)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]))
