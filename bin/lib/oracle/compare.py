"""Two looks at a program: renamed alike, flattened to path -> text, and held against the written list."""
import fnmatch
import json
import re
import sys

from oracle.snapshot import pairs

STATUS_PIDS = {"NStgid": "Tgid", "NSpid": "Pid", "NSpgid": "Pgid", "NSsid": "Sid"}
STAT_SAID_ELSEWHERE = {"pid", "comm", "ppid", "pgrp", "session", "signal", "blocked", "sigignore", "sigcatch"}
NAMELESS = re.compile(
    r"^(pipe|socket):\[|^/memfd:|^anon_inode:\[(pidfd|io_uring|userfaultfd)\]$|^/SYSV|^/dev/zero \(deleted\)$|^/anon_hugepage|^/\[aio\]"
    r"|^/proc/\d+(/|$)| \(deleted\)$")
NAMESPACE = re.compile(r"(cgroup|ipc|mnt|net|pid|time|user|uts):\[")
PF_IO_WORKER = 0x10  # the kernel's own thread that works off requests of an io_uring: no program runs in it
PLACES = re.compile(r"^((pipe|socket):\[)\d+\]$")


class Names:
    """New names for numbers that the kernel gives out as they come: pids from outside, inodes of nameless files."""

    def __init__(self, groups):
        self.pids, self.objects = {}, {}
        for one in groups.values():
            for tid, seen in one["threads"].items():
                inner = dict(seen["status"]).get("NSpid", tid).split()[-1]
                self.pids[tid] = inner
        for pid, one in sorted(groups.items(), key=lambda item: int(item[0])):
            for fd, seen in sorted(one["fds"].items(), key=lambda item: int(item[0])):
                self.meet(seen["link"], seen["stat"].get("ino"), f"{self.pid(pid)} fd {fd}")
            for place, vma in sorted(one["vmas"].items(), key=lambda item: int(item[0].split("-")[0], 16)):
                self.meet(vma["name"], int(vma["inode"]), f"{self.pid(pid)} at {place.split('-')[0]}")

    def meet(self, text, inode, place):
        """A nameless file is called by the first place it is seen at, so that sharing shows and the number does not."""
        if isinstance(text, str) and inode and NAMELESS.search(text):
            self.objects.setdefault(inode, f"object of {place}")

    def object(self, text, inode):
        nameless = isinstance(text, str) and NAMELESS.search(text)
        return self.objects.get(inode, str(inode)) if nameless else str(inode)

    def pid(self, number):
        return self.pids.get(str(number), "outside")

    def known(self, inode):
        return self.objects.get(inode, str(inode))


def runs(state):
    return "runs" if state[:1] in "RSDI" else state


def flags(text):
    bits = int(text)
    return {hex(1 << n): "set" for n in range(32) if bits >> n & 1}


def canonical_status(status, name):
    found = {}
    ended = dict(status).get("State", "").startswith("Z")
    for key, value in status:
        if ended and key in ("SigBlk", "SigIgn", "SigCgt"):
            continue  # what a zombie would do with a signal, nobody can see: it takes none
        if key in ("Pid", "Tgid"):
            continue
        elif key in STATUS_PIDS:
            found[STATUS_PIDS[key]] = value.split()[-1] if value else value
        elif key == "PPid":
            found[key] = name.pid(value)
        elif key == "State":
            found[key] = runs(value)
        else:
            found[key] = " ".join(value.split())
    return found


def canonical_fdinfo(lines, name):
    found, seen = {}, {}
    for key, value in lines:
        value = " ".join(value.split())
        if key == "tfd":
            at, value = value.split(" ", 1)
            value = re.sub(r"ino:([0-9a-f]+)", lambda m: "ino:" + name.known(int(m[1], 16)), value)
            key = f"tfd {at}"
        elif key == "inotify wd":
            at, value = value.split(" ", 1)
            key = f"inotify wd {at}"
        elif key == "lock":
            words = value.split()
            words[4] = name.pid(words[4]) if words[4] != "-1" else words[4]
            key, value = "lock " + " ".join(words[1:]), "held"
        elif key in ("Pid", "NSpid"):
            value = name.pids.get(value.split()[0], value)
        elif key == "ino":
            value = name.known(int(value))
        elif key == "it_value" and dict(lines).get("it_interval") != "(0, 0)":
            key, value = "periodic", "armed" if value != "(0, 0)" else "off"  # the time left wraps around
        seen[key] = seen.get(key, 0) + 1
        found[key if seen[key] == 1 else f"{key} #{seen[key]}"] = value
    return found


def canonical_stat(seen, text, name):
    """Of a directory only which it is: others may write there. Of a pipe or socket neither time nor size. A namespace
    is given its time whenever it is opened."""
    if "error" in seen:
        return seen
    found = dict(seen, ino=name.object(text, seen["ino"]))
    if found["ino"].startswith("object") or found["mode"].startswith("0o4") or NAMESPACE.match(text):
        del found["mtime_ns"]
    if PLACES.match(text) or found["mode"].startswith("0o4"):
        del found["size"], found["nlink"]
    return found


def canonical_timers(text, name):
    found = {}
    for block in text.split("ID: ")[1:]:
        number, rest = block.split("\n", 1)
        rest = re.sub(r"\.(\d+)$", lambda m: "." + name.pid(m[1]), rest, flags=re.M)
        found[number] = dict(pairs(rest))
    return found


def canonical(groups):
    """The same names on both sides. Sets that have no order (VmFlags, epoll and inotify entries, timers) are keyed."""
    name = Names(groups)
    found = {}
    for pid, one in groups.items():
        one = json.loads(json.dumps(one))
        for fd in one["fds"].values():
            fd["stat"] = canonical_stat(fd["stat"], fd["link"], name)
            fd["fdinfo"] = canonical_fdinfo(fd["fdinfo"], name) if isinstance(fd["fdinfo"], list) else fd["fdinfo"]
            if isinstance(fd["link"], str):
                fd["link"] = PLACES.sub(r"\1]", fd["link"])
        for vma in one["vmas"].values():
            vma["inode"] = name.object(vma["name"], int(vma["inode"]))
            vma["flags"] = {flag: "set" for flag in vma["smaps"].pop("VmFlags", "").split() if flag != "sd"}
        for at in ("exe", "cwd", "root"):
            one[at]["stat"] = canonical_stat(one[at]["stat"], one[at]["link"], name)
        if isinstance(one["timers"], str):
            one["timers"] = canonical_timers(one["timers"], name)
        if isinstance(one["autogroup"], str):
            one["autogroup"] = one["autogroup"].split(" ", 1)[-1]
        if isinstance(one["limits"], str):
            rows = [re.split(r"  +", line.strip()) for line in one["limits"].splitlines()[1:]]
            one["limits"] = {row[0]: " ".join(row[1:3]) for row in rows}
        if isinstance(one["ksm_stat"], str):
            one["ksm_stat"] = dict(line.split(None, 1) for line in one["ksm_stat"].splitlines())
        threads = {name.pid(tid): seen for tid, seen in one.pop("threads").items()
                   if not int(seen["stat"]["flags"]) & PF_IO_WORKER}
        for seen in threads.values():
            seen["status"] = canonical_status(seen["status"], name)
        for lines in [one["stat"]] + [seen["stat"] for seen in threads.values()]:
            lines["state"], lines["flags"] = runs(lines["state"]), flags(lines["flags"])
            for key in STAT_SAID_ELSEWHERE:
                lines.pop(key, None)
        found[name.pid(pid)] = dict(one, threads=threads)
    return {"groups": found}


def flatten(value, path, found):
    if isinstance(value, dict):
        for key, inner in value.items():
            flatten(inner, path + (key.replace("/", "|"),), found)
    else:
        found[path] = value if isinstance(value, str) else json.dumps(value)
    return found


def allowed_rows(path, modes):
    """Rows `| path | how | mode | reason |` of the written list, those of mode `always` and of the modes asked for."""
    rows, known = [], {"always"}
    with open(path, encoding="utf-8") as file:
        for line in file:
            cells = [c.strip().strip("`") for c in line.strip().strip("|").split("|")]
            if len(cells) == 4 and "/" in cells[0] and cells[1] in ("any", "falls"):
                if not cells[3]:
                    sys.exit(f"oracle: {cells[0]} is allowed without a reason")
                known.add(cells[2])
                if cells[2] in modes or cells[2] == "always":
                    rows.append((cells[0].split("/"), cells[1], cells[3]))
    unknown = set(modes) - known
    if unknown:
        sys.exit(f"oracle: no such mode: {', '.join(sorted(unknown))}")
    return rows


def number(text):
    digits = re.findall(r"-?\d+", text)
    return [int(d) for d in digits]


def reason(path, before, after, rows):
    for pattern, how, why in rows:
        if len(pattern) == len(path) and all(fnmatch.fnmatchcase(p, g) for p, g in zip(path, pattern)):
            if how == "any" or (before is not None and after is not None and number(after) <= number(before)):
                return why
    return ""


def prefixes(paths):
    return {path[:n] for path in paths for n in range(len(path) + 1)}


def compare(before, after, rows, show_allowed):
    a, b = (flatten(canonical(side["groups"]), (), {}) for side in (before, after))
    in_a, in_b = prefixes(a), prefixes(b)
    told = {}
    for path in sorted(set(a) | set(b)):
        old, new = a.get(path), b.get(path)
        if old == new:
            continue
        why = reason(path, old, new, rows)
        if old is None or new is None:
            # What one side lacks altogether is one line: an fd, a vma, a thread.
            there = in_a if old is None else in_b
            path = next(path[:n] for n in range(len(path) + 1) if path[:n] not in there)
            old, new = ("(none)", "(there)") if old is None else ("(there)", "(none)")
        told.setdefault((path, old, new), set()).add(why)
    bad = 0
    for (path, old, new), reasons in told.items():
        fine = "" not in reasons
        bad += not fine
        if not fine or show_allowed:
            print(f"{'allowed  ' if fine else 'DIFFERENT'} {'/'.join(path)}: {old!r} -> {new!r}"
                  + (f"  ({'; '.join(sorted(reasons))})" if fine else ""))
    print(f"{len(a)} facts before, {len(b)} after, {bad} different and not allowed")
    return 1 if bad else 0
