# A redis server with its log on, and a client that checks every answer.
import os, socket, subprocess, sys, time, zlib

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import contract


def start():
    server = subprocess.Popen(["redis-server", "--port", "0", "--unixsocket", "redis.sock", "--appendonly", "yes",
                               "--save", "", "--enable-debug-command", "no"], stdout=subprocess.DEVNULL)
    client = socket.socket(socket.AF_UNIX)
    for _ in range(600):
        try:
            client.connect("redis.sock")
            break
        except OSError:
            time.sleep(0.05)
    return server, client, client.makefile("rb")


def ask(state, *words):
    _, client, answers = state
    client.sendall(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words))
    line = answers.readline()
    assert line[:1] in b":$+", line
    if line[:1] != b"$":
        return line[1:-2]
    length = int(line[1:])
    return answers.read(length + 2)[:-2] if length >= 0 else None


def value(number):
    return b"%08x" % zlib.crc32(b"%d" % number) * 20


def work(state, rounds):
    for i in range(50):
        number = rounds * 50 + i + 1
        assert int(ask(state, b"INCR", b"count")) == number, number
        assert ask(state, b"SET", b"k%d" % (number % 5000), value(number)) == b"OK"
        older = number - number * 7 % 5000
        if older > 0:
            assert ask(state, b"GET", b"k%d" % (older % 5000)) == value(older), older


def stop(state):
    state[1].sendall(b"SHUTDOWN NOSAVE\r\n")
    assert state[0].wait() == 0


contract.run(start, work, stop)
