package stasis.kinds.socket;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;

/// Asks the running kernel which numbers it takes for socket options, by a program.
final class KernelOptions {
  /// Arguments: family, type, protocol and level, over and over; prints level/number.
  private static final String PROGRAM = """
      #include <errno.h>
      #include <stdio.h>
      #include <stdlib.h>
      #include <sys/socket.h>
      #include <unistd.h>

      static int known(int result) { return result == 0 || (errno != ENOPROTOOPT && errno != EOPNOTSUPP); }

      int main(int argc, char **argv) {
        for (int i = 1; i + 3 < argc; i += 4) {
          int level = atoi(argv[i + 3]);
          for (int name = 1; name < 140; name++) {
            /* What setting one did must not be in the way of the next. */
            int fd = socket(atoi(argv[i]), atoi(argv[i + 1]), atoi(argv[i + 2]));
            if (fd < 0) break;
            long room[32] = {0}, zeros[32] = {0};
            socklen_t length = sizeof room;
            if (known(getsockopt(fd, level, name, room, &length)) || known(setsockopt(fd, level, name, zeros, 4)))
              printf("%d/%d\\n", level, name);
            close(fd);
          }
        }
      }
      """;

  private KernelOptions() {}

  /// As `level/number`, of new sockets of these sorts; none of sorts that this kernel does not have.
  static Set<String> of(Path compiler, Path work, List<List<Integer>> sorts, Set<Integer> levels)
      throws IOException, InterruptedException {
    Path source = Files.writeString(work.resolve("known.c"), PROGRAM);
    Path program = work.resolve("known");
    run(List.of(compiler.toString(), "-o", program.toString(), source.toString()), work.resolve("compiled"));
    List<String> command = new ArrayList<>(List.of(program.toString()));
    sorts.forEach(sort -> levels.forEach(level -> {
      sort.forEach(word -> command.add(word.toString()));
      command.add(level.toString());
    }));
    Path printed = work.resolve("printed");
    run(command, printed);
    return new TreeSet<>(Files.readAllLines(printed, StandardCharsets.US_ASCII));
  }

  private static void run(List<String> command, Path output) throws IOException, InterruptedException {
    Process process = new ProcessBuilder(command).redirectOutput(output.toFile())
        .redirectError(ProcessBuilder.Redirect.INHERIT).start();
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue()).isZero();
  }
}
