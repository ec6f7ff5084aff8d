package stasis.kinds.file.stdio;

import java.lang.invoke.MethodHandles;
import java.util.List;
import java.util.Optional;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.kinds.file.SocketFacts;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Nr;
import stasis.procfs.FileStat;
import stasis.resource.Arg;
import stasis.resource.FileKind;
import stasis.resource.Loss;
import stasis.resource.ObstructedException;
import stasis.resource.OpenFile;
import stasis.resource.Provable;
import stasis.resource.Ref;
import stasis.resource.Refs;
import stasis.resource.Script;

/// A terminal, or an end of a pipe, FIFO or unix socket whose other end is outside the tree, on standard input,
/// output or
/// error. The rule: each of fd 0, 1 and 2 becomes what the restorer has under the same number, `/dev/null` where it has
/// nothing. The same terminal under a higher number follows the lowest standard one.
public final class Stdio implements FileKind<Stdio.State> {
  /// @param number 0, 1 or 2 @param what it was, as the link reads
  record State(@Tag(1) int number, @Tag(2) String what) {
    State {
      if (number < 0 || number > LAST) {
        throw new IllegalArgumentException("standard descriptors are 0 to 2, was " + number);
      }
    }
  }

  private static final int LAST = 2;
  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "file.stdio", 1);
  /// Majors of virtual consoles, /dev/tty and /dev/console, serial lines, and pseudoterminals (devices.txt).
  private static final List<Integer> TERMINALS = List.of(4, 5, 204, 136, 137, 138, 139, 140, 141, 142, 143);
  private static final int TTYAUX_MAJOR = 5;
  private static final int PTMX_MINOR = 2;

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public boolean recognises(OpenFile file) {
    return number(file).isPresent() && (isTerminal(file) || file.facts().type() == FileStat.S_IFIFO
        || file.facts().type() == FileStat.S_IFSOCK && SocketFacts.domain(file) == SocketFacts.AF_UNIX);
  }

  private static boolean isTerminal(OpenFile file) {
    FileStat facts = file.facts();
    return facts.type() == FileStat.S_IFCHR && TERMINALS.contains(facts.rdev().major())
        && !(facts.rdev().major() == TTYAUX_MAJOR && facts.rdev().minor() == PTMX_MINOR);
  }

  private static Optional<Integer> number(OpenFile file) {
    if (file.fd().value() <= LAST) {
      return Optional.of(file.fd().value());
    }
    return isTerminal(file) ? file.onSameInode().stream().map(other -> other.fd().value()).filter(fd -> fd <= LAST)
        .min(Integer::compare) : Optional.empty();
  }

  @Override
  public State checkpoint(OpenFile file) throws ObstructedException {
    return new State(number(file).orElseThrow(), file.link());
  }

  @Override
  public List<Loss> losses(State state) {
    String name = switch (state.number()) {
      case 0 -> "standard input";
      case 1 -> "standard output";
      default -> "standard error";
    };
    return List.of(new Loss(state.what() + " comes from outside: it becomes the restorer's own " + name
        + " with its flags and settings, or /dev/null where that is closed",
        "run the program with files as its standard input, output and error"));
  }

  @Override
  public Ref<Fd> restore(State state, Script script, Refs refs) {
    return script.call(Nr.DUP, "standard descriptor " + state.number() + " of the restorer",
        Arg.imm(refs.stdio(state.number()).value()));
  }

  @Override
  public Fd atPlace(State state, Fd place, Fd made, Refs refs) {
    return place.value() <= LAST ? refs.stdio(place.value()) : made;
  }
  @Override
  public Provable<State> provable(State state) {
    return new Provable.Unseen<>("it leads out of the program; the copy has /dev/null there");
  }
}
