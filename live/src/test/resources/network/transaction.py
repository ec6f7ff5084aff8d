"""A transaction over TCP to PostgreSQL that is open while everything stands still."""
import glob
import os
import signal
import subprocess
import time
import common

port = common.free_port()
binaries = sorted(glob.glob('/usr/lib/postgresql/*/bin'))[-1]
path = os.getcwd()
while path != '/':
    os.chmod(path, os.stat(path).st_mode | 0o111)
    path = os.path.dirname(path)
own = ['setpriv', '--reuid=postgres', '--regid=postgres', '--clear-groups']
os.makedirs('data', exist_ok=True)
subprocess.run(['chown', 'postgres', 'data'], check=True)
environment = dict(os.environ, PGDATA=os.getcwd() + '/data')
subprocess.run(own + [binaries + '/initdb', '-A', 'trust', '-N'], env=environment, stdout=subprocess.DEVNULL,
               stderr=subprocess.DEVNULL, check=True)
server = subprocess.Popen(own + [binaries + '/postgres', '-h', '127.0.0.1', '-p', str(port), '-c',
                                 'unix_socket_directories='], env=environment, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL)
# It takes connections before it takes users ("the database system is starting up").
while subprocess.run([binaries + '/pg_isready', '-q', '-h', '127.0.0.1', '-p', str(port)]).returncode:
    time.sleep(0.05)
sql = ['begin;', 'create table t(n integer);'] + ['insert into t select generate_series(%d, %d); select pg_sleep(0.1);'
                                                % (i * 1000 + 1, i * 1000 + 1000) for i in range(40)]
sql += ['commit;', 'select count(*), sum(n) from t;']
client = subprocess.run([binaries + '/psql', '-h', '127.0.0.1', '-p', str(port), '-U', 'postgres', '-Atq', '-v',
                         'ON_ERROR_STOP=1', 'postgres'], input='\n'.join(sql), text=True, capture_output=True)
server.send_signal(signal.SIGINT)
print(client.returncode, client.stdout.split()[-1:], client.stderr, 'server', server.wait())
