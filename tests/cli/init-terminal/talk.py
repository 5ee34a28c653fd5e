"""talk.py DIR [WORDS ANSWER]... : backout init in DIR on a pseudo-terminal. For each pair: when WORDS have come, ANSWER is typed;
^C and ^D are those keys. Prints what was said and the exit status. Pairs that are not asked for any more are passed over."""
import os
import pty
import select
import sys

directory, script = sys.argv[1], list(zip(sys.argv[2::2], sys.argv[3::2]))
pid, terminal = pty.fork()
if pid == 0:
    os.execvp("backout", ["backout", "-C", directory, "init", "--host-root", "host"])
said, seen, keys = "", 0, {"^C": b"\x03", "^D": b"\x04"}
while True:
    if script and script[0][0] in said[seen:] and said.endswith(" "):
        answer = script.pop(0)[1]
        seen = len(said)
        os.write(terminal, keys.get(answer, answer.encode() + b"\n"))
    if not select.select([terminal], [], [], 30)[0]:
        print("NOTHING MORE WAS SAID")
        os.kill(pid, 9)
        break
    try:
        chunk = os.read(terminal, 4096)
    except OSError:
        break
    if not chunk:
        break
    said += chunk.decode().replace("\r", "")
status = os.waitpid(pid, 0)[1]
print(said.rstrip())
print("->", f"signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else os.WEXITSTATUS(status))
