"""web.py COUNT COMMAND...: requests over a connection kept alive to an HTTP server that counts them."""
import http.client
import subprocess
import sys
import common

count, port = int(sys.argv[1]), common.free_port()
server = subprocess.Popen(sys.argv[2:] + [str(port)])


def check(i, status, body):
    assert status == 200 and body == b'/n%d %d' % (i, i + 1), (i, status, body)


common.keep_alive(port, count, '/n%d', check)
try:
    client = http.client.HTTPConnection('127.0.0.1', port)
    client.request('GET', '/end')
    client.getresponse().read()
except (OSError, http.client.HTTPException):
    pass  # It ends while it answers.
print('answered', count, 'server', server.wait())
