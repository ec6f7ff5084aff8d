package stasis.kinds.body.unix;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import stasis.kinds.body.unix.UnixBody.Owner;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.resource.Arg;
import stasis.resource.Ref;
import stasis.resource.Script;

/// Does as another user what the kernel remembers the doer of: socketpair(2), listen(2) and connect(2) note the
/// effective ids of their caller for SO_PEERCRED (net/unix/af_unix.c, init_peercred()). Capabilities stay in effect.
///
/// Where the restorer may not change its ids, they stay as they are.
final class UnixOwner {
  private static final int CAPABILITY_VERSION_3 = 0x20080522;
  private static final int CAPABILITY_BYTES = 24;
  private static final Bytes HEADER = Bytes.ofU32(CAPABILITY_VERSION_3, 0);
  private static final long SAME = -1;

  private final Script script;
  private Optional<Own> own = Optional.empty();
  private Optional<Owner> acting = Optional.empty();

  private record Own(Ref<?> uid, Ref<?> gid, Ref<?> capabilities) {}

  UnixOwner(Script script) {
    this.script = script;
  }

  void as(Optional<Owner> wanted) {
    if (wanted.isEmpty() || isSame(wanted.get())) {
      return;
    }
    back();
    Own before = own.orElseGet(() -> new Own(script.call(Nr.GETEUID, "who makes sockets here"),
        script.call(Nr.GETEGID, "and of which group"), script.call(Nr.CAPGET, "and what it may",
            Arg.data(HEADER), Arg.space(CAPABILITY_BYTES))));
    own = Optional.of(before);
    Owner owner = wanted.get();
    ids(Nr.SETRESGID, "as group " + owner.gid(), Arg.imm(owner.gid()));
    ids(Nr.SETRESUID, "as user " + owner.uid(), Arg.imm(owner.uid()));
    capabilities(before);
    acting = wanted;
  }

  private boolean isSame(Owner wanted) {
    return acting.filter(owner -> owner.uid() == wanted.uid() && owner.gid() == wanted.gid()).isPresent();
  }

  void back() {
    if (acting.isPresent()) {
      Own before = own.orElseThrow();
      ids(Nr.SETRESUID, "as before", Arg.result(before.uid()));
      ids(Nr.SETRESGID, "as before", Arg.result(before.gid()));
      capabilities(before);
      acting = Optional.empty();
    }
  }

  private void ids(Nr nr, String why, Arg id) {
    script.callTolerating(Set.of(Errno.EPERM), nr, why, Arg.imm(SAME), id, Arg.imm(SAME));
  }

  /// A change of the effective user id takes the effective capabilities away, not the permitted ones.
  private void capabilities(Own before) {
    List<Arg.Patch> patches = new ArrayList<>();
    for (int at = 0; at < CAPABILITY_BYTES; at += 4) {
      patches.add(new Arg.Patch(at, 4, Arg.output(before.capabilities(), 1, at, 4)));
    }
    script.call(Nr.CAPSET, "with the same capabilities", Arg.data(HEADER),
        new Arg.Struct(Bytes.zeros(CAPABILITY_BYTES), patches));
  }
}
