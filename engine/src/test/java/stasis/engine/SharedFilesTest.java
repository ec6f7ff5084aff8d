package stasis.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import stasis.engine.SharedFiles.Seat;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Nr;
import stasis.linux.abi.PathBytes;
import stasis.linux.abi.Tid;
import stasis.linux.sys.Syscalls;
import stasis.procfs.Device;
import stasis.procfs.FdInfo;
import stasis.procfs.FdLink;
import stasis.procfs.FileStat;

/// Which fds are one description, and what finding out costs.
class SharedFilesTest {
  private static final int TASKS = 500;
  private static final int FDS = 10_000;
  private static final int CALLS_EACH = 20;

  /// All look alike: the dearest case.
  private static Seat seat(int task, int fd) {
    return new Seat(new Tid(task), new Fd(fd), new FdLink(PathBytes.of("/dev/null"),
        new FileStat(Device.NONE, 7, FileStat.S_IFCHR, 1, new Device(1, 3), 0, Instant.EPOCH)),
        FdInfo.parse("pos:\t0\nflags:\t02\nmnt_id:\t1\nino:\t7\n"));
  }

  /// A kernel that counts.
  private static final class Model implements SharedFiles.Kcmp {
    private final Map<Seat, Integer> addresses = new HashMap<>();
    private long calls;

    @Override
    public long answer(Seat a, Seat b) {
      calls++;
      int one = GroupPlan.require(addresses, a);
      int other = GroupPlan.require(addresses, b);
      return one == other ? 0 : one < other ? 1 : 2;
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, FDS / TASKS, TASKS, FDS / 2, FDS})
  void identityOfTenThousandFdsCostsAtMostTwentyCallsEach(int descriptions) {
    var model = new Model();
    var random = new Random(descriptions);
    List<Seat> seats = new ArrayList<>();
    List<Integer> addresses = new ArrayList<>();
    for (int i = 0; i < FDS; i++) {
      seats.add(seat(1000 + i % TASKS, i / TASKS));
      addresses.add(i % descriptions);
    }
    Collections.shuffle(addresses, random);
    for (int i = 0; i < FDS; i++) {
      model.addresses.put(seats.get(i), addresses.get(i));
    }

    List<List<Seat>> groups = SharedFiles.group(seats, model);

    assertThat(groups).hasSize(descriptions);
    assertThat(groups).allSatisfy(group -> assertThat(group.stream().map(model.addresses::get).distinct()).hasSize(1));
    assertThat(model.calls).isLessThanOrEqualTo((long) CALLS_EACH * FDS);
  }

  @Test
  void whatLooksDifferentIsNotCompared() {
    var model = new Model();
    List<Seat> seats = new ArrayList<>();
    for (int i = 0; i < FDS; i++) {
      Seat like = seat(1000 + i % TASKS, i / TASKS);
      seats.add(new Seat(like.task(), like.fd(), new FdLink(PathBytes.of("/tmp/" + i), like.link().stat()),
          like.info()));
    }

    assertThat(SharedFiles.group(seats, model)).hasSize(FDS);
    assertThat(model.calls).isZero();
  }

  /// On the running kernel: this JVM opens /dev/null often, and duplicates each.
  @Test
  void theKernelTellsWhichAreDuplicates() {
    int self = Math.toIntExact(ProcessHandle.current().pid());
    List<Seat> seats = new ArrayList<>();
    List<Long> fds = new ArrayList<>();
    try {
      for (int i = 0; i < 200; i++) {
        long fd = Syscalls.call(Nr.EVENTFD2, i, 0);
        assertThat(Errno.isError(fd)).isFalse();
        fds.add(fd);
        fds.add(Syscalls.call(Nr.DUP, fd));
      }
      fds.forEach(fd -> seats.add(seat(self, Math.toIntExact(fd))));
      Collections.shuffle(seats, new Random(7));
      long[] calls = {0};

      List<List<Seat>> groups = SharedFiles.group(seats, (a, b) -> {
        calls[0]++;
        return SharedFiles.kcmp(a, b);
      });

      assertThat(groups).hasSize(200).allSatisfy(group -> {
        List<Integer> places = group.stream().map(seat -> fds.indexOf((long) seat.fd().value())).sorted().toList();
        assertThat(places).hasSize(2);
        assertThat(places.getFirst() % 2).isZero();
        assertThat(places.getLast()).isEqualTo(places.getFirst() + 1);
      });
      assertThat(calls[0]).isLessThanOrEqualTo((long) CALLS_EACH * seats.size());
    } finally {
      fds.forEach(fd -> Syscalls.call(Nr.CLOSE, fd));
    }
  }
}
