package stasis.cli;

import java.io.IOException;
import java.io.InputStream;
import java.lang.module.ModuleReader;
import java.lang.module.ModuleReference;
import java.lang.module.ResolvedModule;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import stasis.cli.Engine.Outcome;
import stasis.cli.start.StartPacker;
import stasis.cli.start.UnfitException;
import stasis.image.DecodeException;
import stasis.kinds.Outside;
import stasis.linux.peer.HeldProcess;
import stasis.linux.peer.OwnProcess;
import stasis.linux.peer.Readiness;
import stasis.repository.ImageException;

/// Makes the start-up image: has an engine warm up and rest, checkpoints it, and writes the executable that becomes it.
/// Hidden: the launcher calls it.
@Command(name = "warm", hidden = true, description = "Make the start-up image.")
final class WarmVerb implements Callable<Integer> {
  /// A file beside the image that was last written when that was: one that was written to since is not started from.
  static final String STAMP = ".stamp";

  /// Behind the name of the image: a library that lies in a jar otherwise, and would be mapped from a file without a name.
  private static final String LIBRARY = ".so";
  private static final String COMPRESSION = "com.github.luben.zstd_jni";
  private static final Pattern COMPRESSION_FILE = Pattern.compile("linux/amd64/libzstd-jni-.*\\.so");

  private static final long RESTS_WITHIN_MS = 600_000;
  private static final long LOOK_MS = 100;
  private static final long ENDS_WITHIN_MS = 10_000;
  private static final long AWAKE_WITHIN_MS = 20_000;
  private static final int SIGKILL = 9;
  private static final int STDERR = 2;

  private final Session session;

  @Parameters(paramLabel = "FILE", description = "What to make.")
  private Path file = Path.of("");
  @Option(names = "--rounds", description = "Rounds of the warm-up.")
  private int rounds = StandbyVerb.ROUNDS;

  WarmVerb(Session session) {
    this.session = session;
  }

  /// The ordinary command, for where the image cannot be used.
  static String cold() {
    return Path.of(System.getProperty(Installation.PROPERTY, "/"), "bin", "stasis").toString();
  }

  @Override
  public Integer call() throws IOException, InterruptedException {
    Path folder = Files.createTempDirectory(file.toAbsolutePath().getParent(), ".making",
        PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    try {
      Optional<String> failure = make(folder);
      failure.ifPresent(session.console()::say);
      return (failure.isEmpty() ? ExitStatus.DONE : ExitStatus.FAILED).code();
    } finally {
      Folders.delete(folder);
    }
  }

  private Optional<String> make(Path folder) throws IOException, InterruptedException {
    Path image = folder.resolve("image");
    Path log = folder.resolve("log");
    Optional<HeldProcess> engine = HeldProcess.start(command(compression()), environment(), log, StandbyVerb.LAST_TAKEN_FD);
    if (engine.isEmpty()) {
      return Optional.of("no engine could be started");
    }
    try (HeldProcess held = engine.get()) {
      try {
        if (!rests(held)) {
          return Optional.of("the engine that was to rest does not: " + Files.readString(log).strip());
        }
        Outcome<Engine.Checkpointed> outcome = session.engine().checkpoint(new Engine.CheckpointOrder(held.pid(),
            new ImageAt.Folder(image), false, false, false, Optional.empty(), Outside.REFUSED),
            Verbosity.of(true, false).progress(session));
        if (!(outcome instanceof Outcome.Done<Engine.Checkpointed>)) {
          return Optional.of("no image of it: " + outcome);
        }
      } finally {
        end(held);
      }
    }
    Path whole = folder.resolve("start");
    FileTime made = FileTime.from(Instant.now().truncatedTo(ChronoUnit.MICROS));
    try {
      StartPacker.pack(image, whole, cold(), StandbyVerb.NEVER, made);
    } catch (UnfitException | ImageException | DecodeException e) {
      return Optional.of("it cannot be started from: " + e.getMessage());
    }
    if (!comesUp(whole, folder.resolve("answer"))) {
      return Optional.of("what was made does not come up: " + Files.readString(folder.resolve("answer")).strip());
    }
    Path stamp = folder.resolve("stamp");
    Files.createFile(stamp);
    Files.setLastModifiedTime(stamp, made);
    Files.move(stamp, Path.of(file + STAMP), StandardCopyOption.ATOMIC_MOVE);
    Files.move(whole, file, StandardCopyOption.ATOMIC_MOVE);
    return Optional.empty();
  }

  /// Every word of the engine's start; it works as `serve` does.
  private List<String> command(Optional<Path> compression) {
    List<String> words = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
        "-XX:+UseSerialGC", "-Xss512k", "-XX:-UsePerfData", "-Xmn24m", "-Djdk.reflect.useNativeAccessorOnly=true",
        "-D" + Installation.PROPERTY + "=" + System.getProperty(Installation.PROPERTY, "")));
    compression.ifPresent(library -> words.add("-DZstdNativePath=" + library));
    words.addAll(ProofMain.place(Main.class));
    words.addAll(List.of("standby", "--rounds", Integer.toString(rounds)));
    return words;
  }

  /// Empty where it is in no module.
  private Optional<Path> compression() throws IOException {
    Optional<ModuleReference> module = ModuleLayer.boot().configuration().findModule(COMPRESSION)
        .map(ResolvedModule::reference);
    if (module.isEmpty()) {
      return Optional.empty();
    }
    Path library = Path.of(file + LIBRARY).toAbsolutePath();
    try (ModuleReader reader = module.get().open(); Stream<String> names = reader.list()) {
      Optional<String> name = names.filter(entry -> COMPRESSION_FILE.matcher(entry).matches()).findFirst();
      Optional<InputStream> content = name.isPresent() ? reader.open(name.get()) : Optional.empty();
      if (content.isEmpty()) {
        return Optional.empty();
      }
      try (InputStream in = content.get()) {
        Files.deleteIfExists(library);
        Files.copy(in, library);
      }
    }
    return Optional.of(library);
  }

  private static List<String> environment() {
    return System.getenv().entrySet().stream().map(entry -> entry.getKey() + "=" + entry.getValue()).toList();
  }

  private static boolean rests(HeldProcess engine) throws InterruptedException {
    for (long waitedMs = 0; waitedMs < RESTS_WITHIN_MS && engine.isAlive(); waitedMs += LOOK_MS) {
      try (Stream<Path> threads = Files.list(Path.of("/proc/" + engine.pid() + "/task"))) {
        if (threads.anyMatch(WarmVerb::isAtRest)) {
          return true;
        }
      } catch (IOException e) {
        return false;
      }
      Thread.sleep(LOOK_MS);
    }
    return false;
  }

  private static boolean isAtRest(Path thread) {
    try {
      return Files.readString(thread.resolve("syscall")).startsWith(OwnProcess.REST + " ");
    } catch (IOException e) {
      return false;
    }
  }

  private static void end(HeldProcess engine) {
    if (engine.isAlive()) {
      engine.kill(SIGKILL);
    }
    Readiness.await(List.of(engine.descriptor()), ENDS_WITHIN_MS);
    engine.reap();
  }

  private static boolean comesUp(Path start, Path answer) throws IOException {
    Optional<HeldProcess> started = HeldProcess.start(List.of(start.toString(), StandbyVerb.AWAKE), environment(),
        answer, STDERR);
    if (started.isEmpty()) {
      return false;
    }
    try (HeldProcess process = started.get()) {
      Readiness.await(List.of(process.descriptor()), AWAKE_WITHIN_MS);
      end(process);
    }
    return Files.readString(answer).strip().equals(StandbyVerb.AWAKE);
  }
}
