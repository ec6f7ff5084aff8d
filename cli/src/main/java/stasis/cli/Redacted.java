package stasis.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import stasis.engine.Redaction;
import stasis.linux.abi.Bytes;
import stasis.repository.ImageException;

/// What `--redact` says.
final class Redacted {
  private static final long MAX_FILE_BYTES = 64 << 10;

  private Redacted() {}

  /// @param pid root of the tree whose variables are looked up: what they hold is wiped elsewhere as well
  static Redaction of(CommandSpec spec, List<String> said, int pid) throws ImageException {
    Set<Bytes> patterns = new LinkedHashSet<>();
    List<String> variables = new ArrayList<>();
    boolean dontDump = false;
    for (String what : said) {
      String value = what.substring(what.indexOf(':') + 1);
      switch (what.replaceAll(":.*", "")) {
        case "env" -> variables.add(value);
        case "text" -> patterns.add(pattern(spec, value.getBytes(StandardCharsets.UTF_8)));
        case "hex" -> patterns.add(pattern(spec, hex(spec, value)));
        case "file" -> patterns.add(pattern(spec, file(Path.of(value))));
        case "dontdump" -> dontDump = true;
        default -> throw new ParameterException(spec.commandLine(), "--redact takes env:NAME, text:WORDS, hex:BYTES,"
            + " file:FILE or dontdump, not '" + what + "'");
      }
    }
    patterns.addAll(values(variables, pid));
    return new Redaction(List.copyOf(patterns), variables, dontDump);
  }

  private static Bytes pattern(CommandSpec spec, byte[] bytes) {
    if (bytes.length < Redaction.MIN_PATTERN_BYTES) {
      throw new ParameterException(spec.commandLine(), "--redact wipes what has " + Redaction.MIN_PATTERN_BYTES
          + " bytes at least; less occurs by chance");
    }
    return Bytes.of(bytes);
  }

  private static byte[] hex(CommandSpec spec, String digits) {
    try {
      return HexFormat.of().parseHex(digits);
    } catch (IllegalArgumentException _) {
      throw new ParameterException(spec.commandLine(), "--redact hex: takes hexadecimal digits, not '" + digits + "'");
    }
  }

  /// Without the end of its last line, which an editor has added.
  private static byte[] file(Path file) throws ImageException {
    try {
      if (Files.size(file) > MAX_FILE_BYTES) {
        throw new ImageException(ImageException.Reason.NO_ACCESS, file + " is too long for --redact",
            "give one of 64 KiB at most");
      }
      return Files.readString(file, StandardCharsets.ISO_8859_1).replaceAll("\n$", "")
          .getBytes(StandardCharsets.ISO_8859_1);
    } catch (IOException e) {
      throw new ImageException(ImageException.Reason.NO_ACCESS, "cannot read " + file + " for --redact",
          "check the path", e);
    }
  }

  /// What the tasks of a tree were given as values. Short ones are wiped behind their names only.
  private static Set<Bytes> values(List<String> variables, int pid) throws ImageException {
    Set<Bytes> values = new LinkedHashSet<>();
    if (variables.isEmpty()) {
      return values;
    }
    List<Long> pids = ProcessHandle.of(pid).map(root -> Stream.concat(Stream.of(root), root.descendants())
        .map(ProcessHandle::pid).toList()).orElse(List.of());
    for (long one : pids) {
      for (String word : environment(one)) {
        for (String name : variables) {
          byte[] value = word.startsWith(name + "=") ? word.substring(name.length() + 1)
              .getBytes(StandardCharsets.ISO_8859_1) : new byte[0];
          if (value.length >= Redaction.MIN_PATTERN_BYTES) {
            values.add(Bytes.of(value));
          }
        }
      }
    }
    return values;
  }

  private static String[] environment(long pid) throws ImageException {
    Path file = Path.of("/proc", Long.toString(pid), "environ");
    try {
      return new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1).split("\0");
    } catch (NoSuchFileException _) {
      return new String[0]; // it has ended
    } catch (IOException e) {
      throw new ImageException(ImageException.Reason.NO_ACCESS, "cannot read " + file + " for --redact: "
          + e.getMessage(), "run with CAP_SYS_PTRACE", e);
    }
  }
}
