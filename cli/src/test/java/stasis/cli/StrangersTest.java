package stasis.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.lang.invoke.MethodHandles;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import stasis.engine.Acceptance;
import stasis.engine.FilePolicy;
import stasis.image.DecodeException;
import stasis.image.ObjectId;
import stasis.image.Schema;
import stasis.image.Statefile;
import stasis.image.StatefileHeader;
import stasis.image.StoredObject;
import stasis.image.Tag;
import stasis.linux.abi.Arch;
import stasis.linux.abi.Bytes;
import stasis.repository.Keys;
import stasis.repository.Policy;
import stasis.resource.Obstacle;

/// What root gives to a program out of another user's image.
final class StrangersTest {
  record Ids(@Tag(1) long real, @Tag(2) long effective, @Tag(3) long saved, @Tag(4) long fileSystem) {}

  record Sets(@Tag(1) long inheritable, @Tag(2) long permitted, @Tag(3) long effective, @Tag(4) long bounding,
      @Tag(5) long ambient) {}

  record Credentials(@Tag(1) Ids uid, @Tag(2) Ids gid, @Tag(3) List<Long> groups, @Tag(4) Sets capabilities) {}

  record Login(@Tag(1) String loginUid) {}

  record Embedded(@Tag(1) String path) {}

  private static final Schema<Embedded> EMBEDDED =
      Schema.of(MethodHandles.lookup(), Embedded.class, "core.embedded", 1);
  private static final Schema<Login> LOGIN = Schema.of(MethodHandles.lookup(), Login.class, "group.loginuid", 1);
  private static final Schema<Credentials> SCHEMA =
      Schema.of(MethodHandles.lookup(), Credentials.class, "task.credentials", 1);

  private static String refused(Credentials credentials) throws DecodeException {
    return besides(new Strangers(1000, 1000, false).obstacles(statefile(SCHEMA, credentials)));
  }

  /// What stands in the way besides that it is a stranger's.
  private static String besides(List<Obstacle> obstacles) {
    assertThat(obstacles.getFirst().text()).contains("belongs to user 1000", "may not open", "restore it as user 1000",
        "--allow-credentials");
    return obstacles.size() == 1 ? "" : obstacles.getLast().text();
  }

  private static <S extends Record> Statefile statefile(Schema<S> schema, S state) {
    return new Statefile(new StatefileHeader(List.of(), List.of(), Arch.X86_64, 4096, "6.18", "boot",
        "host", 0, Bytes.zeros(32), 1, 2, 3, "0.1.0"), List.of(schema.descriptor()),
        List.of(StoredObject.of(new ObjectId(1), schema, state, Optional.empty())), List.of(), List.of());
  }

  private static Credentials of(long savedUid, long gid, long group, long permitted) {
    return new Credentials(new Ids(1000, 1000, savedUid, 1000), new Ids(gid, gid, gid, gid), List.of(group),
        new Sets(0, permitted, 0, -1, 0));
  }

  @Test
  void aStrangersImageIsRefusedAndWhatItAsksBeyondItsOwnerIsNamed() throws DecodeException {
    assertThat(refused(of(1000, 1000, 1000, 0))).isEmpty();
    assertThat(refused(of(0, 1000, 1000, 0))).contains("belongs to user 1000, who does not have: user 0")
        .contains("--allow-credentials");
    assertThat(refused(of(1000, 0, 1000, 0))).contains("group 0");
    assertThat(refused(of(1000, 1000, 42, 0))).contains("group 42");
    assertThat(refused(of(1000, 1000, 1000, 1L << 21))).contains("capabilities");
  }

  @Test
  void aLoginThatIsNotTheOwnersIsRefusedByName() throws DecodeException {
    assertThat(refusedLogin("1000")).isEmpty();
    assertThat(refusedLogin("4711")).contains("have the audit trail name user 4711", "--allow-credentials");
  }

  private static String refusedLogin(String login) throws DecodeException {
    return besides(new Strangers(1000, 1000, false).obstacles(statefile(LOGIN, new Login(login))));
  }

  @Test
  void rootPutsNoFilesOfAStrangersChoiceOnTheHost() throws DecodeException {
    Statefile statefile = statefile(EMBEDDED, new Embedded("/etc/passwd"));

    assertThat(besides(new Strangers(1000, 1000, false).obstacles(statefile))).isEmpty();
    assertThat(besides(new Strangers(1000, 1000, true).obstacles(statefile))).contains("belongs to user 1000",
        "1 file of its choice", "--files=refuse");
  }

  @Test
  void onlyWhatAnotherUserCouldHaveChangedIsAStrangers(@TempDir Path folder) throws IOException {
    assumeTrue(((Number) Files.getAttribute(Path.of("/proc/self"), "unix:uid")).intValue() == 0, "needs root");
    List<Path> files = new ImageAt.Folder(Files.createDirectory(folder.resolve("image"))).files();

    assertThat(Strangers.of(files, Guard.NONE, FilePolicy.REFUSE)).isSameAs(Acceptance.ALL);
    Files.setAttribute(folder.resolve("image"), "unix:uid", 1000);
    assertThat(Strangers.of(files, Guard.NONE, FilePolicy.REFUSE)).isInstanceOf(Strangers.class);
    assertThat(Strangers.of(files, new Guard(Keys.NONE, Optional.empty(), Optional.empty(), true),
        FilePolicy.REFUSE))
        .isSameAs(Acceptance.ALL);
    assertThat(Strangers.of(files, new Guard(Keys.NONE, Optional.empty(),
        Optional.of(new Policy(folder, Map.of())), false), FilePolicy.REFUSE)).isSameAs(Acceptance.ALL);
  }

  @Test
  void thePolicyOfTheMachineComesBeforeTheUsers(@TempDir Path folder) throws IOException {
    Path etc = folder.resolve("etc");
    Path home = folder.resolve("home");
    Map<String, String> environment = Map.of("HOME", home.toString());
    assertThat(PolicyPlace.find(etc, environment)).isEmpty();
    Path users = Files.createFile(Files.createDirectories(home.resolve(".config/stasis")).resolve("policy"));
    assertThat(PolicyPlace.find(etc, environment)).contains(users);
    Path machines = Files.createFile(Files.createDirectories(etc.resolve("stasis")).resolve("policy"));
    assertThat(PolicyPlace.find(etc, environment)).contains(machines);
    assertThat(PolicyPlace.find(folder, Map.of("XDG_CONFIG_HOME", home.resolve(".config").toString())))
        .contains(users);
  }
}
