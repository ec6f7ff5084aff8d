package stasis.live;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeFalse;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;
import stasis.engine.CheckpointOutcome;
import stasis.engine.CheckpointRequest;
import stasis.engine.Checkpointer;
import stasis.engine.Moment;
import stasis.image.Certificate;
import stasis.image.DecodeException;
import stasis.image.Limits;
import stasis.kinds.Kinds;
import stasis.repository.ImageException;
import stasis.repository.ImageReader;
import stasis.testkit.Launcher.Program;
import stasis.testkit.Victim;

/// Checkpoints that are proved: the copy is what the image says, the program runs on, and a copy that is not is told.
final class ProofTest {
  private static final Duration BOUND = Duration.ofSeconds(30);
  /// Any other by `-Dstasis.live.proof=`, a part of its label.
  private static final List<String> PROVED = List.of("body/pipe", "group/posixtimers",
      "tree_sessions");
  private static final String PYTHON = """
      import os, socket, threading, time
      a, b = socket.socketpair(); a.send(b'waiting'); r, w = os.pipe(); os.write(w, b'unread')
      threading.Thread(target=lambda: b.recv(1 << 20) and time.sleep(999), daemon=True).start()
      memory = [str(i) * 100 for i in range(10000)]
      open('ready', 'w').close()
      while not os.path.exists('go'): time.sleep(0.01)
      assert os.read(r, 100) == b'unread' and memory[77] == '77' * 100
      """;

  @BeforeEach
  void needsNamespaces() {
    assumeTrue("root".equals(System.getProperty("user.name")), "needs CAP_SYS_ADMIN");
  }

  @TestFactory
  Stream<DynamicTest> aVictimIsProvedAndPasses(@TempDir Path work) throws IOException {
    var victims = new Victims();
    Optional<String> only = Optional.ofNullable(System.getProperty("stasis.live.proof"));
    return victims.sources().stream().filter(source -> only.map(Victims.label(source)::contains)
        .orElseGet(() -> PROVED.contains(Victims.label(source)))).map(source ->
            DynamicTest.dynamicTest(Victims.label(source), () -> proved(victims, source,
                work.resolve(Victims.label(source).replace('/', '-')))));
  }

  private static void proved(Victims victims, Path source, Path work) throws ImageException, DecodeException {
    try (var cycle = new Cycle(victims, work)) {
      Victim victim = atItsFirstLabel(cycle, victims.of(source));
      assumeFalse(victim.labels().contains("refused"), "is refused");
      Path image = cycle.newImage();
      CheckpointOutcome outcome = checkpoint(cycle, victim, image, true, _ -> { });
      if (System.getProperty("stasis.live.proof") != null) {
        System.out.println("PROOF " + Victims.label(source) + " " + Cycle.text(outcome).replaceAll(", losses.*", ""));
      }
      assertThat(outcome).as(() -> Cycle.text(outcome)).isInstanceOf(CheckpointOutcome.Stored.class);
      assertThat(certificate(image).tasks()).isPositive();
      assertThat(certificate(image).objects()).isGreaterThan(20);
      assertThat(certificate(image).contentBytes()).isGreaterThan(4096);
      assertThat(victim.runThrough(BOUND)).as(victim.errors()).isEqualTo(new Victim.Verdict.Passed());
    }
  }

  @Test
  void aRealProgramIsProvedIsEndedAndComesBack(@TempDir Path work) throws IOException, ImageException,
      DecodeException {
    Path python = Path.of("/usr/bin/python3");
    assumeTrue(Files.isExecutable(python), "needs python3");
    try (var cycle = new Cycle(new Victims(), work)) {
      Victim program = cycle.start(Program.of(python, "-c", PYTHON));
      assertThat(Ground.waitFor(() -> Files.exists(program.folder().resolve("ready")))).isTrue();
      Path image = cycle.newImage();
      CheckpointOutcome outcome = checkpoint(cycle, program, image, false, _ -> { });

      assertThat(outcome).as(() -> Cycle.text(outcome)).isInstanceOf(CheckpointOutcome.Stored.class);
      assertThat(certificate(image).kinds()).extracting(Certificate.Compared::kind)
          .contains("core.task", "core.cpu", "core.mm", "body.unix", "body.pipe", "mapping.anonymous");
      cycle.bury(program);
      cycle.running(image);
      Files.createFile(program.folder().resolve("go"));
      assertThat(Ground.waitFor(() -> !program.isAlive())).isTrue();
      assertThat(program.errors()).isEmpty();
    }
  }

  @Test
  void whatARestoreForgetsIsFoundAndNothingIsCommitted(@TempDir Path work) {
    var victims = new Victims();
    try (var cycle = new Cycle(victims, work)) {
      Victim victim = atItsFirstLabel(cycle, victims.general("counter"));
      Path image = cycle.newImage();
      var namespaces = namespaces();

      CheckpointOutcome outcome = new Checkpointer(Kinds.all(), cycle.environment()).checkpoint(
          request(victim, image, false).proved(ProofProcess.command("-D" + ProofProcess.FORGET + "=group.actions")),
          _ -> { });

      assertThat(outcome).isInstanceOfSatisfying(CheckpointOutcome.Failed.class,
          failed -> assertThat(failed.reason()).contains("was not proved", "group.actions", "in the image and"));
      assertThat(image).doesNotExist();
      assertThat(namespaces()).isEqualTo(namespaces);
      assertThat(victim.runThrough(BOUND)).as(victim.errors()).isEqualTo(new Victim.Verdict.Passed());
    }
  }

  @Test
  void aPageThatChangedOnTheDeviceIsFoundAndTheProgramGoesOn(@TempDir Path work) {
    var victims = new Victims();
    try (var cycle = new Cycle(victims, work)) {
      Victim victim = atItsFirstLabel(cycle, victims.general("counter"));
      Path image = cycle.newImage();

      CheckpointOutcome outcome = checkpoint(cycle, victim, image, false, moment -> {
        if (moment.equals(new Moment.At("store.trailer-written"))) {
          spoil(image);
        }
      });

      assertThat(outcome).isInstanceOfSatisfying(CheckpointOutcome.Failed.class,
          failed -> assertThat(failed.reason()).contains("damaged pages"));
      assertThat(image).doesNotExist();
      assertThat(victim.runThrough(BOUND)).as(victim.errors()).isEqualTo(new Victim.Verdict.Passed());
    }
  }

  @Test
  void killedWhileTheCopyIsMadeTheProgramGoesOnAndNothingIsLeft(@TempDir Path work) throws IOException,
      InterruptedException {
    var victims = new Victims();
    try (var cycle = new Cycle(victims, work)) {
      Victim victim = atItsFirstLabel(cycle, victims.general("counter"));
      Path image = cycle.newImage();
      var namespaces = namespaces();

      Process engine = new ProcessBuilder(Stream.concat(ProofProcess.command().words().stream(),
          Stream.of(victim.pid().toString(), image.toString())).toList()).redirectErrorStream(true)
          .redirectOutput(work.resolve("engine.log").toFile()).start();
      assertThat(engine.waitFor(BOUND.toSeconds(), TimeUnit.SECONDS)).isTrue();

      assertThat(engine.exitValue()).as(Files.readString(work.resolve("engine.log"))).isEqualTo(137);
      assertThat(image.resolve("statefile")).doesNotExist();
      assertThat(Ground.waitFor(() -> namespaces().equals(namespaces))).isTrue();
      assertThat(victim.runThrough(BOUND)).as(victim.errors()).isEqualTo(new Victim.Verdict.Passed());
    }
  }

  private static Victim atItsFirstLabel(Cycle cycle, Program program) {
    Victim victim = cycle.start(program);
    Ground.waitFor(() -> !victim.labels().isEmpty() || !victim.isAlive());
    return victim;
  }

  private static CheckpointRequest request(Victim victim, Path image, boolean leaveRunning) {
    return new CheckpointRequest(victim.pid(), image, leaveRunning, false, false, Optional.empty());
  }

  private static CheckpointOutcome checkpoint(Cycle cycle, Victim victim, Path image, boolean leaveRunning,
      Moment.Listener listener) {
    return new Checkpointer(Kinds.all(), cycle.environment()).checkpoint(
        request(victim, image, leaveRunning).proved(ProofProcess.command()), listener);
  }

  private static Certificate certificate(Path image) throws ImageException, DecodeException {
    try (ImageReader reader = ImageReader.open(image)) {
      Certificate certificate = Certificate.decode(reader.certificate().orElseThrow(), Limits.DEFAULT);
      assertThat(certificate.isFor(reader.metadata())).isTrue();
      return certificate;
    }
  }

  /// One byte of the last page, of an image that has no name yet.
  private static void spoil(Path image) {
    try (DirectoryStream<Path> partial = Files.newDirectoryStream(image, ".statefile.partial-*")) {
      for (Path file : partial) {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
          ByteBuffer preamble = ByteBuffer.allocate(64).order(java.nio.ByteOrder.LITTLE_ENDIAN);
          channel.read(preamble, 0);
          long last = preamble.getLong(40) + preamble.getLong(48) - 4096;
          ByteBuffer one = ByteBuffer.allocate(1);
          channel.read(one, last);
          channel.write(ByteBuffer.wrap(new byte[] {(byte) ~one.get(0)}), last);
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// Pid namespaces that somebody is in.
  private static TreeSet<String> namespaces() {
    var namespaces = new TreeSet<String>();
    ProcessHandle.allProcesses().forEach(process -> {
      try {
        namespaces.add(Files.readSymbolicLink(Path.of("/proc/" + process.pid() + "/ns/pid")).toString());
      } catch (IOException e) {
        // It has ended meanwhile.
        namespaces.remove("");
      }
    });
    return namespaces;
  }
}
