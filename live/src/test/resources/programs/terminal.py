# Runs a command on a pseudoterminal of its own, types a line and waits for what must come back:
#   terminal.py LINE ANSWER PIDFILE COMMAND...
# Prints "answered", then waits for the command's end. PIDFILE gets the command's pid.
import os, pty, sys, termios

line, answer, file, *command = sys.argv[1:]
pid, master = pty.fork()
if pid == 0:
    os.execvp(command[0], command)
with open(file + '.new', 'w') as out:
    out.write(str(pid))
os.rename(file + '.new', file)
os.write(master, line.encode() + b'\n')
seen = b''
while answer.encode() not in seen:
    seen += os.read(master, 4096)
print('answered', flush=True)
while True:
    try:
        if not os.read(master, 4096):
            break
    except OSError:
        break
os.waitpid(pid, 0)
