# A PostgreSQL server as its own user, under full load: sessions that take numbers from one row and enter each into a
# ledger, both in one transaction. Every number comes once, to one session, in its turn; at the end a server that has
# read all of it from its files again finds every entry, once. A number: so many MiB of shared buffers, nearly all full.
import glob, os, subprocess, sys, time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "endless"))
import contract

AS = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
SESSIONS, BATCH = 4, 25
BUFFERS = int(sys.argv[1]) if len(sys.argv) > 1 else 0
BINARIES = sorted(glob.glob("/usr/lib/postgresql/*/bin"))[-1]
ENTER = ("with taken as (update total set number = number + 1 returning number) insert into ledger select number, %d,"
         " %d from taken returning number;\n")


def serve():
    # No host goes down here: fsync(2) would only make it idle.
    server = subprocess.Popen(AS + [BINARIES + "/postgres", "-c", "listen_addresses=", "-c", "autovacuum_naptime=5s",
                                    "-c", "fsync=off", "-c", "unix_socket_directories=" + os.getcwd()] +
                              (["-c", "shared_buffers=%dMB" % BUFFERS] if BUFFERS else []),
                              stdout=open("server.log", "a"), stderr=subprocess.STDOUT)
    for _ in range(600):
        if subprocess.run([BINARIES + "/psql", "-c", "select 1"], stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL).returncode == 0:
            break
        time.sleep(0.05)
    return server


def session():
    return subprocess.Popen([BINARIES + "/psql", "-XAtq"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                            stderr=open("session.log", "a"))


def start():
    os.environ.update(PGDATA=os.getcwd() + "/data", PGUSER="postgres", PGHOST=os.getcwd())
    folder = os.getcwd()
    while folder != "/":
        os.chmod(folder, os.stat(folder).st_mode | 0o111)
        folder = os.path.dirname(folder)
    subprocess.run(["chown", "postgres", "."], check=True)
    with open("initdb.log", "w") as log:
        subprocess.run(AS + [BINARIES + "/initdb", "-A", "trust"], stdout=log, stderr=log, check=True)
    server = serve()
    sessions = [session() for _ in range(SESSIONS)]
    assert ask(sessions[0], "create table total (number bigint); insert into total values (0); create table ledger"
               " (number bigint primary key, who int, own bigint); select 0;\n") == "0"
    # A row of 1,000 bytes is seven to a page of 8 KiB.
    assert not BUFFERS or ask(sessions[0], "create table filled (text text); insert into filled select"
                              " repeat(md5(number::text), 31) from generate_series(1, %d) as number; select 0;\n"
                              % (BUFFERS * 128 * 7 * 8 // 10)) == "0"
    return server, sessions


def ask(one, text):
    one.stdin.write(text)
    one.stdin.flush()
    return one.stdout.readline().strip()


def work(state, rounds):
    _, sessions = state
    for who, one in enumerate(sessions):
        one.stdin.write("".join(ENTER % (who, rounds * BATCH + i) for i in range(BATCH)))
        one.stdin.flush()
    numbers = []
    for one in sessions:
        mine = [int(one.stdout.readline()) for _ in range(BATCH)]
        assert mine == sorted(mine), mine
        numbers += mine
    first = rounds * BATCH * SESSIONS
    assert sorted(numbers) == list(range(first + 1, first + BATCH * SESSIONS + 1)), (first, sorted(numbers))


def stop(state):
    server, sessions = state
    end(server, sessions)
    again = serve()
    reader = session()
    found = ask(reader, "select number, (select count(*) from ledger), (select min(number) from ledger),"
                " (select max(number) from ledger), (select count(distinct (who, own)) from ledger) from total;\n")
    total = found.split("|")[0]
    assert found == "|".join([total, total, "1", total, total]), found
    end(again, [reader])
    print("operations", total)


def end(server, sessions):
    for one in sessions:
        one.stdin.close()
        assert one.wait() == 0
    server_pid = int(open("data/postmaster.pid").readline())
    subprocess.run(AS + ["kill", "-INT", str(server_pid)], check=True)
    assert server.wait() == 0


contract.run(start, work, stop, orphans=False)
