# A redis server under full load: sixteen connections, half of them over TCP, count together and each for itself, many
# requests in flight at any time. Every number comes once and in its turn. With the word `log` it keeps an append-only
# file, which is rewritten every few seconds; at the end a server that knows nothing else has counted as far.
import os, socket, subprocess, sys, time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "endless"))
import contract

CONNECTIONS, BATCH = 16, 24
MOST_SAID = 400 * BATCH
LOGS = "log" in sys.argv


def serve():
    probe = socket.socket()
    probe.bind(("127.0.0.1", 0))
    port = probe.getsockname()[1]
    probe.close()
    server = subprocess.Popen(["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--unixsocket", "redis.sock",
                               "--save", "", "--appendonly", "yes" if LOGS else "no", "--auto-aof-rewrite-min-size",
                               "8mb", "--auto-aof-rewrite-percentage", "50"], stdout=subprocess.DEVNULL)
    return server, port


def connect(family, address):
    for _ in range(600):
        connection = socket.socket(family)
        try:
            connection.connect(address)
            return connection, connection.makefile("rb")
        except OSError:
            connection.close()
            time.sleep(0.05)
    raise OSError("no server at %s" % (address,))


def start():
    server, port = serve()
    connections = [connect(socket.AF_INET, ("127.0.0.1", port)) if i % 2 else connect(socket.AF_UNIX, "redis.sock")
                   for i in range(CONNECTIONS)]
    return server, connections


def requests(own):
    return (b"INCR all\r\nINCR own:%d\r\nAPPEND said:%d .\r\n" % (own, own)) * BATCH


def work(state, rounds):
    _, connections = state
    for own, (connection, _) in enumerate(connections):
        connection.sendall(requests(own))
    together = []
    for own, (_, answers) in enumerate(connections):
        for i in range(rounds * BATCH + 1, (rounds + 1) * BATCH + 1):
            together.append(number(answers))
            found = number(answers), number(answers)
            assert found == (i, i % MOST_SAID or MOST_SAID), "connection %d, operation %d: %s" % (own, i, found)
            if i % MOST_SAID == 0:
                connections[own][0].sendall(b"DEL said:%d\r\n" % own)
                assert number(answers) == 1
    first = rounds * BATCH * CONNECTIONS
    assert sorted(together) == list(range(first + 1, first + BATCH * CONNECTIONS + 1)), "operations after %d" % first


def number(answers):
    line = answers.readline()
    assert line[:1] == b":", line
    return int(line[1:])


def ask(connection, words):
    connection[0].sendall(words + b"\r\n")
    connection[1].readline()
    return int(connection[1].readline())


def stop(state):
    server, connections = state
    total = ask(connections[0], b"GET all")
    counted = [ask(connections[0], b"GET own:%d" % own) for own in range(CONNECTIONS)]
    assert total == sum(counted), (total, counted)
    connections[0][0].sendall(b"SHUTDOWN NOSAVE\r\n")
    assert server.wait() == 0
    if LOGS:
        again, port = serve()
        reader = connect(socket.AF_INET, ("127.0.0.1", port))
        for _ in range(600):
            reader[0].sendall(b"PING\r\n")
            if reader[1].readline() == b"+PONG\r\n":
                break
            time.sleep(0.05)
        replayed = ask(reader, b"GET all")
        assert replayed == total, "the log says %d, the server said %d" % (replayed, total)
        reader[0].sendall(b"SHUTDOWN NOSAVE\r\n")
        assert again.wait() == 0
    print("operations", total * 3)


contract.run(start, work, stop, orphans=False)
