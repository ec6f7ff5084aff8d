package stasis.live;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import stasis.engine.Acceptance;
import stasis.engine.CancelledException;
import stasis.engine.CheckpointOutcome;
import stasis.engine.CheckpointReport;
import stasis.engine.CheckpointRequest;
import stasis.engine.Checkpointer;
import stasis.engine.EmbedOrder;
import stasis.engine.FilePolicy;
import stasis.engine.Moment;
import stasis.engine.RestoreOutcome;
import stasis.engine.RestoreRequest;
import stasis.engine.Restorer;
import stasis.engine.TrackOrder;
import stasis.kinds.Kinds;
import stasis.linux.abi.Bytes;
import stasis.repository.CheckpointName;
import stasis.repository.ImageDestination;
import stasis.repository.ImageOrigin;
import stasis.repository.ImageReader;
import stasis.repository.ImageStore;
import stasis.repository.ImageStream;
import stasis.repository.Key;
import stasis.repository.Keys;
import stasis.repository.Protection;
import stasis.repository.Repository;
import stasis.resource.Obstacle;
import stasis.testkit.Launcher.Program;
import stasis.testkit.Victim;

/// Files that an image takes along: a program whose files are gone, or have gone on without it, is refused by their
/// names, and comes back with them as they were.
@Timeout(120)
final class EmbeddedFilesTest {
  private static final String LABEL = "counting";
  private static final String NEWER = ".stasis-newer-1";
  private static final Keys ENCRYPTED = new Keys(List.of(new Key.KeyFile(Bytes.hex("42".repeat(32)))));

  private final Victims victims = new Victims();

  /// Where an image goes, and where it comes from.
  private record Place(ImageDestination destination, ImageOrigin origin) {}

  enum Form {
    FOLDER, STREAM, REPOSITORY, ENCRYPTED_REPOSITORY, ENCRYPTED_FOLDER;

    private Place in(Path folder) {
      Path repository = folder.resolve("repository");
      CheckpointName it = CheckpointName.parse("it@1").orElseThrow();
      Path image = folder.resolve("image");
      var stream = new ByteArrayOutputStream();
      return switch (this) {
        case FOLDER -> new Place(ImageStore.destination(image, false), () -> ImageReader.open(image));
        case STREAM -> new Place(ImageStream.destination(stream, Optional.empty(), Protection.of(Keys.NONE)),
            () -> ImageStream.origin(new ByteArrayInputStream(stream.toByteArray()), folder, Keys.NONE).open());
        case REPOSITORY -> new Place(Repository.destination(repository, "it"), Repository.origin(repository, it));
        case ENCRYPTED_REPOSITORY -> new Place(Repository.destination(repository, "it", Protection.of(ENCRYPTED)),
            Repository.origin(repository, it, ENCRYPTED));
        case ENCRYPTED_FOLDER -> new Place(ImageStore.destination(image, false, Protection.of(ENCRYPTED)),
            () -> ImageReader.open(image, ENCRYPTED));
      };
    }
  }

  private static CheckpointReport stored(Cycle cycle, Victim victim, Place place, boolean leaveRunning) {
    CheckpointOutcome outcome = checkpoint(cycle, victim, place, leaveRunning, EmbedOrder.ALL);
    assertThat(outcome).as(Cycle.text(outcome)).isInstanceOf(CheckpointOutcome.Stored.class);
    return ((CheckpointOutcome.Stored) outcome).report();
  }

  private static CheckpointOutcome checkpoint(Cycle cycle, Victim victim, Place place, boolean leaveRunning,
      EmbedOrder embed) {
    return new Checkpointer(Kinds.all(), cycle.environment()).checkpoint(new CheckpointRequest(victim.pid(),
        place.destination(), leaveRunning, false, Optional.empty(), TrackOrder.OFF, 0, embed,
        Optional.empty()), _ -> { });
  }

  private static RestoreOutcome restore(Cycle cycle, Place place, FilePolicy files, Moment.Listener listener) {
    return cycle.noted(new Restorer(Kinds.all(), cycle.environment()).restore(
        new RestoreRequest(place.origin(), false, Acceptance.ALL, Optional.empty(), stasis.engine.Place.ANY,
            files), listener));
  }

  private static RestoreOutcome.RestoreReport running(RestoreOutcome outcome) {
    assertThat(outcome).as(Cycle.text(outcome)).isInstanceOf(RestoreOutcome.Running.class);
    return ((RestoreOutcome.Running) outcome).report();
  }

  private static String refused(RestoreOutcome outcome) {
    assertThat(outcome).as(Cycle.text(outcome)).isInstanceOf(RestoreOutcome.Refused.class);
    return ((RestoreOutcome.Refused) outcome).obstacles().stream().map(Obstacle::text)
        .collect(Collectors.joining("\n"));
  }

  private Victim counting(Cycle cycle) {
    Victim victim = cycle.start(victims.program("ledger"));
    victim.awaitReady(LABEL, Cycle.BOUND);
    return victim;
  }

  private static void passes(Cycle cycle, Victim victim) {
    victim.go(LABEL);
    assertThat(victim.verdict(Cycle.BOUND)).as(victim.errors()).isEqualTo(new Victim.Verdict.Passed());
    cycle.reap(victim.pid());
  }

  private static List<String> names(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }

  @ParameterizedTest
  @EnumSource
  void aFileThatWentOnIsRefusedByNameAndRolledBackToTheMomentOfTheFreeze(Form form, @TempDir Path work)
      throws IOException {
    try (var cycle = new Cycle(victims, work)) {
      Victim victim = counting(cycle);
      Place place = form.in(work);
      CheckpointReport report = stored(cycle, victim, place, true);
      assertThat(report.embedded().orElseThrow().copiedBytes() + report.embedded().orElseThrow().clonedBytes())
          .isBetween(3L * 4096, 1L << 17);
      // It goes on and counts further.
      long wrote = Files.getLastModifiedTime(victim.folder().resolve("kept/ledger")).toMillis();
      assertThat(Ground.waitFor(() -> victim.folder().resolve("kept/ledger").toFile().lastModified() > wrote)).isTrue();
      cycle.end(victim);
      Path kept = victim.folder().resolve("kept");
      byte[] newer = Files.readAllBytes(kept.resolve("ledger"));

      String why = refused(restore(cycle, place, FilePolicy.REFUSE, _ -> { }));
      String whyStill = refused(restore(cycle, place, FilePolicy.RESTORE_MISSING, _ -> { }));
      assertThat(names(kept)).containsExactly("alias", "ledger", "page", "table");
      var rolledBack = running(restore(cycle, place, FilePolicy.ROLLBACK, _ -> { }));

      assertThat(why).contains("file " + kept.resolve("ledger") + ": expected 8388608 bytes", "kept/alias", "kept/page",
          "with other contents", "--files=rollback").doesNotContain("kept/table");
      assertThat(whyStill).isEqualTo(why);
      assertThat(rolledBack.files()).hasSize(3).anyMatch(told -> told.contains("ledger was rolled back; what was there"
          + " is ledger" + NEWER));
      assertThat(Files.readAllBytes(kept.resolve("ledger" + NEWER))).isEqualTo(newer);
      assertThat(names(kept)).containsExactly("alias", "alias" + NEWER, "ledger", "ledger" + NEWER, "page",
          "page" + NEWER, "table");
      passes(cycle, victim);
    }
  }

  @Test
  void filesThatAreGoneArePutBackWithTheirFolderAndAttributes(@TempDir Path work) throws IOException {
    try (var cycle = new Cycle(victims, work)) {
      Victim victim = counting(cycle);
      Path kept = victim.folder().resolve("kept");
      Object attribute = attribute(kept.resolve("ledger"));
      Place place = Form.REPOSITORY.in(work);
      stored(cycle, victim, place, false);
      cycle.bury(victim);
      var modified = Files.getLastModifiedTime(kept.resolve("table"));
      for (String name : names(kept)) {
        Files.delete(kept.resolve(name));
      }
      Files.delete(kept);

      assertThat(refused(restore(cycle, place, FilePolicy.REFUSE, _ -> { }))).contains(
          "kept/table: expected 9 bytes", "found nothing", "--files=restore-missing");
      assertThat(kept).doesNotExist();
      var report = running(restore(cycle, place, FilePolicy.RESTORE_MISSING, _ -> { }));

      assertThat(report.files()).hasSize(4);
      assertThat(attribute(kept.resolve("ledger"))).isEqualTo(attribute);
      assertThat(Files.getLastModifiedTime(kept.resolve("table"))).isEqualTo(modified);
      assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(kept))).isEqualTo("rwxr-x---");
      assertThat(names(kept)).containsExactly("alias", "ledger", "page", "table");
      passes(cycle, victim);
    }
  }

  private static Object attribute(Path file) throws IOException {
    return Files.getAttribute(file, "user:victim") instanceof byte[] bytes ? Bytes.of(bytes) : "";
  }

  /// Its program and the libraries it runs with are those of another host, so to speak: gone here.
  @Test
  void aProgramComesBackWhereItsExecutableAndLibrariesAreGone(@TempDir Path work) throws IOException {
    Path host = Files.createDirectories(work.resolve("host"));
    Path loader = Path.of("/lib64/ld-linux-x86-64.so.2");
    Path library = Path.of("/lib/x86_64-linux-gnu/libc.so.6");
    assumeTrue(Files.exists(loader) && Files.exists(library), "needs the C library where Debian has it");
    Files.copy(loader, host.resolve("ld.so"));
    Files.copy(library, host.resolve("libc.so.6"));
    Files.copy(victims.program("ledger").program(), host.resolve("ledger"));
    try (var cycle = new Cycle(victims, work)) {
      Victim victim = cycle.start(Program.of(host.resolve("ld.so"), "--library-path", host.toString(),
          host.resolve("ledger").toString()));
      victim.awaitReady(LABEL, Cycle.BOUND);
      Place place = Form.FOLDER.in(work);
      stored(cycle, victim, place, false);
      cycle.bury(victim);
      for (String name : names(host)) {
        Files.delete(host.resolve(name));
      }
      Files.delete(host);

      assertThat(refused(restore(cycle, place, FilePolicy.REFUSE, _ -> { }))).contains("host/ld.so", "host/libc.so.6",
          "host/ledger");
      running(restore(cycle, place, FilePolicy.RESTORE_MISSING, _ -> { }));

      assertThat(names(host)).containsExactly("ld.so", "ledger", "libc.so.6");
      passes(cycle, victim);
    }
  }

  @Test
  void aRestoreThatFailsAfterFilesWerePutBackTakesThatBack(@TempDir Path work) throws IOException {
    try (var cycle = new Cycle(victims, work)) {
      Victim victim = counting(cycle);
      Path kept = victim.folder().resolve("kept");
      Place place = Form.FOLDER.in(work);
      stored(cycle, victim, place, false);
      cycle.bury(victim);
      Files.delete(kept.resolve("page"));
      Files.writeString(kept.resolve("table"), "newer");
      int[] puts = {0};
      for (Moment at : List.of(new Moment.At("files.put-back"), new Moment.At("restore.step"),
          new Moment.BeforeRelease())) {
        RestoreOutcome outcome = restore(cycle, place, FilePolicy.ROLLBACK, moment -> {
          if (moment.equals(at) && (puts[0]++ > 0 || !at.equals(new Moment.At("files.put-back")))) {
            throw new CancelledException();
          }
        });
        assertThat(outcome).as(Cycle.text(outcome)).isInstanceOf(RestoreOutcome.Cancelled.class);
        assertThat(names(kept)).as(at.toString()).containsExactly("alias", "ledger", "table");
        assertThat(kept.resolve("table")).hasContent("newer");
      }
      running(restore(cycle, place, FilePolicy.ROLLBACK, _ -> { }));
      assertThat(kept.resolve("table" + NEWER)).hasContent("newer");
      passes(cycle, victim);
    }
  }

  @Test
  void nothingIsPutBackThroughASymbolicLink(@TempDir Path work) throws IOException {
    try (var cycle = new Cycle(victims, work)) {
      Victim victim = counting(cycle);
      Path kept = victim.folder().resolve("kept");
      Path elsewhere = Files.createDirectories(work.resolve("elsewhere"));
      Place place = Form.FOLDER.in(work);
      stored(cycle, victim, place, false);
      cycle.bury(victim);
      Files.move(kept, work.resolve("moved"));
      Files.createSymbolicLink(kept, elsewhere);

      assertThat(refused(restore(cycle, place, FilePolicy.ROLLBACK, _ -> { }))).contains("symbolic link");
      assertThat(names(elsewhere)).isEmpty();

      Files.delete(kept);
      Files.move(work.resolve("moved"), kept);
      running(restore(cycle, place, FilePolicy.REFUSE, _ -> { }));
      passes(cycle, victim);
    }
  }

  @Test
  void moreThanAllowedIsRefusedWithItsSizeAndTheProgramRunsOn(@TempDir Path work) throws IOException {
    try (var cycle = new Cycle(victims, work)) {
      Victim victim = counting(cycle);
      CheckpointOutcome outcome = checkpoint(cycle, victim, Form.FOLDER.in(work), false, new EmbedOrder(true, 4096));

      assertThat(outcome).isInstanceOfSatisfying(CheckpointOutcome.Refused.class, refused -> assertThat(
          refused.obstacles()).singleElement().satisfies(obstacle -> assertThat(obstacle.text()).contains("bytes in ",
              "allows 4096")));
      assertThat(work.resolve("image")).doesNotExist();
      passes(cycle, victim);
    }
  }
}
