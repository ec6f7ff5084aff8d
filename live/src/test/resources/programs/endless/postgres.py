# A PostgreSQL server as its own user, and a session that checks a ledger after every entry.
import glob, os, subprocess, sys, tempfile, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import contract

AS = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]


def start():
    binaries = sorted(glob.glob("/usr/lib/postgresql/*/bin"))[-1]
    sockets = tempfile.mkdtemp(prefix="stasis-pg.", dir="/tmp")
    os.environ.update(PGDATA=os.getcwd() + "/data", PGUSER="postgres", PGHOST=sockets)
    folder = os.getcwd()
    while folder != "/":
        os.chmod(folder, os.stat(folder).st_mode | 0o111)
        folder = os.path.dirname(folder)
    for place in (".", sockets):
        subprocess.run(["chown", "postgres", place], check=True)
    with open("initdb.log", "w") as log:
        subprocess.run(AS + [binaries + "/initdb", "-A", "trust"], stdout=log, stderr=log, check=True)
    server = subprocess.Popen(AS + [binaries + "/postgres", "-c", "listen_addresses=", "-c",
                                    "unix_socket_directories=" + sockets], stdout=open("server.log", "w"),
                              stderr=subprocess.STDOUT)
    for _ in range(400):
        if subprocess.run([binaries + "/psql", "-c", "select 1"], stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL).returncode == 0:
            break
        time.sleep(0.05)
    session = subprocess.Popen([binaries + "/psql", "-XAtq"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                               bufsize=1, stderr=open("session.log", "w"))
    state = server, session, sockets
    ask(state, "create table ledger (number bigint primary key, amount bigint); select 0;")
    return state


def ask(state, text):
    state[1].stdin.write(text + "\n")
    state[1].stdin.flush()
    return state[1].stdout.readline().strip()


def work(state, rounds):
    number = rounds + 1
    answer = ask(state, "insert into ledger values (%d, %d); select count(*), sum(amount), max(number) from ledger"
                 " where number > %d;" % (number, number * 3, number - 1000))
    first = max(number - 1000, 0) + 1
    count = number - first + 1
    assert answer == "%d|%d|%d" % (count, 3 * (first + number) * count // 2, number), answer


def stop(state):
    server, session, sockets = state
    session.stdin.close()
    assert session.wait() == 0
    server_pid = int(open("data/postmaster.pid").readline())
    subprocess.run(AS + ["kill", "-INT", str(server_pid)], check=True)
    assert server.wait() == 0
    os.rmdir(sockets)


contract.run(start, work, stop)
