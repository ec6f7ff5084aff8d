"""A postgres server whose shared buffers of MEBIBYTES are full, and the session that filled them."""
import glob, os, shutil, subprocess, sys, tempfile, time

AS = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
mebibytes = int(sys.argv[1])
found = sorted(glob.glob("/usr/lib/postgresql/*/bin"))
binaries = found[-1] if found else os.path.dirname(shutil.which("postgres"))
folder = tempfile.mkdtemp(prefix="stasis-bench-postgres.", dir="/tmp")
shutil.chown(folder, "postgres")
os.chdir(folder)
os.environ.update(PGDATA=folder + "/data", PGUSER="postgres", PGHOST=folder, PGDATABASE="postgres")
quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
subprocess.run(AS + [binaries + "/initdb", "-A", "trust"], check=True, **quiet)
server = subprocess.Popen(AS + [binaries + "/postgres", "-c", "listen_addresses=", "-c",
                                "unix_socket_directories=" + folder, "-c", "shared_buffers=%dMB" % mebibytes, "-c",
                                "fsync=off", "-c", "max_wal_size=8GB", "-c", "dynamic_shared_memory_type=mmap"],
                          **quiet)
while subprocess.run([binaries + "/psql", "-c", "select 1"], **quiet).returncode != 0:
    time.sleep(0.05)
session = subprocess.Popen([binaries + "/psql", "-XAtq"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                           stderr=subprocess.DEVNULL)
# A row of 1,000 bytes is seven to a page of 8 KiB. What `insert` writes lies in the buffers; `create table as`, and a look
# at a large table, go through a small ring of them.
rows = mebibytes * 128 * 7 * 95 // 100
print("create table filled (number int, text text); insert into filled select number, repeat(md5(number::text), 31) from"
      " generate_series(1, %d) as number; select count(*) from filled;" % rows, file=session.stdin, flush=True)
assert int(session.stdout.readline()) == rows
print("ready", flush=True)
while True:
    time.sleep(1000)
