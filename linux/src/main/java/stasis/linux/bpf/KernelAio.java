package stasis.linux.bpf;

import java.util.ArrayList;
import java.util.List;
import stasis.linux.abi.RemoteAddress;
import stasis.linux.abi.SyscallException;

/// A context for asynchronous I/O (io_setup(2)), as the kernel keeps it (fs/aio.c, struct kioctx).
///
/// @param ring its id: where its ring is mapped @param events how many the ring has room for, plus one
/// @param inFlight requests begun and not completed
public record KernelAio(RemoteAddress ring, int events, int inFlight) {
  /// Reading is not one moment: requests complete meanwhile, and count twice or not at all.
  private static final int READINGS_MAX = 16;

  /// @param mm address of the mm_struct
  static List<KernelAio> of(KernelWords words, long mm) throws SyscallException, UnsupportedKernel {
    List<KernelAio> seen = read(words, mm);
    for (int i = 0; i < READINGS_MAX; i++) {
      List<KernelAio> again = read(words, mm);
      if (again.equals(seen)) {
        return seen;
      }
      seen = again;
    }
    return seen;
  }

  private static List<KernelAio> read(KernelWords words, long mm) throws SyscallException, UnsupportedKernel {
    long table = words.u64(mm + words.offset("mm_struct", "ioctx_table"));
    var found = new ArrayList<KernelAio>();
    int count = table == 0 ? 0 : words.u32(table + words.offset("kioctx_table", "nr"));
    for (int i = 0; i < count; i++) {
      long context = words.u64(table + words.offset("kioctx_table", "table") + (long) Long.BYTES * i);
      if (context != 0) {
        found.add(context(words, context));
      }
    }
    return found;
  }

  /// A request takes one of `nr_events` - 1 slots, from the common count or a CPU's own share of it; once completed it
  /// is among `completed_events` until the slot is given back.
  private static KernelAio context(KernelWords words, long context) throws SyscallException, UnsupportedKernel {
    int events = words.u32(context + words.offset("kioctx", "nr_events"));
    int free = words.u32(context + words.offset("kioctx", "reqs_available"))
        + words.u32(context + words.offset("kioctx", "completed_events"));
    for (long cpu : words.perCpu(words.u64(context + words.offset("kioctx", "cpu")))) {
      free += words.u32(cpu + words.offset("kioctx_cpu", "reqs_available"));
    }
    return new KernelAio(new RemoteAddress(words.u64(context + words.offset("kioctx", "user_id"))), events,
        events - 1 - free);
  }
}
