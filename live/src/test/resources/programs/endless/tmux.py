# A tmux server with vim in its pane: what is typed is on the screen, and in the end in the file.
import os, subprocess, sys, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import contract


def client(*arguments):
    return subprocess.run(["tmux", "-S", "tmux.sock", "-f", "/dev/null", *arguments], check=True, text=True,
                          stdout=subprocess.PIPE, timeout=60).stdout


def screen_has(text):
    for _ in range(3000):
        if text in client("capture-pane", "-p"):
            return True
        time.sleep(0.01)
    return False


def start():
    client("new-session", "-d", "-x", "80", "-y", "24", "vim -u NONE -n typed.txt")
    assert screen_has("~")


def work(_, rounds):
    text = "entry %d is %d" % (rounds, rounds * rounds)
    client("send-keys", "o")
    client("send-keys", "-l", text)
    client("send-keys", "Escape")
    assert screen_has(text), client("capture-pane", "-p")


def stop(_):
    rounds = int.from_bytes(open("rounds", "rb").read(8), "little")
    client("send-keys", ":wq", "Enter")
    for _ in range(3000):
        if os.path.exists("typed.txt") and subprocess.run(["tmux", "-S", "tmux.sock", "has-session"],
                                                          stderr=subprocess.DEVNULL).returncode != 0:
            break
        time.sleep(0.01)
    lines = open("typed.txt").read().split("\n")
    assert lines[1:rounds + 1] == ["entry %d is %d" % (n, n * n) for n in range(rounds)], lines[-3:]


contract.run(start, work, stop)
