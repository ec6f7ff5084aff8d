package stasis.kinds.body.unix;

import java.util.ArrayList;
import java.util.List;
import java.util.function.IntFunction;
import stasis.kinds.body.unix.UnixBody.Link;
import stasis.kinds.body.unix.UnixBody.State;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Nr;
import stasis.resource.Arg;
import stasis.resource.Ref;
import stasis.resource.Script;

/// Connects datagram sockets. One that has a peer takes neither connections nor messages from others
/// (net/unix/af_unix.c, unix_may_send()), so whoever is connected to comes before its own connect(2); and one in which
/// messages of others wait is connected when they are delivered.
final class UnixLinks {
  private final State state;
  private final UnixSteps steps;
  private final Script script;
  private final List<Link> early = new ArrayList<>();
  private final List<Link> late = new ArrayList<>();

  UnixLinks(State state, UnixSteps steps, Script script) {
    this.state = state;
    this.steps = steps;
    this.script = script;
    List<Link> left = new ArrayList<>(state.links());
    while (!left.isEmpty()) {
      Link next = left.stream().filter(link -> left.stream().noneMatch(other -> isBefore(other, link))).findFirst()
          .orElseThrow(() -> new IllegalArgumentException("datagram sockets are connected in a ring"));
      left.remove(next);
      boolean waits = hasMessagesOfOthers(next) || late.stream().anyMatch(other -> isBefore(other, next));
      (waits ? late : early).add(next);
    }
  }

  private static boolean isBefore(Link other, Link link) {
    return other.to() == link.from() && other.from() != link.to() && other.from() != link.from();
  }

  private boolean hasMessagesOfOthers(Link link) {
    return state.messages().stream()
        .anyMatch(message -> message.to() == link.from() && message.from() != link.to());
  }

  void early(IntFunction<Ref<?>> ref) {
    early.forEach(link -> connect(link, ref));
  }

  void late(IntFunction<Ref<?>> ref) {
    late.forEach(link -> connect(link, ref));
  }

  private void connect(Link link, IntFunction<Ref<?>> ref) {
    Bytes address = steps.reach(link.to());
    script.call(Nr.CONNECT, "connect " + UnixSteps.why(state.sockets().get(link.from()), link.from()),
        Arg.result(ref.apply(link.from())), Arg.data(address), Arg.imm(address.length()));
  }
}
