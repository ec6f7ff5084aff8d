"""One look at a thread group, or a tree of them: what the kernel says, unchanged, as a value for JSON."""
import ctypes
import errno
import hashlib
import os
import platform
import re
import sys

SYSCALLS = {"x86_64": {"ioprio_get": 252, "sched_getattr": 315, "get_robust_list": 274, "kcmp": 312},
            "aarch64": {"ioprio_get": 31, "sched_getattr": 275, "get_robust_list": 100, "kcmp": 272}}
LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.syscall.restype = ctypes.c_long

STAT = """pid comm state ppid pgrp session tty_nr tpgid flags minflt cminflt majflt cmajflt utime stime cutime cstime
priority nice num_threads itrealvalue starttime vsize rss rsslim startcode endcode startstack kstkesp kstkeip signal
blocked sigignore sigcatch wchan nswap cnswap exit_signal processor rt_priority policy delayacct_blkio_ticks guest_time
cguest_time start_data end_data start_brk arg_start arg_end env_start env_end exit_code""".split()
GROUP_FILES = ["cmdline", "limits", "timers", "cgroup", "coredump_filter", "oom_score_adj", "loginuid", "sessionid",
               "autogroup", "uid_map", "gid_map", "projid_map", "setgroups", "timens_offsets", "cpuset", "ksm_stat",
               "attr/current"]
THREAD_FILES = ["comm", "personality"]
KCMP_FILE, KCMP = 0, {"vm": 1, "files": 2, "fs": 3, "sighand": 4, "io": 5, "sysvsem": 6}


def call(name, *arguments):
    """The result, or the errno's name."""
    number = SYSCALLS[platform.machine()][name]
    result = LIBC.syscall(ctypes.c_long(number), *[ctypes.c_long(a) if isinstance(a, int) else a for a in arguments])
    return result if result >= 0 else error(ctypes.get_errno())


def error(number):
    return {"error": errno.errorcode.get(number, str(number))}


def read(path):
    try:
        with open(path, "rb") as file:
            return file.read().decode("latin-1")
    except OSError as e:
        return error(e.errno)


def link(path):
    try:
        return os.readlink(os.fsencode(path)).decode("latin-1")
    except OSError as e:
        return error(e.errno)


def names(path):
    try:
        return sorted(os.listdir(path), key=lambda n: (not n.isdigit(), int(n) if n.isdigit() else 0, n))
    except OSError:
        return []


def stat(path):
    try:
        s = os.stat(path)
    except OSError as e:
        return error(e.errno)
    return {"dev": s.st_dev, "ino": s.st_ino, "mode": oct(s.st_mode), "nlink": s.st_nlink, "uid": s.st_uid,
            "gid": s.st_gid, "rdev": s.st_rdev, "size": s.st_size, "mtime_ns": s.st_mtime_ns}


def pairs(text):
    """Lines `key: value` in order; a key may repeat."""
    if isinstance(text, dict):
        return text
    return [[p.strip() for p in line.split(":", 1)] for line in text.splitlines() if ":" in line]


def stat_line(text):
    if isinstance(text, dict):
        return text
    head, tail = text.split(" (", 1)
    comm, tail = tail.rsplit(") ", 1)
    return dict(zip(STAT, [head, comm] + tail.split()))


def sched(tid):
    buffer = (ctypes.c_uint8 * 56)()
    result = call("sched_getattr", tid, ctypes.byref(buffer), 56, 0)
    if isinstance(result, dict):
        return result
    raw = bytes(buffer)
    word = lambda at, size: int.from_bytes(raw[at:at + size], "little")
    return {"policy": word(4, 4), "flags": word(8, 8), "nice": ctypes.c_int32(word(16, 4)).value,
            "priority": word(20, 4), "runtime": word(24, 8), "deadline": word(32, 8), "period": word(40, 8),
            "util_min": word(48, 4), "util_max": word(52, 4)}


def robust_list(tid):
    head, size = ctypes.c_uint64(), ctypes.c_uint64()
    result = call("get_robust_list", tid, ctypes.byref(head), ctypes.byref(size))
    return result if isinstance(result, dict) else {"head": hex(head.value), "size": size.value}


def affinity(tid):
    try:
        return sorted(os.sched_getaffinity(tid))
    except OSError as e:
        return error(e.errno)


def shared(pid, tid, kind):
    """0 if they share it. That the one pointer is less (1) or greater (2) than the other means nothing."""
    answer = call("kcmp", pid, tid, kind, 0, 0)
    return answer if isinstance(answer, dict) else min(answer, 1)


def thread(pid, tid):
    base = f"/proc/{pid}/task/{tid}"
    found = {name: read(f"{base}/{name}") for name in THREAD_FILES}
    found["status"] = pairs(read(f"{base}/status"))
    found["stat"] = stat_line(read(f"{base}/stat"))
    found["timerslack_ns"] = read(f"/proc/{tid}/timerslack_ns")
    found["affinity"] = affinity(tid)
    found["sched"] = sched(tid)
    found["ioprio"] = call("ioprio_get", 1, tid)
    found["robust_list"] = robust_list(tid)
    found["ns"] = {n: link(f"{base}/ns/{n}") for n in names(f"{base}/ns")}
    found["shares"] = {n: shared(pid, tid, kind) for n, kind in KCMP.items()} if tid != pid else {}
    return found


def descriptors(pid):
    base = f"/proc/{pid}"
    found, by_file = {}, {}
    for fd in names(f"{base}/fd"):
        one = {"link": link(f"{base}/fd/{fd}"), "stat": stat(f"{base}/fd/{fd}"),
               "fdinfo": pairs(read(f"{base}/fdinfo/{fd}"))}
        same = by_file.setdefault((one["stat"].get("dev"), one["stat"].get("ino")), [])
        shared = [other for other in same if call("kcmp", pid, pid, KCMP_FILE, int(other), int(fd)) == 0]
        one["description_of"] = shared[0] if shared else fd
        same.append(fd)
        found[fd] = one
    return found


def vmas(pid):
    smaps, numa = read(f"/proc/{pid}/smaps"), read(f"/proc/{pid}/numa_maps")
    if isinstance(smaps, dict):
        return smaps
    policy = {}
    for line in numa.splitlines() if isinstance(numa, str) else []:
        words = line.split(" ")
        policy[int(words[0], 16)] = words[1]
    found, current = {}, {}
    for line in smaps.splitlines():
        header = re.match(r"([0-9a-f]+)-([0-9a-f]+) (....) ([0-9a-f]+) ([0-9a-f:]+) ([0-9]+) *(.*)$", line, re.S)
        if header:
            start, end, rights, offset, device, inode, name = header.groups()
            current = {"rights": rights, "offset": offset, "device": device, "inode": inode, "name": name,
                       "mempolicy": policy.get(int(start, 16), "none"), "smaps": {}}
            found[f"{start}-{end}"] = current
        else:
            key, value = line.split(":", 1)
            current["smaps"][key] = value.strip()
    return found


def memory(pid, ranges):
    """sha256 of each readable vma; a page that was never touched reads as zeros."""
    found = {}
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as mem:
        for key, vma in ranges.items():
            if vma["rights"][0] != "r" or vma["name"].startswith(("[vvar", "[vsyscall")):
                continue
            start, end = (int(part, 16) for part in key.split("-"))
            digest = hashlib.sha256()
            for at in range(start, end, 1 << 20):
                try:
                    digest.update(os.pread(mem.fileno(), min(1 << 20, end - at), at))
                except OSError as e:
                    digest.update(errno.errorcode[e.errno].encode())
            found[key] = digest.hexdigest()
    return found


def group(pid, with_memory):
    base = f"/proc/{pid}"
    found = {name: read(f"{base}/{name}") for name in GROUP_FILES}
    environment = read(f"{base}/environ")
    found["environ_sha256"] = environment if isinstance(environment, dict) else \
        hashlib.sha256(environment.encode("latin-1")).hexdigest()
    auxv = read(f"{base}/auxv")
    found["auxv"] = auxv if isinstance(auxv, dict) else auxv.encode("latin-1").hex()
    found["stat"] = stat_line(read(f"{base}/stat"))
    for name in ("exe", "cwd", "root"):
        found[name] = {"link": link(f"{base}/{name}"), "stat": stat(f"{base}/{name}")}
    threads = {tid: thread(pid, int(tid)) for tid in names(f"{base}/task")}
    # one that ended while it was looked at is none
    found["threads"] = {tid: seen for tid, seen in threads.items()
                        if "error" not in seen["status"] and "error" not in seen["stat"]}
    found["fds"] = descriptors(pid)
    found["vmas"] = vmas(pid)
    if "error" in found["vmas"] or not found["threads"]:
        sys.exit(f"oracle: cannot look at {pid}: {found['vmas'].get('error', 'it ended')}")
    if with_memory:
        found["memory"] = memory(pid, found["vmas"])
    return found


def snapshot(pid, tree, with_memory):
    if not os.path.isdir(f"/proc/{pid}"):
        sys.exit(f"oracle: there is no task {pid}")
    found, todo = {}, [str(pid)]
    while todo:
        one = todo.pop(0)
        found[one] = group(int(one), with_memory)
        for tid in found[one]["threads"] if tree else []:
            children = read(f"/proc/{one}/task/{tid}/children")
            todo += children.split() if isinstance(children, str) else []
    return {"format": 1, "kernel": platform.release(), "pid": pid, "groups": found}
