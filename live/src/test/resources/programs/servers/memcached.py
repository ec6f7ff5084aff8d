# memcached with threads under a user of its own, and twenty clients that count together: nothing is lost or counted
# twice, and what was stored first is still there.
import os, socket, subprocess, time

with socket.socket() as probe:
    probe.bind(('127.0.0.1', 0))
    port = probe.getsockname()[1]
user = ['-u', 'nobody'] if os.geteuid() == 0 else []
server = subprocess.Popen(['memcached', '-l', '127.0.0.1', '-p', str(port), '-U', '0', '-t', '4', '-m', '32'] + user)

def connect():
    for _ in range(400):
        try:
            return socket.create_connection(('127.0.0.1', port))
        except OSError:
            time.sleep(0.05)

clients = [connect() for _ in range(20)]
files = [client.makefile('rb') for client in clients]
for i in range(500):
    value = bytes([i % 251]) * (i * 7 % 4000)
    clients[0].sendall(b'set k%d 0 0 %d\r\n%s\r\n' % (i, len(value), value))
    assert files[0].readline() == b'STORED\r\n'
clients[0].sendall(b'set n 0 0 1\r\n0\r\n')
files[0].readline()
count = 0
for _ in range(6000):
    for client in clients:
        client.sendall(b'incr n 1\r\n')
    seen = sorted(int(file.readline()) for file in files)
    assert seen == list(range(count + 1, count + 21)), seen
    count += 20
for i in range(500):
    clients[0].sendall(b'get k%d\r\n' % i)
    size = int(files[0].readline().split()[3])
    assert files[0].read(size + 2)[:-2] == bytes([i % 251]) * (i * 7 % 4000)
    assert files[0].readline() == b'END\r\n'
server.terminate()
print('counted', count, 'server', server.wait())
