package stasis.procfs;

import java.util.Optional;
import stasis.linux.abi.PathBytes;
import stasis.linux.abi.RemoteAddress;

/// One line of `/proc/PID/maps`: a vma with its rights and its backing (proc_pid_maps(5); fs/proc/task_mmu.c,
/// show_map_vma()).
///
/// @param start first address, unsigned @param end first address behind it, unsigned
/// @param protection `PROT_READ | PROT_WRITE | PROT_EXEC` @param shared whether VM_MAYSHARE is set
/// @param offset byte offset in the file; an anonymous vma has 0
/// @param device of the file, [Device#NONE] if there is none @param inode of the file, 0 if there is none
/// @param name as the kernel prints it, one char per byte, `\012` for newline; empty for a nameless anonymous vma
public record Vma(
    long start, long end, int protection, boolean shared, long offset, Device device, long inode, String name) {
  public static final int PROT_READ = 1;
  public static final int PROT_WRITE = 2;
  public static final int PROT_EXEC = 4;
  private static final String DELETED = " (deleted)";

  public RemoteAddress address() {
    return new RemoteAddress(start);
  }

  public long lengthBytes() {
    return end - start;
  }

  public boolean contains(RemoteAddress address) {
    return Long.compareUnsigned(start, address.bits()) <= 0 && Long.compareUnsigned(address.bits(), end) < 0;
  }

  public boolean readable() {
    return (protection & PROT_READ) != 0;
  }

  public boolean writable() {
    return (protection & PROT_WRITE) != 0;
  }

  public boolean executable() {
    return (protection & PROT_EXEC) != 0;
  }

  /// Private memory without a file: heap, stack, MAP_PRIVATE|MAP_ANONYMOUS. Shared anonymous memory is a file of the
  /// kernel's own tmpfs and answers false; so do the kernel's special mappings.
  public boolean isAnonymous() {
    return inode == 0 && !isSpecial() && !name.startsWith("/") && !name.startsWith("anon_inode:");
  }

  /// Memory that forks share (MAP_SHARED|MAP_ANONYMOUS, or a shared mapping of /dev/zero): a file of the kernel's own
  /// tmpfs that no path leads to (mm/shmem.c, shmem_zero_setup()).
  public boolean isSharedAnonymous() {
    return shared && (name.equals("/dev/zero" + DELETED) || name.startsWith("[anon_shmem:"));
  }

  /// Memory the kernel made and owns: vdso, vvar, vsyscall, uprobes (arch/x86/entry/vdso/vma.c,
  /// kernel/events/uprobes.c).
  public boolean isSpecial() {
    return switch (name) {
      case "[vdso]", "[vvar]", "[vvar_vclock]", "[vsyscall]", "[uprobes]", "[sigpage]", "[vectors]" -> inode == 0;
      default -> false;
    };
  }

  public boolean isVdso() {
    return inode == 0 && name.equals("[vdso]");
  }

  /// The main thread's stack, as the kernel labels it.
  public boolean isStack() {
    return inode == 0 && name.equals("[stack]");
  }

  public boolean isHeap() {
    return inode == 0 && name.equals("[heap]");
  }

  /// The name set by PR_SET_VMA_ANON_NAME (prctl(2)), shown as `[anon:x]` or, on shared memory, `[anon_shmem:x]`. The
  /// kernel admits neither brackets nor backslashes there, so no file name is mistaken for one unless it is relative.
  public Optional<String> anonName() {
    return bracketed("[anon:").or(() -> bracketed("[anon_shmem:"));
  }

  private Optional<String> bracketed(String prefix) {
    return name.startsWith(prefix) && name.endsWith("]")
        ? Optional.of(name.substring(prefix.length(), name.length() - 1))
        : Optional.empty();
  }

  /// Whether a file stands behind it: a path, a memfd, System V shared memory, an anon_inode.
  public boolean isFile() {
    return !name.isEmpty() && !isAnonymous() && !isSpecial();
  }

  /// The name ends in ` (deleted)`. A living file may be called so: see [#isAmbiguous].
  public boolean isDeleted() {
    return isFile() && name.endsWith(DELETED);
  }

  /// The file's path, without ` (deleted)` and with `\012` turned into a newline. Empty if no file stands behind it.
  public Optional<PathBytes> path() {
    if (!isFile()) {
      return Optional.empty();
    }
    String bare = isDeleted() ? name.substring(0, name.length() - DELETED.length()) : name;
    return Optional.of(PathBytes.of(bare.replace("\\012", "\n")));
  }

  /// Two files can print alike: only newline is escaped and not the backslash, and ` (deleted)` may be part of a name
  /// (fs/seq_file.c, mangle_path(); fs/d_path.c). Where this is true, ask readlink and stat of `map_files` instead
  /// ([ProcTask#mapFile]).
  public boolean isAmbiguous() {
    return isDeleted() || (isFile() && name.contains("\\012"));
  }

  /// As in maps, for messages.
  @Override
  public String toString() {
    String rights = (readable() ? "r" : "-") + (writable() ? "w" : "-") + (executable() ? "x" : "-")
        + (shared ? "s" : "p");
    return Long.toHexString(start) + "-" + Long.toHexString(end) + " " + rights + " " + Long.toHexString(offset) + " "
        + device + " " + inode + (name.isEmpty() ? "" : " " + name);
  }
}
