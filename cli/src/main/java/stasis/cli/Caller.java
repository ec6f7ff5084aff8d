package stasis.cli;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import stasis.engine.Stead;
import stasis.linux.abi.Fd;
import stasis.linux.abi.SyscallException;
import stasis.linux.peer.Descriptor;
import stasis.linux.peer.HeldProcess;

/// The process that asks, with copies of its standard descriptors; close it to let go of them.
record Caller(HeldProcess process, int firstFd, Path directory, Map<String, String> environment, List<Descriptor> stdio)
    implements AutoCloseable {
  private static final Path SELF = Path.of("/proc/self");
  private static final int STDERR = 2;
  /// Where the launcher has its own three: a shell's builtins move 0 and 1.
  static final int LAUNCHERS_STDIO = 4;
  /// What a command reads from its environment, besides all that is called STASIS_.
  private static final List<String> VARIABLES = List.of("HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "LANG", "LC_ALL",
      "LC_CTYPE", "TZ", "JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS");
  private static final String OURS = "STASIS_";
  /// What only the launcher reads.
  private static final Pattern LAUNCHERS = Pattern.compile("STASIS_(SERVE.*|WARM|BUILD|AOT|JAVA_HOME|JVM_DIRECTORY)");

  /// @param firstFd where it has its standard input; output and error follow
  /// @throws NotServedException where it is not as this process is; the process is closed then
  static Caller of(HeldProcess process, int firstFd) {
    Path proc = Path.of("/proc").resolve(process.pid().toString());
    List<Descriptor> stdio = new ArrayList<>();
    boolean done = false;
    try {
      for (int number = 0; number <= STDERR; number++) {
        stdio.add(process.copyOf(new Fd(firstFd + number)).orElseThrow(
            () -> new NotServedException("a standard descriptor is closed, or may not be taken")));
      }
      Surroundings.of(SELF).difference(Surroundings.of(proc)).ifPresent(name -> {
        throw new NotServedException("its " + name + " is another");
      });
      Map<String, String> environment = environment(proc);
      if (!relevant(environment).equals(relevant(System.getenv()))) {
        throw new NotServedException("its environment is another");
      }
      Path directory = Files.readSymbolicLink(proc.resolve("cwd"));
      if (!Files.isSameFile(directory, proc.resolve("cwd"))) {
        throw new NotServedException("its directory has no name");
      }
      if (!process.isAlive()) {
        throw new NotServedException("it has ended");
      }
      done = true;
      return new Caller(process, firstFd, directory, environment, List.copyOf(stdio));
    } catch (IOException e) {
      throw new NotServedException("it cannot be looked at: " + e.getMessage());
    } finally {
      if (!done) {
        stdio.forEach(Descriptor::close);
        process.close();
      }
    }
  }

  private static Map<String, String> environment(Path proc) throws IOException {
    Map<String, String> environment = new TreeMap<>();
    for (String entry : new String(Files.readAllBytes(proc.resolve("environ")), StandardCharsets.UTF_8).split("\0")) {
      int equals = entry.indexOf('=');
      if (equals > 0) {
        environment.put(entry.substring(0, equals), entry.substring(equals + 1));
      }
    }
    return environment;
  }

  /// What of an environment makes a difference to a command.
  static Map<String, String> relevant(Map<String, String> environment) {
    Map<String, String> relevant = new TreeMap<>(environment);
    relevant.keySet().removeIf(name -> !VARIABLES.contains(name)
        && (!name.startsWith(OURS) || LAUNCHERS.matcher(name).matches()));
    return relevant;
  }

  Console console() {
    Path error = Path.of("/proc").resolve(process.pid().toString()).resolve("fd/" + (firstFd + STDERR));
    return Console.of(stream(1), stream(STDERR), Console.isTerminal(error), environment);
  }

  private PrintStream stream(int number) {
    return new PrintStream(new BufferedOutputStream(new Into(stdio.get(number))), number == STDERR,
        number == STDERR ? System.err.charset() : System.out.charset());
  }

  Stead stead() {
    return new Stead(stdio.stream().map(Descriptor::fd).toList());
  }

  @Override
  public void close() {
    stdio.forEach(Descriptor::close);
    process.close();
  }

  /// A descriptor to write to.
  private static final class Into extends OutputStream {
    private final Descriptor descriptor;

    Into(Descriptor descriptor) {
      this.descriptor = descriptor;
    }

    @Override
    public void write(int value) throws IOException {
      write(new byte[] {(byte) value}, 0, 1);
    }

    @Override
    public void write(byte[] content, int from, int lengthBytes) throws IOException {
      try {
        descriptor.write(content, from, lengthBytes);
      } catch (SyscallException e) {
        throw new IOException(e.getMessage(), e);
      }
    }
  }
}
