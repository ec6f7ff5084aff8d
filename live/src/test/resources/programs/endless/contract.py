# What a program of this folder owes its test: it works without end, checks every answer, counts its rounds in the file
# `rounds`, and says FAIL at the first wrong one (see victim.h). Its servers are its descendants, orphans too where it says
# that it has some: it is a subreaper then. It rests for REST_MS between two rounds.
import ctypes, os, struct, sys, time, traceback

HERE = os.environ["VICTIM_DIR"]
REST = int(os.environ.get("REST_MS", "0")) / 1000
PR_SET_CHILD_SUBREAPER = 36


def say(line):
    with open(os.path.join(HERE, "status"), "a") as status:
        status.write(line + "\n")


def run(start, work, stop, orphans=True):
    say("START %d" % os.getpid())
    if orphans:
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    try:
        state = start()
        rounds, told = 0, False
        with open(os.path.join(HERE, "rounds"), "w+b", buffering=0) as counts:
            while not os.path.exists(os.path.join(HERE, "go.always")):
                work(state, rounds)
                rounds += 1
                time.sleep(REST)
                os.pwrite(counts.fileno(), struct.pack("<Q", rounds), 0)
                if not told:
                    told = True
                    say("READY always file")
        stop(state)
        say("PASS")
    except BaseException:
        say("FAIL " + traceback.format_exc().replace("\n", " | "))
        sys.exit(1)
