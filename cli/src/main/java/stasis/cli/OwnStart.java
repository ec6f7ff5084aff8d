package stasis.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import stasis.linux.abi.Bytes;

/// How this process was started, as the kernel has it: of a process that came from a start-up image the JVM tells how
/// the one in the image was.
///
/// @param words without the name of the program @param environment NAME=value each
record OwnStart(List<Bytes> words, List<Bytes> environment) {
  static final Path SELF = Path.of("/proc/self");

  static OwnStart read() throws IOException {
    List<Bytes> all = strings(Files.readAllBytes(SELF.resolve("cmdline")));
    return new OwnStart(all.subList(Math.min(1, all.size()), all.size()),
        strings(Files.readAllBytes(SELF.resolve("environ"))));
  }

  private static List<Bytes> strings(byte[] content) {
    Bytes text = Bytes.of(content);
    List<Bytes> strings = new ArrayList<>();
    int from = 0;
    for (int at = 0; at < text.length(); at++) {
      if (text.u8(at) == 0) {
        strings.add(text.slice(from, at - from));
        from = at + 1;
      }
    }
    return strings;
  }

  /// Whether text is the same in every locale.
  boolean isPlain() {
    return words.stream().allMatch(word -> word.latin1().length() == word.length()
        && word.latin1().chars().allMatch(character -> character < 0x80));
  }

  List<String> plainWords() {
    return words.stream().map(Bytes::latin1).toList();
  }

  Map<String, String> variables() {
    Map<String, String> variables = new TreeMap<>();
    for (Bytes entry : environment) {
      String text = new String(entry.toArray(), StandardCharsets.UTF_8);
      int equals = text.indexOf('=');
      if (equals > 0) {
        variables.putIfAbsent(text.substring(0, equals), text.substring(equals + 1));
      }
    }
    return variables;
  }

  /// The working directory by its name.
  ///
  /// @throws NotServedException where it has none
  static Path directory() throws IOException {
    Path directory = Files.readSymbolicLink(SELF.resolve("cwd"));
    if (!Files.exists(directory) || !Files.isSameFile(directory, SELF.resolve("cwd"))) {
      throw new NotServedException("its directory has no name");
    }
    return directory;
  }
}
