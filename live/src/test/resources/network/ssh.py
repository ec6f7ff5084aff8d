"""sshd, ssh and an interactive session between them, on loopback."""
import os
import subprocess
import common

port, work = common.free_port(), os.getcwd()
for name in ('host', 'key'):
    subprocess.run(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', name], check=True)
os.rename('key.pub', 'authorized')
with open('sshd_config', 'w') as out:
    out.write(f'''ListenAddress 127.0.0.1:{port}
HostKey {work}/host
AuthorizedKeysFile {work}/authorized
StrictModes no
UsePAM no
PidFile none
PermitRootLogin yes
''')
os.makedirs('/run/sshd', mode=0o755, exist_ok=True)
server = subprocess.Popen(['/usr/sbin/sshd', '-D', '-e', '-f', work + '/sshd_config'], stderr=open('sshd.log', 'w'))
common.connect(port).close()
client = subprocess.Popen(['ssh', '-tt', '-F', 'none', '-i', 'key', '-p', str(port), '-o', 'StrictHostKeyChecking=no',
                           '-o', 'UserKnownHostsFile=' + work + '/known', '-o', 'LogLevel=ERROR', 'root@127.0.0.1',
                           'PS1= sh'], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
said = []
for i in range(60):
    client.stdin.write(b'echo line $((%d * 7)); sleep 0.05\n' % i)
    client.stdin.flush()
    while True:
        line = client.stdout.readline()
        if not line:
            raise SystemExit('the session ended')
        if line.startswith(b'line '):
            said.append(int(line.split()[1]))
            break
client.stdin.write(b'exit 3\n')
client.stdin.close()
client.stdout.read()
print(said == [i * 7 for i in range(60)], client.wait())
server.terminate()
print('server', server.wait())
