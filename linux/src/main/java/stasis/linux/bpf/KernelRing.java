package stasis.linux.bpf;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;

/// An io_uring as the kernel keeps it (io_uring_types.h, struct io_ring_ctx), beside what its fdinfo tells.
///
/// @param flags IORING_SETUP_ bits @param parts what it has that no call tells, by name
/// @param counters where those lie in the mapped rings @param issuer who alone may use it
/// @param files registered ones, by slot @param event what completions are told to
/// @param busy who has requests on their way, on whichever ring
public record KernelRing(int flags, List<String> parts, Counters counters, Optional<Tid> issuer, List<Slot> files,
    Optional<Event> event, List<Tid> busy) {
  /// Slots for rings that a task has registered with itself (IO_RINGFD_REG_MAX).
  private static final int REGISTERED_RINGS = 16;
  private static final int SLOTS_MAX = 4096;
  /// Bits of a file's address that say something else (io_uring/filetable.h, FFS_MASK).
  private static final long FILE_MASK = ~7L;

  public KernelRing {
    parts = List.copyOf(parts);
    files = List.copyOf(files);
    busy = List.copyOf(busy);
  }

  /// @param sqTail where in the mapped rings that counter lies, and so on
  public record Counters(int sqHead, int sqTail, int cqHead, int cqTail) {}

  /// @param fd which of the descriptors that were asked about is the file's; empty: none
  public record Slot(int index, OptionalInt fd) {}

  /// @param fd of the eventfd, as above @param async told only of what completes later
  public record Event(OptionalInt fd, boolean async) {}

  KernelRing with(List<String> more, List<Tid> waiting) {
    var all = new ArrayList<>(parts);
    all.addAll(more);
    return new KernelRing(flags, all, counters, issuer, files, event, waiting);
  }

  /// @param files address of the files_struct of a task that has it open @param fd where
  /// @param others descriptors of the same task that may be registered with it
  static KernelRing of(KernelWords words, long files, int fd, List<Integer> others)
      throws SyscallException, UnsupportedKernel {
    var reading = new Reading(words, words.u64(words.u64(files + words.offset("files_struct", "fdt"))
        + words.offset("fdtable", "fd")), others);
    return reading.ring(fd);
  }

  private record Reading(KernelWords words, long table, List<Integer> others) {
    KernelRing ring(int fd) throws SyscallException, UnsupportedKernel {
      long context = privateData(file(fd));
      return new KernelRing(words.u32(context + at("flags")), parts(context),
          new Counters(words.offset("io_rings", "sq.head"), words.offset("io_rings", "sq.tail"),
              words.offset("io_rings", "cq.head"), words.offset("io_rings", "cq.tail")),
          issuer(context), slots(context), event(context), List.of());
    }

    private int at(String field) throws UnsupportedKernel {
      return words.offset("io_ring_ctx", field);
    }

    private long file(int fd) throws SyscallException {
      return words.u64(table + (long) Long.BYTES * fd);
    }

    private long privateData(long file) throws SyscallException, UnsupportedKernel {
      return words.u64(file + words.offset("file", "private_data"));
    }

    private List<String> parts(long context) throws SyscallException, UnsupportedKernel {
      var parts = new ArrayList<String>();
      if (isSet(context, "io_bl_xa.xa_head")) {
        parts.add("buffers for the kernel to choose from (IORING_REGISTER_PBUF_RING)");
      }
      if (isSet(context, "param_region.pages")) {
        parts.add("memory for its parameters (IORING_REGISTER_MEM_REGION)");
      }
      if (isSet(context, "zcrx_ctxs.xa_head")) {
        parts.add("queues of a network card (IORING_REGISTER_ZCRX_IFQ)");
      }
      if (isSet(context, "iowq_limits")) {
        parts.add("limits of its workers (IORING_REGISTER_IOWQ_MAX_WORKERS)");
      }
      if ((words.u64(context + at("restrictions.registered")) & 1) != 0) {
        parts.add("restrictions (IORING_REGISTER_RESTRICTIONS)");
      }
      if (words.u32(context + at("file_alloc_start")) != 0) {
        parts.add("a range of slots to choose from (IORING_REGISTER_FILE_ALLOC_RANGE)");
      }
      long overflow = context + at("cq_overflow_list");
      if (words.u64(overflow) != overflow) {
        parts.add("completions that found no room");
      }
      return parts;
    }

    /// What this kernel does not know it cannot have.
    private boolean isSet(long context, String field) throws SyscallException {
      try {
        return words.u64(context + at(field)) != 0;
      } catch (UnsupportedKernel e) {
        return false;
      }
    }

    private Optional<Tid> issuer(long context) throws SyscallException, UnsupportedKernel {
      long task = words.u64(context + at("submitter_task"));
      return task == 0 ? Optional.empty() : Optional.of(new Tid(words.u32(task + words.offset("task_struct", "pid"))));
    }

    private List<Slot> slots(long context) throws SyscallException, UnsupportedKernel {
      int count = words.u32(context + at("file_table.data.nr"));
      if (count < 0 || count > SLOTS_MAX) {
        throw new UnsupportedKernel(Integer.toUnsignedString(count) + " registered files");
      }
      long nodes = words.u64(context + at("file_table.data.nodes"));
      var slots = new ArrayList<Slot>();
      for (int i = 0; i < count; i++) {
        long node = words.u64(nodes + (long) Long.BYTES * i);
        if (node != 0) {
          if (words.u64(node + words.offset("io_rsrc_node", "tag")) != 0) {
            throw new UnsupportedKernel("a registered file with a tag");
          }
          long file = words.u64(node + words.offset("io_rsrc_node", "file_ptr")) & FILE_MASK;
          slots.add(new Slot(i, find(other -> file(other) == file)));
        }
      }
      return slots;
    }

    private Optional<Event> event(long context) throws SyscallException, UnsupportedKernel {
      long told = words.u64(context + at("io_ev_fd"));
      if (told == 0) {
        return Optional.empty();
      }
      long eventfd = words.u64(told + words.offset("io_ev_fd", "cq_ev_fd"));
      return Optional.of(new Event(find(other -> privateData(file(other)) == eventfd),
          (words.u32(told + words.offset("io_ev_fd", "eventfd_async")) & 1) != 0));
    }

    private interface Wanted {
      boolean is(int fd) throws SyscallException, UnsupportedKernel;
    }

    private OptionalInt find(Wanted wanted) throws SyscallException, UnsupportedKernel {
      for (int other : others) {
        if (wanted.is(other)) {
          return OptionalInt.of(other);
        }
      }
      return OptionalInt.empty();
    }
  }

  /// Requests of one task that have not completed, on whichever ring: what it has taken, less what it keeps in stock
  /// (io_uring/tctx.c).
  ///
  /// @param task address of the io_uring_task
  static int inFlight(KernelWords words, long task) throws SyscallException, UnsupportedKernel {
    long counter = task + words.offset("io_uring_task", "inflight");
    long sum = words.u64(counter + words.offset("percpu_counter", "count"));
    for (long cpu : words.perCpu(words.u64(counter + words.offset("percpu_counter", "counters")))) {
      sum += words.u32(cpu);
    }
    return (int) sum - words.u32(task + words.offset("io_uring_task", "cached_refs"));
  }

  static boolean hasRegisteredRings(KernelWords words, long task) throws SyscallException, UnsupportedKernel {
    long first = task + words.offset("io_uring_task", "registered_rings");
    for (int i = 0; i < REGISTERED_RINGS; i++) {
      if (words.u64(first + (long) Long.BYTES * i) != 0) {
        return true;
      }
    }
    return false;
  }
}
