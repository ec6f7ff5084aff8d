"""A download from nginx over one connection kept alive, its SHA-256, and small requests around it."""
import hashlib
import http.client
import os
import random
import signal
import subprocess
import common

port = common.free_port()
os.makedirs('www', exist_ok=True)
data = random.Random(7).randbytes(48 << 20)
with open('www/large', 'wb') as out:
    out.write(data)
with open('www/small', 'wb') as out:
    out.write(data[:1000])
work = os.getcwd()
with open('nginx.conf', 'w') as out:
    out.write(f'''
        daemon off; worker_processes 2; pid {work}/nginx.pid; error_log {work}/error.log; user root;
        events {{ worker_connections 64; }}
        http {{
          access_log off; keepalive_requests 100000; client_body_temp_path {work}/t1; proxy_temp_path {work}/t2;
          fastcgi_temp_path {work}/t3; uwsgi_temp_path {work}/t4; scgi_temp_path {work}/t5;
          server {{ listen 127.0.0.1:{port}; root {work}/www; location /large {{ limit_rate 12m; }} }}
        }}''')
server = subprocess.Popen(['/usr/sbin/nginx', '-c', work + '/nginx.conf', '-e', work + '/error.log', '-p', work])
common.connect(port).close()
client = http.client.HTTPConnection('127.0.0.1', port)
for i in range(2):
    client.request('GET', '/small')
    assert client.getresponse().read() == data[:1000]
client.request('GET', '/large')
answer = client.getresponse()
digest = hashlib.sha256()
while piece := answer.read(1 << 16):
    digest.update(piece)
assert digest.digest() == hashlib.sha256(data).digest(), 'other bytes'
same = client.sock.getsockname()
client.request('GET', '/small')
assert client.getresponse().read() == data[:1000] and client.sock.getsockname() == same
server.send_signal(signal.SIGQUIT)
print(digest.hexdigest(), 'server', server.wait())
