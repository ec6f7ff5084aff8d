"""redis-server with 200 clients, all under INCR."""
import subprocess
import common

port = common.free_port()
server = subprocess.Popen(['redis-server', '--port', str(port), '--bind', '127.0.0.1', '--save', ''],
                          stdout=subprocess.DEVNULL)
clients = [common.connect(port) for _ in range(200)]
files = [c.makefile('rb') for c in clients]
expected = 0
for _ in range(700):
    for c in clients:
        c.sendall(b'INCR n\r\n')
    seen = sorted(int(f.readline()[1:]) for f in files)
    assert seen == list(range(expected + 1, expected + 201)), seen
    expected += 200
clients[0].sendall(b'SHUTDOWN NOSAVE\r\n')
print('counted', expected, 'server', server.wait())
