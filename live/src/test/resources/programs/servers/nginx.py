# nginx with two workers under a user of their own, and four keep-alive clients: every download is whole, and no client
# ever has to connect again.
import hashlib, http.client, os, pwd, signal, socket, subprocess, time

def free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]

base = os.getcwd()
page = hashlib.shake_256(b'nginx').digest(1 << 20)
os.makedirs('www', exist_ok=True)
with open('www/page', 'wb') as file:
    file.write(page)
folder = base
while folder != '/':
    os.chmod(folder, os.stat(folder).st_mode | 0o011)
    folder = os.path.dirname(folder)
os.chmod('www', 0o755)
os.chmod('www/page', 0o644)
user = 'user www-data;' if os.geteuid() == 0 and 'www-data' in [u.pw_name for u in pwd.getpwall()] else ''
port = free_port()
with open('nginx.conf', 'w') as file:
    file.write(f'''{user} daemon off; worker_processes 2; pid {base}/pid; error_log {base}/error.log;
        events {{ worker_connections 64; }}
        http {{ access_log {base}/access.log; keepalive_timeout 600s; keepalive_requests 1000000;
          client_body_temp_path {base}/body; proxy_temp_path {base}/proxy; fastcgi_temp_path {base}/fastcgi;
          uwsgi_temp_path {base}/uwsgi; scgi_temp_path {base}/scgi;
          server {{ listen 127.0.0.1:{port}; root {base}/www; }} }}''')
server = subprocess.Popen(['/usr/sbin/nginx', '-p', base, '-c', base + '/nginx.conf', '-e', base + '/error.log'])
for _ in range(400):
    try:
        socket.create_connection(('127.0.0.1', port)).close()
        break
    except OSError:
        time.sleep(0.05)
clients = [http.client.HTTPConnection('127.0.0.1', port, timeout=60) for _ in range(4)]
for client in clients:
    client.connect()
sockets = [client.sock for client in clients]
whole = 0
for _ in range(1500):
    for client in clients:
        client.request('GET', '/page')
    for client in clients:
        whole += client.getresponse().read() == page
kept = [client.sock for client in clients] == sockets
server.send_signal(signal.SIGQUIT)
for client in clients:
    client.close()
code = server.wait()
with open('access.log') as file:
    lines = sum(1 for _ in file)
print('whole', whole, 'kept', kept, 'logged', lines, 'server', code)
