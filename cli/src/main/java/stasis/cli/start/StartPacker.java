package stasis.cli.start;

import static stasis.cli.start.StartCalls.value;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import stasis.cli.start.StartCalls.Operand;
import stasis.image.DecodeException;
import stasis.image.Fields;
import stasis.image.ObjectId;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Nr;
import stasis.repository.ImageException;
import stasis.repository.ImageReader;

/// Writes a start-up image: an executable that becomes a resting engine. docs/designs/warm-start.md.
public final class StartPacker {
  private static final int PAGE_BYTES = 4096;
  private static final int SIG_BLOCK = 0;
  private static final int SIGSET_BYTES = 8;
  private static final int O_CLOEXEC = 02000000;
  private static final int O_ACCMODE = 3;
  private static final int AT_FDCWD = -100;
  private static final int F_DUPFD_CLOEXEC = 1030;
  private static final int RLIMIT_NOFILE = 7;
  private static final int F_GETFD = 1;
  private static final int STDERR = 2;
  private static final long NS = 1_000_000_000L;
  private static final int LAST_SIGNAL = 64;
  private static final int SIGCHLD = 17;
  /// HUP, INT, TERM.
  private static final Set<Integer> LEFT_IGNORED = Set.of(1, 2, 15);
  private static final long SIG_IGN = 1;
  /// `struct sigaction` is 32 bytes (arch/x86/include/uapi/asm/signal.h).
  private static final int SIGACTION_SHIFT = 5;
  private static final int THREAD_BYTES = 40;

  private final ImageReader reader;
  private final StartImage image;
  private final StartData data = new StartData();
  private final StartMemory memory;

  private StartPacker(ImageReader reader) throws ImageException, DecodeException, UnfitException {
    this.reader = reader;
    image = new StartImage(reader);
    memory = new StartMemory(image, data, PAGE_BYTES + StartData.BYTES);
  }

  /// @param from the image of the engine @param to a file that is not there yet
  /// @param cold path of the command that is run where this cannot be @param never what tells it so: NAME=value
  /// @param made what it will say it was last written at; one that says something else is not started from
  public static void pack(Path from, Path to, String cold, String never, FileTime made)
      throws IOException, ImageException, DecodeException, UnfitException {
    try (ImageReader reader = ImageReader.open(from)) {
      new StartPacker(reader).write(to, cold, never, made);
    }
  }

  private void write(Path to, String cold, String never, FileTime made)
      throws IOException, ImageException, DecodeException, UnfitException {
    data.word(StartCode.COLD, data.text(cold));
    data.word(StartCode.EXTRA, data.text(never));
    List<StartThread> threads = new ArrayList<>();
    for (ObjectId task : image.tasks()) {
      threads.add(new StartThread(image, task));
    }
    if (threads.stream().filter(StartThread::rests).count() != 1) {
      throw new UnfitException("it does not rest");
    }
    StartCalls calls = new StartCalls();
    calls.call(Nr.RT_SIGPROCMASK, value(SIG_BLOCK), value(data.put(Bytes.ofU64(-1), 8)),
        value(StartCode.DATA + StartCode.MASK), value(SIGSET_BYTES));
    plain(calls);
    limits(calls);
    Operand self = calls.call(Nr.OPENAT, value(AT_FDCWD), value(data.text("/proc/self/exe")), value(O_CLOEXEC),
        value(0));
    long found = data.room(StartMemory.STAT_BYTES);
    calls.call(Nr.FSTAT, self, value(found));
    long ns = made.to(TimeUnit.NANOSECONDS);
    calls.same(found + StartMemory.STAT_TIMES, data.put(Bytes.ofU64(Math.floorDiv(ns, NS), Math.floorMod(ns, NS)), 8),
        2 * Long.BYTES);
    long size = data.room(Long.BYTES);
    calls.same(found + StartMemory.STAT_SIZE, size, Long.BYTES);
    memory.moveVdso(calls);
    memory.map(calls, self);
    data.set(size, memory.fileEnd());
    calls.call(Nr.CLOSE, self);
    files(calls);
    actions(calls);
    threads.getFirst().first(calls, data);
    births(threads);
    data.word(StartCode.FRAME, threads.getFirst().frame(data));
    data.word(StartCode.FIRST, data.list(calls));
    data.word(StartCode.COUNT, calls.count());
    write(to);
    Files.setLastModifiedTime(to, made);
  }

  /// What a JVM looks at when it starts is as it was for this one: three descriptors, no signal blocked, and that of
  /// children not ignored.
  private void plain(StartCalls calls) {
    long none = data.room(Long.BYTES);
    calls.same(StartCode.DATA + StartCode.MASK, none, Long.BYTES);
    for (int fd = 0; fd <= STDERR; fd++) {
      calls.call(Nr.FCNTL, value(fd), value(F_GETFD));
    }
    long action = data.room(1 << SIGACTION_SHIFT);
    calls.call(Nr.RT_SIGACTION, value(SIGCHLD), value(0), value(action), value(SIGSET_BYTES));
    calls.same(action, none, Long.BYTES);
  }

  /// As a JVM does at its start.
  private void limits(StartCalls calls) {
    long limit = data.room(2 * Long.BYTES);
    calls.call(Nr.PRLIMIT64, value(0), value(RLIMIT_NOFILE), value(0), value(limit));
    calls.move(value(limit), value(limit + Long.BYTES), Long.BYTES);
    calls.attempt(Nr.PRLIMIT64, value(0), value(RLIMIT_NOFILE), value(limit), value(0));
  }

  private void files(StartCalls calls) throws DecodeException, UnfitException, IOException {
    for (Fields entry : image.one("core.files").records("entries")) {
      long fd = entry.number("fd");
      StartImage.Kinded file = image.object(entry.id("file"));
      boolean device = file.schema().equals("file.memdev");
      boolean filler = device && file.fields().text("path").equals("/dev/null");
      if (fd <= 2 || filler) {
        continue;
      }
      String path = file.fields().text("path");
      long flags = file.fields().number("flags");
      if (!device && !file.schema().equals("file.regular") || (flags & O_ACCMODE) != 0
          || file.fields().text("gone").equals("true") || !file.fields().records("locks").isEmpty()) {
        throw new UnfitException("it has a " + file.schema() + " open, " + path);
      }
      Operand opened = device ? calls.call(Nr.OPENAT, value(AT_FDCWD), value(data.text(path)), value(O_CLOEXEC),
          value(0)) : memory.open(calls, path, 0);
      calls.exactly(fd, Nr.FCNTL, opened, value(F_DUPFD_CLOEXEC), value(fd));
      calls.call(Nr.CLOSE, opened);
      if (file.fields().number("positionBytes") != 0) {
        calls.call(Nr.LSEEK, value(fd), value(file.fields().number("positionBytes")), value(0));
      }
    }
  }

  /// Those that have handlers. What is ignored, or not, is the starter's to say.
  private void actions(StartCalls calls) throws DecodeException, UnfitException {
    for (Fields action : image.one("group.actions").records("actions")) {
      int signal = (int) action.number("signal");
      if (Long.compareUnsigned(action.number("handler"), 1) > 0 && signal <= LAST_SIGNAL) {
        Bytes handled = Bytes.ofU64(action.number("handler"), action.number("flags"), action.number("restorer"),
            action.number("mask"));
        calls.call(Nr.RT_SIGACTION, value(signal), LEFT_IGNORED.contains(signal)
            ? unlessIgnored(calls, signal, handled) : value(data.put(handled, 8)), value(0), value(SIGSET_BYTES));
      }
    }
  }

  /// As a JVM does at its start: after an exec(2) a signal is ignored, 1, or is not, 0, and that says which of two
  /// actions it is to have.
  private Operand unlessIgnored(StartCalls calls, int signal, Bytes handled) {
    long either = data.put(handled.concat(Bytes.ofU64(SIG_IGN, 0, 0, 0)), 8);
    long now = data.room(1 << SIGACTION_SHIFT);
    calls.call(Nr.RT_SIGACTION, value(signal), value(0), value(now), value(SIGSET_BYTES));
    Operand offset = new Operand.At(now);
    for (int doubled = 0; doubled < SIGACTION_SHIFT; doubled++) {
      offset = calls.sum(offset, offset);
    }
    return calls.sum(offset, value(either));
  }

  private void births(List<StartThread> threads) throws DecodeException, UnfitException {
    ByteBuffer table = ByteBuffer.allocate((threads.size() - 1) * THREAD_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    for (StartThread thread : threads.subList(1, threads.size())) {
      StartCalls own = thread.calls(data);
      table.putLong(thread.threadPointer()).putLong(thread.tidAddress()).putLong(thread.frame(data))
          .putLong(data.list(own)).putLong(own.count());
    }
    data.word(StartCode.THREADS, data.put(Bytes.of(table.clear()), 8));
    data.word(StartCode.THREAD_COUNT, threads.size() - 1);
  }

  private void write(Path to) throws IOException, ImageException {
    try (FileChannel out = FileChannel.open(to, Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
        PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")))) {
      put(out, StartElf.head(), 0);
      put(out, data.content(), PAGE_BYTES);
      for (StartMemory.Piece piece : memory.pieces()) {
        ByteBuffer pages = ByteBuffer.allocate(Math.toIntExact(piece.run().storedBytes()));
        reader.readPages(piece.run().sectionOffset(), pages);
        put(out, pages.clear(), piece.fileOffset());
      }
    }
  }

  private static void put(FileChannel out, ByteBuffer bytes, long offset) throws IOException {
    long at = offset;
    while (bytes.hasRemaining()) {
      at += out.write(bytes, at);
    }
  }
}
