package stasis.kinds.file.foreign;

import java.lang.invoke.MethodHandles;
import java.util.List;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.kinds.file.SocketFacts;
import stasis.kinds.socket.SocketAddress;
import stasis.linux.abi.Fd;
import stasis.procfs.FileStat;
import stasis.resource.FileKind;
import stasis.resource.Host;
import stasis.resource.Obstacle;
import stasis.resource.ObstructedException;
import stasis.resource.OpenFile;
import stasis.resource.Ref;
import stasis.resource.Refs;
import stasis.resource.Script;

/// Every open file no other kind took: refused, by its name. Last in match order.
public final class ForeignFile implements FileKind<ForeignFile.State> {
  /// Never stored: a checkpoint with such a file is refused.
  record State(@Tag(1) String reason) {}

  private record Refusal(String reason, String remedy) {}

  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "file.foreign", 1);
  private static final int SO_PROTOCOL = 38;
  private static final String CLOSE = "let the program close it before the checkpoint";

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public boolean recognises(OpenFile file) {
    return true;
  }

  @Override
  public State checkpoint(OpenFile file) throws ObstructedException {
    Refusal refusal = refusal(file);
    throw new ObstructedException(file.subject(), refusal.reason(), refusal.remedy());
  }

  private static Refusal refusal(OpenFile file) {
    return switch (file.facts().type()) {
      case FileStat.S_IFIFO -> file.link().startsWith("pipe:")
          ? new Refusal("the other end of this pipe is outside the program, or shared with a task outside"
              + file.holderOutside(file.link()).map(who -> ": " + who + " has it").orElse(""),
              "checkpoint with --external-pipe, start the program with this fd closed or on a file, or checkpoint both"
              + " ends' tasks together")
          : new Refusal("a task outside the tree has this FIFO open too", CLOSE);
      case FileStat.S_IFSOCK -> socket(file);
      case FileStat.S_IFCHR -> file.facts().rdev().major() == 5 && file.facts().rdev().minor() == 0
          ? new Refusal("a terminal opened beside standard input, output and error cannot be carried", CLOSE)
          : new Refusal("character device " + file.facts().rdev() + " is not known", CLOSE);
      case FileStat.S_IFBLK -> new Refusal("block device " + file.facts().rdev() + " cannot be carried", CLOSE);
      default -> nameless(file.link());
    };
  }

  private static Refusal socket(OpenFile file) {
    return switch (SocketFacts.domain(file)) {
      case SocketFacts.AF_UNIX -> new Refusal("a unix socket whose peer is outside the program, that is bound to an"
          + " address, listens, or carries descriptors, cannot be carried", CLOSE);
      case SocketAddress.AF_INET, SocketAddress.AF_INET6 -> internet(file);
      case 16 -> new Refusal("a netlink socket cannot be carried", CLOSE);
      case 17 -> new Refusal("a packet socket cannot be carried", CLOSE);
      case 21 -> new Refusal("an RDS socket cannot be carried", CLOSE);
      case 29 -> new Refusal("a CAN socket cannot be carried", CLOSE);
      case 30 -> new Refusal("a TIPC socket cannot be carried", CLOSE);
      case 31 -> new Refusal("a Bluetooth socket cannot be carried", CLOSE);
      case 38 -> new Refusal("a socket of the kernel's crypto API (AF_ALG) cannot be carried", CLOSE);
      case 40 -> new Refusal("a vsock socket cannot be carried", CLOSE);
      case 43 -> new Refusal("an SMC socket cannot be carried", "run the program over TCP");
      case 44 -> new Refusal("an XDP socket cannot be carried", CLOSE);
      default -> new Refusal("a socket of address family " + SocketFacts.domain(file) + " cannot be carried", CLOSE);
    };
  }

  private static Refusal internet(OpenFile file) {
    return switch (SocketFacts.option(file, SO_PROTOCOL)) {
      case 1, 58 -> new Refusal("an ICMP socket cannot be carried", CLOSE);
      case 33 -> new Refusal("a DCCP socket cannot be carried", CLOSE);
      case 132 -> new Refusal("an SCTP socket cannot be carried", CLOSE);
      case 262 -> new Refusal("a Multipath TCP socket cannot be carried: the kernel has no way to repair one",
          "run the program over TCP (Go: GODEBUG=multipathtcp=0)");
      default -> new Refusal("an internet socket of protocol " + SocketFacts.option(file, SO_PROTOCOL)
          + " cannot be carried", CLOSE);
    };
  }

  private static Refusal nameless(String link) {
    String name = link.startsWith("anon_inode:") ? link.substring("anon_inode:".length()).replaceAll("[\\[\\]]", "")
        : link;
    return switch (name) {
      case "perf_event" -> new Refusal("a performance counter cannot be carried", "stop profiling the program");
      case "seccomp notify" -> new Refusal("the listener of a seccomp filter cannot be carried", CLOSE);
      default -> link.startsWith("(unreachable)")
          ? new Refusal("it lies outside what the engine can reach", "run the engine in the same mount namespace")
          : new Refusal("no kind knows " + link, CLOSE);
    };
  }

  /// A statefile that holds one was not written by a checkpoint.
  @Override
  public List<Obstacle> obstacles(State state, Host host) {
    return List.of(new Obstacle.Unsupported("file", state.reason(), ""));
  }

  @Override
  public Ref<Fd> restore(State state, Script script, Refs refs) {
    throw new IllegalStateException("an obstructed plan is not written");
  }
}
