package stasis.engine;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Nr;
import stasis.linux.abi.SyscallException;
import stasis.linux.sys.Syscalls;

/// The processes of a tree whose pages are still put in, by pidfds, so that no number can mean another. Any
/// thread may use it.
final class ServedProcesses implements AutoCloseable {
  private static final int SIGKILL = 9;
  private static final short POLLIN = 1;

  private final Map<Integer, Fd> pidfds = new TreeMap<>();
  private final Set<Integer> born = new HashSet<>();

  /// @throws SyscallException of one that must be there
  synchronized void add(Collection<Integer> pids) throws SyscallException {
    for (int pid : pids) {
      if (!pidfds.containsKey(pid)) {
        pidfds.put(pid, new Fd((int) Syscalls.require("open a pidfd of " + pid, Nr.PIDFD_OPEN, pid, 0)));
      }
    }
  }

  synchronized List<Fd> all() {
    return List.copyOf(pidfds.values());
  }

  /// How many of those born since still have memory that pages can be missing from.
  synchronized int bornAndServed() {
    return (int) born.stream().filter(ServedProcesses::misses).count();
  }

  /// VmFlags of proc_pid_smaps(5): `um`.
  static boolean misses(int pid) {
    try (Stream<String> lines = Files.lines(Path.of("/proc/" + pid + "/smaps"), StandardCharsets.ISO_8859_1)) {
      return lines.anyMatch(line -> line.startsWith("VmFlags:") && line.contains(" um"));
    } catch (IOException | java.io.UncheckedIOException e) {
      return false;
    }
  }

  /// Looks for children that the processes have had since. @return whether there were any
  synchronized boolean look() {
    boolean found = false;
    Deque<Integer> unseen = new ArrayDeque<>(pidfds.keySet());
    while (!unseen.isEmpty()) {
      for (int child : children(unseen.removeFirst())) {
        if (!pidfds.containsKey(child)) {
          long fd = Syscalls.call(Nr.PIDFD_OPEN, child, 0);
          if (!Errno.isError(fd)) {
            pidfds.put(child, new Fd((int) fd));
            born.add(child);
            unseen.add(child);
            found = true;
          }
        }
      }
    }
    return found;
  }

  /// proc_pid_task_tid_children(5): whole, as long as no child ends meanwhile.
  static List<Integer> children(int pid) {
    var children = new ArrayList<Integer>();
    try (DirectoryStream<Path> threads = Files.newDirectoryStream(Path.of("/proc/" + pid + "/task"))) {
      for (Path thread : threads) {
        for (String child : Files.readString(thread.resolve("children"), StandardCharsets.US_ASCII).split(" ")) {
          if (!child.isBlank()) {
            children.add(Integer.parseInt(child.strip()));
          }
        }
      }
    } catch (IOException | java.nio.file.DirectoryIteratorException e) {
      return children; // a thread has ended meanwhile
    }
    return children;
  }

  /// Whether each that is known has ended.
  synchronized boolean areDead() {
    try (Arena call = Arena.ofConfined()) {
      MemorySegment poll = call.allocate(8, 8);
      MemorySegment now = call.allocate(16, 8);
      return pidfds.values().stream().allMatch(fd -> {
        poll.set(JAVA_INT, 0, fd.value());
        poll.set(JAVA_SHORT, 4, POLLIN);
        return Syscalls.call(Nr.PPOLL, poll.address(), 1, now.address(), 0, 0) == 1;
      });
    }
  }

  synchronized void kill() {
    pidfds.values().forEach(fd -> Syscalls.call(Nr.PIDFD_SEND_SIGNAL, fd.value(), SIGKILL, 0, 0));
  }

  @Override
  public synchronized void close() {
    pidfds.values().forEach(fd -> Syscalls.call(Nr.CLOSE, fd.value()));
    pidfds.clear();
  }
}
