package stasis.kinds.body.pty;

import java.lang.invoke.MethodHandles;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import stasis.image.ObjectId;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.kinds.file.Ptys;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Nr;
import stasis.linux.abi.Open;
import stasis.linux.abi.PathBytes;
import stasis.resource.Arg;
import stasis.resource.BodyKind;
import stasis.resource.BodyView;
import stasis.resource.Host;
import stasis.resource.Loss;
import stasis.resource.Obstacle;
import stasis.resource.ObstructedException;
import stasis.resource.OpenFile;
import stasis.resource.Ref;
import stasis.resource.Refs;
import stasis.resource.Script;

/// All pseudoterminals of the tree. A new one has the lowest free number (drivers/tty/pty.c), and programs know theirs
/// by number, `/dev/pts/7`: so they are made together, from the lowest on, others in between where numbers are free.
public final class PtyBody implements BodyKind<PtyBody.State> {
  /// @param number N of /dev/pts/N @param master path by which masters are opened
  /// @param slave whether a slave was ever opened @param hungUp whether the master is closed
  /// @param termios struct termios2 @param lockedTermios struct termios @param size struct winsize
  /// @param locked against opening the slave @param packet mode of the master @param exclusive no more opening
  /// @param stopped output of the slave @param status whether a change of it waits for the master, in packet mode
  /// @param masterExclusive as `exclusive`, where it changes nothing but what TIOCGEXCL answers
  /// @param outside who outside the tree had a slave open
  /// @param queues what nobody has read; empty where the kernel does not show it, and then nothing was unread
  record Pty(@Tag(1) int number, @Tag(2) PathBytes master, @Tag(3) boolean slave, @Tag(4) boolean hungUp,
      @Tag(5) Bytes termios, @Tag(6) Bytes lockedTermios, @Tag(7) Bytes size, @Tag(8) boolean locked,
      @Tag(9) boolean packet, @Tag(10) boolean exclusive, @Tag(11) int mode, @Tag(12) int uid, @Tag(13) int gid,
      @Tag(14) Time accessed, @Tag(15) Time modified, @Tag(16) Stopped stopped, @Tag(17) boolean status,
      @Tag(18) boolean masterExclusive, @Tag(19) Optional<String> outside, @Tag(20) Optional<PtyQueues> queues) {}

  /// How output was stopped (termios(3)).
  enum Stopped {
    NOT,
    /// By the stop character, most likely.
    TYPED,
    /// By tcflow(3).
    CALLED
  }

  /// A time of a file.
  record Time(@Tag(1) long seconds, @Tag(2) int nanoseconds) {
    static final Time NONE = new Time(0, 0);
  }

  /// @param ptys by number
  record State(@Tag(1) List<Pty> ptys) {
    State {
      ptys = List.copyOf(ptys);
      for (int i = 1; i < ptys.size(); i++) {
        if (ptys.get(i - 1).number() >= ptys.get(i).number()) {
          throw new IllegalArgumentException("pseudoterminals out of order");
        }
      }
      if (ptys.isEmpty() || ptys.getFirst().number() < 0 || ptys.getLast().number() >= MAX) {
        throw new IllegalArgumentException("pseudoterminals have numbers from 0 to " + MAX);
      }
    }
  }

  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "body.pty", 2);
  /// Default of /proc/sys/kernel/pty/max.
  private static final int MAX = 4096;
  private static final int TIOCSPTLCK = 0x40045431;
  private static final int TIOCGPTN = 0x80045430;
  private static final int TIOCPKT = 0x5420;
  private static final int TIOCEXCL = 0x540c;
  private static final int TCXONC = 0x540a;
  private static final int TCOOFF = 0;
  private static final int TCIOFF = 2;
  private static final int POLLIN_OR_POLLOUT = 5;
  private static final int TCSETS2 = 0x402c542b;
  private static final int TIOCSLCKTRMIOS = 0x5457;
  private static final int TIOCSWINSZ = 0x5414;
  private static final int F_DUPFD_CLOEXEC = 1030;
  private static final int O_NOCTTY_RDWR_CLOEXEC = 0400 | Open.O_RDWR | Open.O_CLOEXEC;
  private static final int MASK = 0777;

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public State checkpoint(BodyView body) throws ObstructedException {
    Map<Integer, List<OpenFile>> byNumber = new TreeMap<>();
    for (OpenFile file : body.files()) {
      int number = Ptys.ofMaster(file).or(() -> Ptys.ofSlave(file)).or(() -> Ptys.ofControlling(file)).orElseThrow();
      byNumber.computeIfAbsent(number, _ -> new ArrayList<>()).add(file);
    }
    var ptys = new ArrayList<Pty>();
    for (Map.Entry<Integer, List<OpenFile>> pty : byNumber.entrySet()) {
      ptys.add(new PtyFacts(pty.getKey(), pty.getValue()).pty());
    }
    return new State(ptys);
  }

  @Override
  public List<Loss> losses(State state) {
    var losses = new ArrayList<Loss>();
    for (Pty pty : state.ptys()) {
      pty.queues().ifPresent(queues -> queueLosses(pty.number(), queues, losses));
      if (pty.queues().isEmpty() && PtyFacts.isCanonical(pty.termios()) && pty.slave() && !pty.hungUp()) {
        losses.add(Loss.of("what was typed at /dev/pts/" + pty.number() + " since the last end of a line, if anything,"
            + " is lost: no call shows it"));
      }
      if (pty.queues().isEmpty() && pty.stopped() == Stopped.TYPED) {
        losses.add(Loss.of("output to /dev/pts/" + pty.number() + " is stopped as by ^S: whether tcflow(3) stopped it,"
            + " and ^Q would not let it go, no call shows"));
      }
      pty.outside().ifPresent(who -> losses.add(Loss.of(who + " outside the tree has /dev/pts/" + pty.number()
          + " open: for it the terminal is hung up, and the one that comes back is another")));
      if (pty.status()) {
        losses.add(Loss.of("a change of state of /dev/pts/" + pty.number() + " that its master had not read yet, in"
            + " packet mode, is forgotten"));
      }
    }
    return losses;
  }

  private static void queueLosses(int number, PtyQueues queues, List<Loss> losses) {
    if (queues.literalNext()) {
      losses.add(Loss.of("that the next character typed at /dev/pts/" + number + " is to be taken as it is (^V) is"
          + " forgotten"));
    }
    if (queues.echo()) {
      losses.add(Loss.of("what was typed at /dev/pts/" + number + " and not shown yet will not be shown"));
    }
  }

  @Override
  public List<Obstacle> obstacles(State state, Host host) {
    var obstacles = new ArrayList<Obstacle>();
    for (Pty pty : state.ptys()) {
      String name = "/dev/pts/" + pty.number();
      if (pty.queues().filter(queues -> !PtyFacts.canBeTyped(queues, pty.termios(), pty.slave())).isPresent()) {
        obstacles.add(new Obstacle.Unsupported(name, "what was typed there cannot be typed again", ""));
      }
      if (host.hasTerminal(pty.number())) {
        obstacles.add(new Obstacle.Unsupported(name, "this pseudoterminal of the program is another's by now",
            "end whoever has it open (fuser " + name + "), then restore"));
      }
    }
    return obstacles;
  }

  @Override
  public Ref<?> restore(State state, ObjectId self, Script script, Refs refs) {
    Ref<?> mask = script.call(Nr.UMASK, "the mask, which will be used as a gauge", Arg.imm(0));
    var fillers = new ArrayList<Ref<?>>();
    Optional<Ref<?>> first = Optional.empty();
    int number = 0;
    for (Pty pty : state.ptys()) {
      while (number < pty.number()) {
        if (refs.isFree(PathBytes.of("/dev/pts/" + number))) {
          fillers.add(open(pty.master(), "not number " + pty.number() + " but " + number, script, refs));
        }
        number++;
      }
      Ref<?> master = make(pty, self, script, refs);
      first = first.isPresent() ? first : Optional.of(master);
      number++;
    }
    fillers.forEach(filler -> script.call(Nr.CLOSE, "a number in between", Arg.result(filler)));
    script.call(Nr.UMASK, "the mask as it was", Arg.result(mask));
    return script.call(Nr.DUP, "a way to the pseudoterminals", Arg.result(first.orElseThrow()));
  }

  private static Ref<?> open(PathBytes path, String why, Script script, Refs refs) {
    Ref<?> low = script.call(Nr.OPENAT, why, Arg.imm(Open.AT_FDCWD), Arg.path(path),
        Arg.imm(O_NOCTTY_RDWR_CLOEXEC), Arg.imm(0));
    Ref<?> kept = script.call(Nr.FCNTL, "keep it out of the way", Arg.result(low), Arg.imm(F_DUPFD_CLOEXEC),
        Arg.imm(refs.spare().value()));
    script.call(Nr.CLOSE, "its low number", Arg.result(low));
    return kept;
  }

  private static Ref<?> make(Pty pty, ObjectId self, Script script, Refs refs) {
    Ref<?> master = open(pty.master(), "pseudoterminal " + pty.number(), script, refs);
    refs.note(self, "master " + pty.number(), master);
    Ref<?> number = ioctl(master, TIOCGPTN, Arg.space(4), "its number", script);
    script.call(Nr.UMASK, "put where a call will answer it", Arg.output(number, 2, 0, 4));
    script.callExpecting(pty.number() & MASK, Nr.UMASK, "its number, which must be " + pty.number(), Arg.imm(0));
    ioctl(master, TIOCSPTLCK, Arg.data(Bytes.ofU32(0)), "let its slave be opened", script);
    ioctl(master, TIOCSWINSZ, Arg.data(pty.size()), "its size", script);
    PathBytes path = PathBytes.of("/dev/pts/" + pty.number());
    if (!pty.hungUp()) {
      script.call(Nr.FCHOWNAT, "owner of " + path, Arg.imm(Open.AT_FDCWD), Arg.path(path), Arg.imm(pty.uid()),
          Arg.imm(pty.gid()), Arg.imm(0));
      script.call(Nr.FCHMODAT, "mode of " + path, Arg.imm(Open.AT_FDCWD), Arg.path(path), Arg.imm(pty.mode()));
    }
    if (pty.slave()) {
      Ref<?> slave = open(path, "slave of pseudoterminal " + pty.number(), script, refs);
      refs.note(self, "slave " + pty.number(), slave);
      if (pty.queues().isPresent()) {
        boolean canonical = PtyFacts.isCanonical(pty.termios());
        PtyQueues queues = pty.queues().get();
        if (!queues.output().isEmpty() || !queues.input().isEmpty() || pty.stopped() != Stopped.NOT) {
          new PtyFilling(master, slave, pty.termios(), script).fill(queues, queues.typing(canonical).orElseThrow(),
              canonical, pty.stopped());
        }
      } else {
        stop(pty, master, slave, script);
      }
    }
    if (!PtyFacts.isZero(pty.termios())) {
      ioctl(master, TCSETS2, Arg.data(pty.termios()), "its settings", script);
    }
    return master;
  }

  /// Before its settings: a new terminal is stopped by ^S, which its master sends here. That reaches the slave at a
  /// moment of its own: asking whether input is there fetches it (n_tty_poll()).
  private static void stop(Pty pty, Ref<?> master, Ref<?> slave, Script script) {
    if (pty.stopped() == Stopped.TYPED) {
      ioctl(master, TCXONC, Arg.imm(TCIOFF), "the stop character", script);
      Arg slaveOnly = new Arg.Struct(Bytes.ofU32(0, POLLIN_OR_POLLOUT), List.of(new Arg.Patch(0, 4, Arg.result(slave))));
      script.callExpecting(0, Nr.PPOLL, "output is stopped", slaveOnly, Arg.imm(1), Arg.data(Bytes.ofU64(0, 0)),
          Arg.imm(0), Arg.imm(0));
    } else if (pty.stopped() == Stopped.CALLED) {
      ioctl(slave, TCXONC, Arg.imm(TCOOFF), "output is stopped", script);
    }
  }

  private static Ref<?> ioctl(Ref<?> fd, int request, Arg argument, String why, Script script) {
    return script.call(Nr.IOCTL, why, Arg.result(fd), Arg.imm(request), argument);
  }

  /// What would have been in the way. A master nobody has open goes with the descriptors of the restore, and its slaves
  /// are hung up then.
  @Override
  public void finish(State state, ObjectId self, Script script, Refs refs) {
    for (Pty pty : state.ptys()) {
      if (!pty.hungUp()) {
        script.call(Nr.UTIMENSAT, "when it was used last", Arg.imm(Open.AT_FDCWD),
            Arg.string("/dev/pts/" + pty.number()), Arg.data(Bytes.ofU64(pty.accessed().seconds(),
                pty.accessed().nanoseconds(), pty.modified().seconds(), pty.modified().nanoseconds())), Arg.imm(0));
      }
      Ref<?> master = refs.noted(self, "master " + pty.number());
      if (!PtyFacts.isZero(pty.lockedTermios())) {
        ioctl(master, TIOCSLCKTRMIOS, Arg.data(pty.lockedTermios()), "settings that may not be changed", script);
      }
      if (pty.packet()) {
        ioctl(master, TIOCPKT, Arg.data(Bytes.ofU32(1)), "packet mode", script);
      }
      if (pty.locked()) {
        ioctl(master, TIOCSPTLCK, Arg.data(Bytes.ofU32(1)), "locked", script);
      }
      if (pty.masterExclusive()) {
        ioctl(master, TIOCEXCL, Arg.imm(0), "exclusive, which means nothing for a master", script);
      }
      if (pty.exclusive() && pty.slave()) {
        ioctl(refs.noted(self, "slave " + pty.number()), TIOCEXCL, Arg.imm(0), "nobody else may open it", script);
      }
    }
  }
}
