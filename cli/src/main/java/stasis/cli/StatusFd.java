package stasis.cli;

import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Optional;

/// Where the launcher waits for an exit status when this process may go on after it: see bin/stasis.
record StatusFd(int number) {
  private static final String VARIABLE = "STASIS_STATUS_FD";

  static Optional<StatusFd> of(Map<String, String> environment) {
    return Optional.ofNullable(environment.get(VARIABLE)).filter(text -> text.matches("[0-9]{1,4}"))
        .map(text -> new StatusFd(Integer.parseInt(text)));
  }

  void say(int status) {
    try (OutputStream out = new FileOutputStream("/proc/self/fd/" + number)) {
      out.write((status + "\n").getBytes(StandardCharsets.US_ASCII));
    } catch (IOException e) {
      // The launcher is gone: nobody waits.
    }
  }
}
