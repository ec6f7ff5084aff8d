# 200 connections of TCP to itself, both ends (with more, the peer runs out of what select(2) can watch); 100 bytes wait in each direction.
import resource, signal, socket  # noqa: E401

COUNT = 200
resource.setrlimit(resource.RLIMIT_NOFILE, (4 * COUNT, 4 * COUNT))
listener = socket.create_server(("127.0.0.1", 0), backlog=128)
pairs = []
for _ in range(COUNT):
    client = socket.create_connection(listener.getsockname())
    server, _ = listener.accept()
    client.sendall(b"a" * 100)
    server.sendall(b"b" * 100)
    pairs.append((client, server))
print("ready", flush=True)
while True:
    signal.pause()
