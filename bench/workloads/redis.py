"""A redis server with MEBIBYTES of values in it, and the client that put them there."""
import os, shutil, socket, subprocess, sys, tempfile, time

folder = tempfile.mkdtemp(prefix="stasis-bench-redis.")
server = subprocess.Popen(["redis-server", "--port", "0", "--unixsocket", folder + "/s", "--save", "", "--appendonly",
                           "no"], stdout=subprocess.DEVNULL, cwd=folder)
client = socket.socket(socket.AF_UNIX)
for _ in range(200):
    try:
        client.connect(folder + "/s")
        break
    except OSError:
        time.sleep(0.05)
answers = client.makefile("rb")
for number in range(int(sys.argv[1])):
    value = os.urandom(1 << 20)
    key = b"%d" % number
    client.sendall(b"*3\r\n$3\r\nSET\r\n$%d\r\n%s\r\n$%d\r\n%s\r\n" % (len(key), key, len(value), value))
    assert answers.readline() == b"+OK\r\n"
del value
print("ready", flush=True)
while True:
    time.sleep(1000)
