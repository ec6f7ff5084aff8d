package stasis.linux.sys;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
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
public record Spawn(String program, List<String> arguments, List<String> environment, String directory, String input,
    String output, String error, boolean newSession) {
  private static final CFunction SPAWN = CFunction.of("posix_spawn");
  private static final CFunction ACTIONS_INIT = CFunction.of("posix_spawn_file_actions_init");
  private static final CFunction ACTIONS_DESTROY = CFunction.of("posix_spawn_file_actions_destroy");
  private static final CFunction ADD_OPEN = CFunction.of("posix_spawn_file_actions_addopen");
  private static final CFunction ADD_CHDIR = CFunction.of("posix_spawn_file_actions_addchdir_np");
  private static final CFunction ADD_DUP2 = CFunction.of("posix_spawn_file_actions_adddup2");
  private static final CFunction ADD_CLOSE_FROM = CFunction.of("posix_spawn_file_actions_addclosefrom_np");
  private static final CFunction ATTR_INIT = CFunction.of("posix_spawnattr_init");
  private static final CFunction ATTR_DESTROY = CFunction.of("posix_spawnattr_destroy");
  private static final CFunction SET_FLAGS = CFunction.of("posix_spawnattr_setflags");
  private static final CFunction SET_MASK = CFunction.of("posix_spawnattr_setsigmask");
  private static final CFunction SET_DEFAULT = CFunction.of("posix_spawnattr_setsigdefault");

  /// No smaller than posix_spawnattr_t (336) and posix_spawn_file_actions_t (80) of any libc on 64 bits.
  private static final int OPAQUE_BYTES = 512;
  private static final int SIGSET_BYTES = 128;
  private static final int STDERR = 2;
  private static final int SETSIGDEF = 0x04;
  private static final int SETSIGMASK = 0x08;
  private static final int SETSID = 0x80;
  private static final int O_APPEND_CREATE_WRITE = 02000 | 0100 | 01;

  public Spawn {
    arguments = List.copyOf(arguments);
    environment = List.copyOf(environment);
  }

  /// Starts it. The child is the caller's: somebody must wait4(2) for it.
  ///
  /// @return the child's pid, or minus errno
  public long start() {
    return startAbove(STDERR);
  }

  /// As above, and what it opens gets higher numbers than this: those up to it are taken, by its standard input.
  ///
  /// @return the child's pid, or minus errno
  public long startAbove(int lastFd) {
    try (Arena arena = Arena.ofConfined()) {
      long actions = arena.allocate(OPAQUE_BYTES, 16).address();
      long attributes = arena.allocate(OPAQUE_BYTES, 16).address();
      int error = ACTIONS_INIT.asInt(actions);
      error = error != 0 ? error : ATTR_INIT.asInt(attributes);
      if (error != 0) {
        return -error;
      }
      error = prepare(arena, actions, attributes);
      for (int fd = STDERR + 1; error == 0 && fd <= lastFd; fd++) {
        error = ADD_DUP2.asInt(actions, 0, fd);
      }
      MemorySegment pid = arena.allocate(JAVA_INT);
      if (error == 0) {
        error = SPAWN.asInt(pid.address(), text(arena, program), actions, attributes, vector(arena, arguments),
            vector(arena, environment));
      }
      int ignored = ACTIONS_DESTROY.asInt(actions) + ATTR_DESTROY.asInt(attributes);
      assert ignored == 0 : "destroying spawn attributes cannot fail";
      return error != 0 ? -error : pid.get(JAVA_INT, 0);
    }
  }

  private int prepare(Arena arena, long actions, long attributes) {
    int error = open(arena, actions, 0, input, 0);
    error = error != 0 ? error : open(arena, actions, 1, output, O_APPEND_CREATE_WRITE);
    error = error != 0 ? error : open(arena, actions, 2, this.error, O_APPEND_CREATE_WRITE);
    error = error != 0 ? error : ADD_CHDIR.asInt(actions, text(arena, directory));
    error = error != 0 ? error : ADD_CLOSE_FROM.asInt(actions, 3);
    MemorySegment none = arena.allocate(SIGSET_BYTES, 8);
    MemorySegment all = arena.allocate(SIGSET_BYTES, 8).fill((byte) 0xff);
    error = error != 0 ? error : SET_MASK.asInt(attributes, none.address());
    error = error != 0 ? error : SET_DEFAULT.asInt(attributes, all.address());
    int flags = SETSIGDEF | SETSIGMASK | (newSession ? SETSID : 0);
    return error != 0 ? error : SET_FLAGS.asInt(attributes, flags);
  }

  private static int open(Arena arena, long actions, int fd, String path, int flags) {
    return ADD_OPEN.asInt(actions, fd, text(arena, path), flags, 0644);
  }

  private static long text(Arena arena, String text) {
    return arena.allocateFrom(text, StandardCharsets.UTF_8).address();
  }

  private static long vector(Arena arena, List<String> words) {
    MemorySegment pointers = arena.allocate(ADDRESS, words.size() + 1L);
    for (int i = 0; i < words.size(); i++) {
      pointers.setAtIndex(JAVA_LONG, i, text(arena, words.get(i)));
    }
    return pointers.address();
  }
}
