package stasis.cli;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.SplittableRandom;

/// What the demo can run: programs nobody here wrote, with real work that takes several seconds. Spelled as users type
/// them.
enum DemoProgram {
  python3("python3, computing digits of pi") {
    @Override
    List<String> prepare(Path folder, int size) throws IOException {
      Path script = folder.resolve("pi.py");
      try (InputStream source = DemoProgram.class.getResourceAsStream("pi.py")) {
        if (source == null) {
          throw new AssertionError("pi.py is not in the module");
        }
        Files.copy(source, script, StandardCopyOption.REPLACE_EXISTING);
      }
      return List.of("python3", script.toString(), Integer.toString(size));
    }

    @Override
    int defaultSize() {
      return 18_000;
    }
  },

  xz("xz, compressing a generated text") {
    @Override
    List<String> prepare(Path folder, int size) throws IOException {
      Path input = folder.resolve("input");
      if (!Files.exists(input)) {
        write(input, size);
      }
      return List.of("xz", "-6", "-T1", "--keep", "--stdout", input.toString());
    }

    @Override
    int defaultSize() {
      return 8 << 20;
    }

    // Words from a fixed seed: the same text on every machine.
    private static void write(Path input, int size) throws IOException {
      SplittableRandom random = new SplittableRandom(25);
      byte[][] words = new byte[5000][];
      for (int i = 0; i < words.length; i++) {
        StringBuilder word = new StringBuilder();
        random.ints(random.nextInt(2, 9), 'a', 'z' + 1).forEach(word::appendCodePoint);
        words[i] = word.append(' ').toString().getBytes(StandardCharsets.US_ASCII);
      }
      try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(input))) {
        for (int left = size; left > 0;) {
          byte[] word = words[random.nextInt(words.length)];
          int length = Math.min(left, word.length);
          out.write(word, 0, length);
          left -= length;
        }
      }
    }
  };

  private final String title;

  DemoProgram(String title) {
    this.title = title;
  }

  String title() {
    return title;
  }

  /// Writes what the program needs. @return its command line
  ///
  /// @param size digits, or bytes of input
  abstract List<String> prepare(Path folder, int size) throws IOException;

  /// Some ten seconds of work.
  abstract int defaultSize();

  boolean installed() {
    for (String folder : System.getenv().getOrDefault("PATH", "/usr/bin:/bin").split(":", -1)) {
      if (Files.isExecutable(Path.of(folder, name()))) {
        return true;
      }
    }
    return false;
  }
}
