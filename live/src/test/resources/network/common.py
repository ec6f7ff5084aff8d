"""What the drivers share: a free port on loopback, and a connection to it once somebody listens."""
import socket
import time


def free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


def connect(port, tries=1200):
    for _ in range(tries):
        try:
            return socket.create_connection(('127.0.0.1', port))
        except OSError:
            time.sleep(0.05)
    raise SystemExit('nobody listens')


def keep_alive(port, count, path, check):
    """`count` requests over one connection; each answer is checked."""
    import http.client
    connect(port).close()
    client = http.client.HTTPConnection('127.0.0.1', port)
    for i in range(count):
        client.request('GET', path % i)
        answer = client.getresponse()
        body = answer.read()
        check(i, answer.status, body)
    client.close()
