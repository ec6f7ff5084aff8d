package stasis.cli;

import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;
import stasis.engine.Detachment;
import stasis.linux.abi.Fd;
import stasis.linux.abi.SyscallException;

/// Where the launcher waits for an exit status when this process may go on after it: see bin/stasis.
record StatusFd(int number) {
  private static final String VARIABLE = "STASIS_STATUS_FD";

  /// The same without it: it is nothing that a command reads.
  static Map<String, String> without(Map<String, String> environment) {
    Map<String, String> others = new TreeMap<>(environment);
    others.remove(VARIABLE);
    return others;
  }

  static Optional<StatusFd> of(Map<String, String> environment) {
    return Optional.ofNullable(environment.get(VARIABLE)).filter(text -> text.matches("[0-9]{1,4}"))
        .map(text -> new StatusFd(Integer.parseInt(text)));
  }

  /// Whoever started this process need not wait for it any more, as far as the launcher can make it so.
  static void leave(Console console, Map<String, String> environment) {
    of(environment).ifPresent(status -> {
      status.say(ExitStatus.DONE.code());
      try {
        Detachment.leave(Stream.of(0, 1, 2, status.number()).map(Fd::new).toList());
      } catch (SyscallException e) {
        console.say(String.valueOf(e.getMessage()));
      }
    });
  }

  void say(int status) {
    try (OutputStream out = new FileOutputStream("/proc/self/fd/" + number)) {
      out.write((status + "\n").getBytes(StandardCharsets.US_ASCII));
    } catch (IOException e) {
      // The launcher is gone: nobody waits.
    }
  }
}
