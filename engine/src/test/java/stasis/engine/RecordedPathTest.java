package stasis.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import stasis.image.ObjectId;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Nr;
import stasis.linux.abi.PathBytes;
import stasis.resource.Arg;
import stasis.resource.Step;

class RecordedPathTest {
  private static final long NO_SYMLINKS = 4;
  private static final int O_RDWR = 2;
  private static final int O_APPEND = 02000;
  private static final int O_PATH = 010000000;
  private static final int O_CLOEXEC = 02000000;
  private static final int O_TMPFILE = 020200000;

  private static Optional<RecordedPath> opening(String path, long flags, Arg... mode) {
    var args = new java.util.ArrayList<Arg>(List.of(Arg.imm(-100), Arg.path(PathBytes.of(path)), Arg.imm(flags)));
    args.addAll(List.of(mode));
    return RecordedPath.of(new Step.Call(new ObjectId(1), Nr.OPENAT, args, new Step.Expect.Success(), "test"));
  }

  @Test
  void aPathOfTheImageIsOpenedThroughNoLink() {
    assertThat(opening("/data/file", O_RDWR | O_APPEND)).map(RecordedPath::how)
        .contains(Bytes.ofU64(O_RDWR | O_APPEND, 0, NO_SYMLINKS));
  }

  @Test
  void whatOpenIgnoresAndOpenat2RefusesIsLeftOut() {
    assertThat(opening("/data", O_PATH | O_CLOEXEC | O_APPEND)).map(RecordedPath::how)
        .contains(Bytes.ofU64(O_PATH | O_CLOEXEC, 0, NO_SYMLINKS));
    assertThat(opening("/data/file", O_RDWR, Arg.imm(0600))).map(RecordedPath::how)
        .contains(Bytes.ofU64(O_RDWR, 0, NO_SYMLINKS));
  }

  @Test
  void linksOfTheKernelAndPlacesOfOurChoiceAreNotMeant() {
    assertThat(opening("/proc/self/fd/3", O_RDWR)).isEmpty();
    assertThat(opening("/dev/ptmx", O_RDWR)).isEmpty();
    assertThat(opening("/tmp", O_TMPFILE | O_RDWR, Arg.imm(0600))).isEmpty();
    assertThat(opening("name", O_RDWR)).isEmpty();
  }
}
