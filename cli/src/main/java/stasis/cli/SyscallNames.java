package stasis.cli;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import stasis.linux.abi.Arch;
import stasis.linux.abi.Nr;

/// Names of the system calls of x86_64 by number, also of those that the engine never makes: asm/unistd_64.h of Linux
/// 6.1, and what the engine knows of later ones.
final class SyscallNames {
  private static final String TABLE = "syscalls-x86_64.txt";

  private final Map<Long, String> names = new HashMap<>();

  SyscallNames() {
    for (Nr nr : Nr.values()) {
      names.put((long) nr.on(Arch.X86_64), nr.name().toLowerCase(Locale.ROOT));
    }
    try (InputStream in = SyscallNames.class.getResourceAsStream(TABLE)) {
      if (in == null) {
        throw new IllegalStateException("this build lacks " + TABLE);
      }
      for (String line : new String(in.readAllBytes(), StandardCharsets.US_ASCII).lines().toList()) {
        int space = line.indexOf(' ');
        names.put(Long.parseLong(line.substring(0, space)), line.substring(space + 1));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  String of(long number) {
    return names.getOrDefault(number, "syscall " + number);
  }
}
