package stasis.kinds.file.epoll;

import java.lang.invoke.MethodHandles;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import stasis.image.ObjectId;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.kinds.file.OpenFlags;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Nr;
import stasis.procfs.FdInfo;
import stasis.resource.Arg;
import stasis.resource.FileKind;
import stasis.resource.Loss;
import stasis.resource.ObstructedException;
import stasis.resource.OpenFile;
import stasis.resource.Ref;
import stasis.resource.Refs;
import stasis.resource.Script;

/// An epoll(7): the files it watches, each under the number at which it was added.
public final class Epoll implements FileKind<Epoll.State> {
  /// @param added the fd of EPOLL_CTL_ADD @param vacant nothing stands at that number any more: the file has others
  /// @param taken whether another file stands at that number now
  /// @param events of struct epoll_event, EPOLLET, EPOLLONESHOT, EPOLLEXCLUSIVE among them @param data the program's
  ///     own
  record Watch(@Tag(1) Fd added, @Tag(2) boolean vacant, @Tag(3) ObjectId file, @Tag(4) int events,
      @Tag(5) long data, @Tag(6) boolean taken) {}

  /// @param watches by number
  record State(@Tag(1) List<Watch> watches, @Tag(2) int flags) {
    State {
      watches = List.copyOf(watches);
    }
  }

  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "file.epoll", 2);
  private static final int EPOLL_CTL_ADD = 1;
  private static final int F_GETFD = 1;
  private static final int F_SETFD = 2;
  private static final int F_DUPFD_CLOEXEC = 1030;
  private static final int EPOLLERR_HUP = 0x18;
  private static final int EPOLLET = 1 << 31;
  private static final String REMEDY = "let the program take the watch off before it closes the file";

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public boolean recognises(OpenFile file) {
    return file.link().equals("anon_inode:[eventpoll]");
  }

  @Override
  public State checkpoint(OpenFile file) throws ObstructedException {
    var watches = new ArrayList<Watch>();
    Map<Integer, Integer> seen = new HashMap<>();
    for (FdInfo.EpollTarget target : file.info().epollTargets()) {
      int nth = seen.merge(target.fd(), 1, Integer::sum) - 1;
      watches.add(watch(file, target, nth));
    }
    watches.sort(Comparator.comparing(Watch::added).thenComparing(Watch::file));
    return new State(watches, OpenFlags.of(file));
  }

  private static Watch watch(OpenFile file, FdInfo.EpollTarget target, int nth) throws ObstructedException {
    Fd added = new Fd(target.fd());
    ObjectId watched = file.epollTarget(added, nth).orElseThrow(() -> new ObstructedException(file.subject(),
        "it still watches a file (inode " + target.inode() + ") added as fd " + added
            + " that no fd of the tree leads to", REMEDY));
    Optional<ObjectId> there = file.fileAt(added);
    boolean taken = there.isPresent() && !there.get().equals(watched);
    return new Watch(added, there.isEmpty(), watched, target.events(), target.data(), taken);
  }

  @Override
  public List<Loss> losses(State state) {
    var losses = new ArrayList<Loss>();
    for (Watch watch : state.watches()) {
      if ((watch.events() & EPOLLERR_HUP) == 0) {
        losses.add(Loss.of("the one-shot watch of fd " + watch.added() + ", which has fired, may report an error or"
            + " hang-up once more"));
      }
      if ((watch.events() & EPOLLET) != 0) {
        losses.add(Loss.of("the edge-triggered watch of fd " + watch.added() + " may report a state once more"));
      }
    }
    return losses;
  }

  /// epoll_ctl(2) adds EPOLLERR and EPOLLHUP to every watch it is asked for, those that have fired too.
  @Override
  public State agreed(State state, State copy) {
    if (state.watches().size() != copy.watches().size()) {
      return copy;
    }
    var watches = new ArrayList<Watch>();
    for (int i = 0; i < copy.watches().size(); i++) {
      Watch watch = copy.watches().get(i);
      boolean spent = (state.watches().get(i).events() & EPOLLERR_HUP) == 0;
      watches.add(new Watch(watch.added(), watch.vacant(), watch.file(),
          spent ? watch.events() & ~EPOLLERR_HUP : watch.events(), watch.data(), watch.taken()));
    }
    return new State(watches, copy.flags());
  }

  @Override
  public Ref<Fd> restore(State state, Script script, Refs refs) {
    Ref<Fd> fd = script.call(Nr.EPOLL_CREATE1, "epoll", Arg.imm(0));
    OpenFlags.complete(state.flags() & ~OpenFlags.O_NONBLOCK, fd, script);
    return fd;
  }

  @Override
  public void connect(State state, Fd self, Script script, Refs refs) {
    for (Watch watch : state.watches()) {
      if (watch.taken()) {
        watchAside(watch, self, script, refs);
      } else if (watch.vacant()) {
        borrow(watch, script, refs);
        add(watch, self, script);
        script.call(Nr.CLOSE, "the other number", Arg.imm(watch.added().value()));
      } else {
        add(watch, self, script);
      }
    }
  }

  /// The file that stands at the number steps aside; the flag that goes with the number is asked for and set again.
  private static void watchAside(Watch watch, Fd self, Script script, Refs refs) {
    Arg added = Arg.imm(watch.added().value());
    Ref<Fd> aside = script.call(Nr.FCNTL, "who stands at " + watch.added() + " steps aside", added,
        Arg.imm(F_DUPFD_CLOEXEC), Arg.imm(refs.spare().value()));
    Ref<Integer> flags = script.call(Nr.FCNTL, "flag of the number", added, Arg.imm(F_GETFD));
    borrow(watch, script, refs);
    add(watch, self, script);
    script.call(Nr.DUP3, "back at its number", Arg.result(aside), added, Arg.imm(0));
    script.call(Nr.FCNTL, "flag of the number", added, Arg.imm(F_SETFD), Arg.result(flags));
    script.call(Nr.CLOSE, "where it stood aside", Arg.result(aside));
  }

  private static void borrow(Watch watch, Script script, Refs refs) {
    script.call(Nr.DUP3, "watched once under another number", Arg.imm(refs.kept(watch.file()).value()),
        Arg.imm(watch.added().value()), Arg.imm(0));
  }

  private static void add(Watch watch, Fd self, Script script) {
    // struct epoll_event is packed on x86-64 (uapi/linux/eventpoll.h).
    Bytes event = Bytes.ofU32(watch.events(), (int) watch.data(), (int) (watch.data() >>> 32));
    script.call(Nr.EPOLL_CTL, "watch fd " + watch.added(), Arg.imm(self.value()), Arg.imm(EPOLL_CTL_ADD),
        Arg.imm(watch.added().value()), Arg.data(event));
  }
}
