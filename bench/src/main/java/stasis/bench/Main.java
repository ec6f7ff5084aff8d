package stasis.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;

/// Measures Stasis, and a peer beside it, round by round in turn, so that a change of the machine's mood meets both.
final class Main {
  private static final String USAGE = """
      bin/bench [--rounds N] [--only NAME,...] [--folder DIR]
                [--peer-checkpoint COMMAND --peer-leave-running COMMAND --peer-restore COMMAND --peer-frozen COMMAND]
      A peer's commands are split at spaces and hold {pid} and {image}. --peer-frozen prints the milliseconds that the
      checkpoint in {image} kept its program frozen. Images go to --folder, by default a new one below /tmp.
      Workloads: sleep, python, tcp, random, random4, thp, dirty1, dirty10, dirty50, redis, postgres, jvm, gap, drift,
      scatter, threads, threads10000, vmas, tree10, tree100, tree1000.
      bin/bench --storing FILE [--rounds N] [--only NAME]     how fast and how small images are, in several forms; FILE
                has further commands, `name: command`, with {pid} and {image}, a folder
      bin/bench --series N [--with OPTION,...] [--only NAME]  N checkpoints of one slowly changing program: drift,
                scatter""";
  private static final int DEFAULT_ROUNDS = 5;

  private Main() {}

  static void main(String[] args) throws IOException, InterruptedException {
    Map<String, String> options = new LinkedHashMap<>();
    for (int i = 0; i < args.length; i += 2) {
      if (!args[i].startsWith("--") || i + 1 == args.length) {
        System.err.println(USAGE);
        System.exit(2);
      }
      options.put(args[i], args[i + 1]);
    }
    Path root = Path.of(options.getOrDefault("--root", "."));
    Path folder = options.containsKey("--folder") ? Path.of(options.get("--folder"))
        : Files.createTempDirectory("stasis-bench");
    int rounds = Integer.parseInt(options.getOrDefault("--rounds", Integer.toString(DEFAULT_ROUNDS)));
    List<Contender> contenders = new ArrayList<>(List.of(new Stasis(root.resolve("bin/stasis"))));
    if (options.containsKey("--peer-checkpoint")) {
      contenders.add(new Peer(options));
    }
    System.out.println(Machine.describe(root));
    List<String> wanted = List.of(options.getOrDefault("--only", "").split(","));
    if (options.containsKey("--storing") || options.containsKey("--series")) {
      ofImages(options, root, folder, rounds, wanted);
      return;
    }
    System.out.println(Figures.header(contenders.size() > 1));
    for (Workload workload : Workload.all(root.resolve("bench/workloads"), folder)) {
      if (!options.containsKey("--only") || wanted.contains(workload.name())) {
        measure(workload, contenders, rounds, folder);
      }
    }
  }

  private static void ofImages(Map<String, String> options, Path root, Path folder, int rounds, List<String> wanted)
      throws IOException, InterruptedException {
    Path launcher = root.resolve("bin/stasis");
    for (Workload workload : Workload.all(root.resolve("bench/workloads"), folder)) {
      boolean named = options.containsKey("--only") ? wanted.contains(workload.name()) : workload.name().equals("drift");
      if (options.containsKey("--series") && named) {
        new Series(launcher, folder).measure(workload, Integer.parseInt(options.getOrDefault("--series", "20")),
            Arrays.stream(options.getOrDefault("--with", "").split(",")).filter(word -> !word.isEmpty()).toList());
      } else if (options.containsKey("--storing") && named) {
        Storing.of(Files.readAllLines(Path.of(options.getOrDefault("--storing", "/dev/null"))), launcher, folder)
            .measure(workload, rounds);
      }
    }
  }

  private static void measure(Workload workload, List<Contender> contenders, int rounds, Path folder)
      throws IOException, InterruptedException {
    SequencedMap<String, Figures> figures = new LinkedHashMap<>();
    contenders.forEach(contender -> figures.put(contender.name(), new Figures()));
    String loadBefore = Machine.load();
    // The first round warms the page cache and makes start-up caches: it does not count.
    for (int round = 0; round <= rounds; round++) {
      List<Contender> order = round % 2 == 0 ? contenders : contenders.reversed();
      for (Contender contender : order) {
        Figures into = round == 0 ? new Figures() : figures.getOrDefault(contender.name(), new Figures());
        new Cycle(workload, contender, folder, into).run();
      }
    }
    System.out.println(Figures.rows(workload.title(), figures.values().stream().toList()));
    System.out.println("<!-- load before " + loadBefore + ", after " + Machine.load() + " -->");
  }
}
