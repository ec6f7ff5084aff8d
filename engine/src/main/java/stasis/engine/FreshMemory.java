package stasis.engine;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import stasis.image.ObjectId;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.linux.abi.RemoteAddress;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Uffd;
import stasis.linux.sys.Userfault;
import stasis.resource.MmState;
import stasis.resource.Program;
import stasis.resource.Step;
import stasis.resource.VmaState;
import stasis.tracee.RemoteMemory;
import stasis.tracee.Userfaults;
import stasis.tracee.stub.Stub;

/// Memory of a stub that has no pages yet. Each is made of its contents (userfaultfd(2), UFFDIO_COPY), where a write
/// would have the kernel clear it first. Any thread may write; nobody else may touch it meanwhile.
///
/// Made with USER_MODE_ONLY: everybody may, and a write of ours to a page that is missing fails and does not wait.
final class FreshMemory implements AutoCloseable {
  private static final long PAGE = 4096;
  private static final int O_NONBLOCK = 0x800;
  private static final Path LARGE_PAGES = Path.of("/sys/kernel/mm/transparent_hugepage");
  /// Sizes a folder may be named after; the largest is what the file beside them is about.
  private static final int SMALLEST_KIB = 8;
  private static final int LARGEST_KIB = 2048;
  /// VmFlags.
  private static final String ASKED = "hg";
  private static final String UNWANTED = "nh";

  private final Userfault uffd;
  private final RemoteMemory memory;

  private FreshMemory(Userfault uffd, RemoteMemory memory) {
    this.uffd = uffd;
    this.memory = memory;
  }

  /// Fills of memory that may be such. It gets small pages: not where larger ones would come by themselves.
  static Set<Step.Fill> fills(Program program, Capture capture) {
    boolean large = comeLarge();
    Map<ObjectId, Map<RemoteAddress, VmaState>> eligible = new HashMap<>();
    for (Map.Entry<ObjectId, MmState> mm : capture.mms().entrySet()) {
      eligible.put(mm.getKey(), LateFills.eligible(mm.getValue(), capture));
    }
    var fills = new HashSet<Step.Fill>();
    for (Step step : program.steps()) {
      if (step instanceof Step.Fill fill && !fill.forced()) {
        VmaState vma = eligible.getOrDefault(fill.body(), Map.of()).get(fill.to());
        if (vma != null && !vma.has(ASKED) && (!large || vma.has(UNWANTED))) {
          fills.add(fill);
        }
      }
    }
    return fills;
  }

  /// Whether memory for which nobody asked for it gets larger pages of any size.
  private static boolean comeLarge() {
    if (isAlways(LARGE_PAGES)) {
      return true;
    }
    for (int kib = SMALLEST_KIB; kib <= LARGEST_KIB; kib *= 2) {
      if (isAlways(LARGE_PAGES.resolve("hugepages-" + kib + "kB"))) {
        return true;
      }
    }
    return false;
  }

  private static boolean isAlways(Path size) {
    try {
      return Files.readString(size.resolve("enabled")).contains("[always]");
    } catch (IOException e) {
      return false; // a kernel without them
    }
  }

  /// @return empty where the kernel does not take this memory: write to it
  static Optional<FreshMemory> of(Stub stub, RemoteAddress start, long lengthBytes) {
    Userfault uffd;
    try {
      uffd = Userfaults.open(stub, O_NONBLOCK | Uffd.USER_MODE_ONLY);
    } catch (SyscallException e) {
      return Optional.empty();
    }
    try {
      uffd.agree(0);
      if (!Errno.isError(uffd.register(start, lengthBytes, Uffd.REGISTER_MODE_MISSING))) {
        return Optional.of(new FreshMemory(uffd, stub.memory()));
      }
    } catch (SyscallException e) {
      // An older kernel.
    }
    uffd.close();
    return Optional.empty();
  }

  /// Whole pages.
  void write(RemoteAddress to, MemorySegment content) throws SyscallException {
    for (long done = 0; done < content.byteSize();) {
      long moved = uffd.copy(to.plus(done), content.address() + done, content.byteSize() - done, Uffd.MODE_DONTWAKE);
      if (moved > 0) {
        done += moved;
      } else if (moved == -Errno.EEXIST.number() || moved == -Errno.ENOENT.number()) {
        memory.write(to.plus(done), content.asSlice(done, PAGE));
        done += PAGE;
      } else {
        throw new SyscallException(Nr.IOCTL, Errno.of(moved), "put pages in at " + to.plus(done) + " of task "
            + memory.task());
      }
    }
  }

  /// It is as any other memory from here on.
  @Override
  public void close() {
    uffd.close();
  }
}
