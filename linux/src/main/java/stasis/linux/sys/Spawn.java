package stasis.linux.sys;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.nio.charset.StandardCharsets;
import java.util.List;

/// A child made with a clean table of descriptors: stdio from files, all else closed, no signal blocked or ignored, and
/// on wish a session of its own. posix_spawn(3) with the extensions of glibc 2.34 (addclosefrom_np, addchdir_np).
///
/// Strings are the program's bytes in UTF-8.
///
/// @param program absolute path @param arguments with argv[0] @param environment `NAME=value` each, and no others
/// @param directory to start in @param input file for stdin @param output appended to, also made, as is `error`
/// @param newSession whether it leads a new session and group (setsid(2))
@SuppressWarnings("restricted") // this module is the one that is granted native access
public record Spawn(String program, List<String> arguments, List<String> environment, String directory, String input,
    String output, String error, boolean newSession) {
  private static final Linker LINKER = Linker.nativeLinker();
  private static final MethodHandle SPAWN = handle("posix_spawn", ADDRESS, ADDRESS, ADDRESS, ADDRESS, ADDRESS, ADDRESS);
  private static final MethodHandle ACTIONS_INIT = handle("posix_spawn_file_actions_init", ADDRESS);
  private static final MethodHandle ACTIONS_DESTROY = handle("posix_spawn_file_actions_destroy", ADDRESS);
  private static final MethodHandle ADD_OPEN =
      handle("posix_spawn_file_actions_addopen", ADDRESS, JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT);
  private static final MethodHandle ADD_CHDIR = handle("posix_spawn_file_actions_addchdir_np", ADDRESS, ADDRESS);
  private static final MethodHandle ADD_CLOSE_FROM =
      handle("posix_spawn_file_actions_addclosefrom_np", ADDRESS, JAVA_INT);
  private static final MethodHandle ATTR_INIT = handle("posix_spawnattr_init", ADDRESS);
  private static final MethodHandle ATTR_DESTROY = handle("posix_spawnattr_destroy", ADDRESS);
  private static final MethodHandle SET_FLAGS = handle("posix_spawnattr_setflags", ADDRESS, JAVA_SHORT);
  private static final MethodHandle SET_MASK = handle("posix_spawnattr_setsigmask", ADDRESS, ADDRESS);
  private static final MethodHandle SET_DEFAULT = handle("posix_spawnattr_setsigdefault", ADDRESS, ADDRESS);

  /// No smaller than posix_spawnattr_t (336) and posix_spawn_file_actions_t (80) of any libc on 64 bits.
  private static final int OPAQUE_BYTES = 512;
  private static final int SIGSET_BYTES = 128;
  private static final short SETSIGDEF = 0x04;
  private static final short SETSIGMASK = 0x08;
  private static final short SETSID = 0x80;
  private static final int O_APPEND_CREATE_WRITE = 02000 | 0100 | 01;

  public Spawn {
    arguments = List.copyOf(arguments);
    environment = List.copyOf(environment);
  }

  private static MethodHandle handle(String symbol, MemoryLayout... arguments) {
    return LINKER.downcallHandle(LINKER.defaultLookup().findOrThrow(symbol),
        FunctionDescriptor.of(JAVA_INT, arguments));
  }

  /// Starts it. The child is the caller's: somebody must wait4(2) for it.
  ///
  /// @return the child's pid, or minus errno
  public long start() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment actions = arena.allocate(OPAQUE_BYTES, 16);
      MemorySegment attributes = arena.allocate(OPAQUE_BYTES, 16);
      int error = (int) ACTIONS_INIT.invokeExact(actions);
      error = error != 0 ? error : (int) ATTR_INIT.invokeExact(attributes);
      if (error != 0) {
        return -error;
      }
      error = prepare(arena, actions, attributes);
      MemorySegment pid = arena.allocate(JAVA_INT);
      if (error == 0) {
        error = (int) SPAWN.invokeExact(pid, text(arena, program), actions, attributes, vector(arena, arguments),
            vector(arena, environment));
      }
      int ignored = (int) ACTIONS_DESTROY.invokeExact(actions) + (int) ATTR_DESTROY.invokeExact(attributes);
      assert ignored == 0 : "destroying spawn attributes cannot fail";
      return error != 0 ? -error : pid.get(JAVA_INT, 0);
    } catch (Throwable t) {
      throw new AssertionError("downcall posix_spawn broke its descriptor", t);
    }
  }

  private int prepare(Arena arena, MemorySegment actions, MemorySegment attributes) throws Throwable {
    int error = open(arena, actions, 0, input, 0);
    error = error != 0 ? error : open(arena, actions, 1, output, O_APPEND_CREATE_WRITE);
    error = error != 0 ? error : open(arena, actions, 2, this.error, O_APPEND_CREATE_WRITE);
    error = error != 0 ? error : (int) ADD_CHDIR.invokeExact(actions, text(arena, directory));
    error = error != 0 ? error : (int) ADD_CLOSE_FROM.invokeExact(actions, 3);
    MemorySegment none = arena.allocate(SIGSET_BYTES, 8);
    MemorySegment all = arena.allocate(SIGSET_BYTES, 8).fill((byte) 0xff);
    error = error != 0 ? error : (int) SET_MASK.invokeExact(attributes, none);
    error = error != 0 ? error : (int) SET_DEFAULT.invokeExact(attributes, all);
    short flags = (short) (SETSIGDEF | SETSIGMASK | (newSession ? SETSID : 0));
    return error != 0 ? error : (int) SET_FLAGS.invokeExact(attributes, flags);
  }

  private static int open(Arena arena, MemorySegment actions, int fd, String path, int flags) throws Throwable {
    return (int) ADD_OPEN.invokeExact(actions, fd, text(arena, path), flags, 0644);
  }

  private static MemorySegment text(Arena arena, String text) {
    return arena.allocateFrom(text, StandardCharsets.UTF_8);
  }

  private static MemorySegment vector(Arena arena, List<String> words) {
    MemorySegment pointers = arena.allocate(ADDRESS, words.size() + 1L);
    for (int i = 0; i < words.size(); i++) {
      pointers.setAtIndex(ADDRESS, i, text(arena, words.get(i)));
    }
    return pointers;
  }
}
