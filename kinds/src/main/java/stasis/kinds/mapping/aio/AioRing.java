package stasis.kinds.mapping.aio;

import java.lang.invoke.MethodHandles;
import java.util.Optional;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Mman;
import stasis.linux.abi.Nr;
import stasis.linux.abi.Open;
import stasis.linux.abi.RemoteAddress;
import stasis.resource.AioContext;
import stasis.resource.Arg;
import stasis.resource.Mapping;
import stasis.resource.MappingKind;
import stasis.resource.ObstructedException;
import stasis.resource.Ref;
import stasis.resource.Refs;
import stasis.resource.Script;
import stasis.resource.VmaState;

/// The ring of a context for asynchronous I/O (io_setup(2)), with the events that were not read. The context's id is
/// where its ring lies, and moves with it (fs/aio.c, aio_ring_mremap()). Where the kernel writes the next event only
/// requests move: so as many as ever were are made again, on an empty pipe's nothing, and their events overwritten.
///
/// A child of fork(2) has the ring and not the context: it gets both so again, by being born of its parent.
public final class AioRing implements MappingKind<AioRing.State> {
  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "mapping.aio", 1);
  private static final String NAME = "/[aio]";
  private static final int MAGIC = 0xa10a10a1;
  private static final int HEADER_BYTES = 32;
  private static final int EVENT_BYTES = 32;
  private static final int EVENTS_AT = 4;
  private static final int HEAD_AT = 8;
  private static final int TAIL_AT = 12;
  private static final int MAGIC_AT = 16;
  private static final int PAGE_EVENTS = 4096 / EVENT_BYTES;
  /// Two of them hold a request.
  private static final int REQUEST_SLOTS = 2;
  private static final int IOCB_BYTES = 64;
  private static final int FILE_AT = 20;
  private static final int FUTEX_WAIT_PRIVATE = 128;
  private static final int TIMESPEC_BYTES = 16;

  /// @param events slots of the ring @param head the first unread event's @param tail the next event's
  /// @param unread `struct io_event` of those between, in order
  record State(@Tag(1) int events, @Tag(2) int head, @Tag(3) int tail, @Tag(4) Bytes unread) {
    State {
      if (events < PAGE_EVENTS - 1 || (events + 1) % PAGE_EVENTS != 0 || head < 0 || head >= events || tail < 0
          || tail >= events || unread.length() != (tail - head + (tail < head ? events : 0)) * EVENT_BYTES) {
        throw new IllegalArgumentException("no ring has " + events + " events, unread from " + head + " to " + tail);
      }
    }

    long lengthBytes() {
      return HEADER_BYTES + (long) EVENT_BYTES * events;
    }
  }

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public boolean recognises(Mapping mapping) {
    return mapping.vma().name().startsWith(NAME);
  }

  @Override
  public String key(Mapping mapping) {
    return mapping.vma().device() + " " + mapping.vma().inode() + " " + mapping.vma().start();
  }

  @Override
  public State checkpoint(Mapping mapping) throws ObstructedException {
    RemoteAddress start = mapping.vma().address();
    AioContext context = mapping.group().aioContexts().orElseThrow(() -> new ObstructedException(mapping.subject(),
        "whether requests of asynchronous I/O (io_submit) are in flight cannot be told", "run with CAP_BPF and "
            + "CAP_PERFMON, or let the program io_destroy the context")).stream()
        .filter(known -> known.ring().equals(start)).findFirst()
        .orElseThrow(() -> new ObstructedException(mapping.subject(),
            "it is the ring of a context for asynchronous I/O (io_setup) that is not this process's, or is gone",
            "let the program unmap it"));
    if (context.inFlight() != 0) {
      throw new ObstructedException(mapping.subject(), context.inFlight() + " requests of asynchronous I/O (io_submit)"
          + " are in flight and did not complete while they were waited for",
          "let the program io_cancel them, or make ready what they poll");
    }
    Bytes header = mapping.peek(0, HEADER_BYTES);
    int events = context.events();
    int head = Integer.remainderUnsigned(header.u32(HEAD_AT), events);
    int tail = header.u32(TAIL_AT);
    if (header.u32(MAGIC_AT) != MAGIC || tail < 0 || tail >= events || mapping.vma().offset() != 0
        || mapping.vma().lengthBytes() != HEADER_BYTES + (long) EVENT_BYTES * events) {
      throw new ObstructedException(mapping.subject(),
          "the ring of asynchronous I/O is not as the kernel made it: written over, or mapped in part", "");
    }
    Bytes unread = head <= tail ? events(mapping, head, tail)
        : events(mapping, head, events).concat(events(mapping, 0, tail));
    return new State(events, head, tail, unread);
  }

  private static Bytes events(Mapping mapping, int from, int to) throws ObstructedException {
    return mapping.peek(HEADER_BYTES + (long) EVENT_BYTES * from, (to - from) * EVENT_BYTES);
  }

  @Override
  public Pages pages(State state) {
    return Pages.NONE;
  }

  @Override
  public Optional<Ref<Fd>> open(State state, Script script, Refs refs) {
    return Optional.empty();
  }

  @Override
  public void map(State state, VmaState vma, int prot, Optional<Ref<Fd>> file, Script script, Refs refs) {
    Arg at = Arg.address(vma.start());
    Arg length = Arg.imm(vma.lengthBytes());
    // mremap(2) knows no MAP_FIXED_NOREPLACE: the place is taken by a mapping that does.
    script.callExpecting(vma.start().bits(), Nr.MMAP, "take the place of a ring", at, length, Arg.imm(Mman.PROT_NONE),
        Arg.imm(Mman.MAP_PRIVATE | Mman.MAP_ANONYMOUS | Mman.MAP_NORESERVE | Mman.MAP_FIXED_NOREPLACE), Arg.imm(-1),
        Arg.imm(0));
    Ref<?> context = script.call(Nr.IO_SETUP, "a context for asynchronous I/O", Arg.imm(requests(state.events())),
        Arg.space(Long.BYTES));
    script.callExpecting(vma.start().bits(), Nr.MREMAP, "its ring, and so its id",
        Arg.output(context, 1, 0, Long.BYTES), length, length, Arg.imm(Mman.MREMAP_MAYMOVE | Mman.MREMAP_FIXED), at);
    script.callExpecting(-Errno.ETIMEDOUT.number(), Nr.FUTEX,
        "as long as it was: a host of more CPUs makes a longer one", Arg.address(vma.start().plus(EVENTS_AT)),
        Arg.imm(FUTEX_WAIT_PRIVATE), Arg.imm(state.events()), Arg.data(Bytes.zeros(TIMESPEC_BYTES)));
    if (state.tail() != 0 || state.head() != 0) {
      new Replay(state, vma.start(), script).write();
    }
    if (prot != (Mman.PROT_READ | Mman.PROT_WRITE)) {
      script.call(Nr.MPROTECT, "its protection", at, length, Arg.imm(prot));
    }
  }

  /// The fewest requests to ask io_setup(2) for that make a ring of so many slots (fs/aio.c, ioctx_alloc(),
  /// aio_setup_ring()): twice as many slots and two more, rounded up to whole pages.
  static int requests(int events) {
    int before = events - PAGE_EVENTS;
    return before < 0 ? 1 : (before - 2) / 2 + 1;
  }

  /// Requests made again. Each reads nothing from an empty pipe, which completes at once. The kernel counts a slot free
  /// once its event lies before the head: so the head follows, up to where it was, and the unread stay behind it.
  private record Replay(State state, RemoteAddress ring, Script script) {
    void write() {
      Ref<?> pipe = script.call(Nr.PIPE2, "a pipe to read nothing from", Arg.space(Long.BYTES),
          Arg.imm(Open.O_CLOEXEC));
      int unread = state.unread().length() / EVENT_BYTES;
      int at = 0;
      while (at < state.head()) {
        int count = Math.min(state.head() - at, stretch(at));
        submit(pipe, at, count);
        at += count;
        script.poke(ring.plus(HEAD_AT), Bytes.ofU32(at), "events up to here are read");
      }
      for (int left = unread; left > 0;) {
        int count = Math.min(left, stretch(at));
        submit(pipe, at, count);
        at = (at + count) % state.events();
        left -= count;
      }
      script.call(Nr.CLOSE, "the pipe", Arg.output(pipe, 0, 0, Integer.BYTES));
      script.call(Nr.CLOSE, "the pipe", Arg.output(pipe, 0, Integer.BYTES, Integer.BYTES));
      int upToEnd = Math.min(unread, state.events() - state.head());
      poke(state.head(), state.unread().slice(0, upToEnd * EVENT_BYTES));
      poke(0, state.unread().slice(upToEnd * EVENT_BYTES, (unread - upToEnd) * EVENT_BYTES));
    }

    /// How many events can be written from there until they would reach the request.
    private int stretch(int at) {
      int half = state.events() / 2;
      return at < half ? half - at : state.events() - at;
    }

    private RemoteAddress slot(int number) {
      return ring.plus(HEADER_BYTES + (long) EVENT_BYTES * number);
    }

    /// The request lies in the half of the ring that gets no events now.
    private void submit(Ref<?> pipe, int at, int count) {
      RemoteAddress request = slot(at < state.events() / 2 ? state.events() - REQUEST_SLOTS : 0);
      Arg reader = Arg.output(pipe, 0, 0, Integer.BYTES);
      script.callExpecting(IOCB_BYTES, Nr.WRITE, "a request to read nothing",
          Arg.output(pipe, 0, Integer.BYTES, Integer.BYTES), new Arg.Struct(Bytes.zeros(IOCB_BYTES),
              java.util.List.of(new Arg.Patch(FILE_AT, Integer.BYTES, reader))), Arg.imm(IOCB_BYTES));
      script.callExpecting(IOCB_BYTES, Nr.READ, "the request, in the ring's own memory", reader, Arg.address(request),
          Arg.imm(IOCB_BYTES));
      long[] pointers = new long[count];
      java.util.Arrays.fill(pointers, request.bits());
      script.callExpecting(count, Nr.IO_SUBMIT, "events " + at + " to " + (at + count - 1), Arg.address(ring),
          Arg.imm(count), Arg.data(Bytes.ofU64(pointers)));
    }

    private void poke(int slot, Bytes events) {
      if (!events.isEmpty()) {
        script.poke(slot(slot), events, "events that were not read");
      }
    }
  }
}
