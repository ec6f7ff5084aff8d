package stasis.kinds.group.loginuid;

import java.lang.invoke.MethodHandles;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Nr;
import stasis.resource.Answers;
import stasis.resource.Arg;
import stasis.resource.FrozenGroup;
import stasis.resource.GroupAspect;
import stasis.resource.Host;
import stasis.resource.Loss;
import stasis.resource.ObstructedException;
import stasis.resource.Ref;
import stasis.resource.Refs;
import stasis.resource.Script;
import stasis.resource.Stage;

/// Who logged in, for the audit trail (`/proc/PID/loginuid`): set again with CAP_AUDIT_CONTROL, else the restorer's. The
/// number of the audit session is the kernel's own.
public final class LoginUid implements GroupAspect<LoginUid.State> {
  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "group.loginuid", 1);
  private static final Pattern NUMBER = Pattern.compile("\\d{1,10}");
  private static final long AT_FDCWD = -100;
  private static final long O_WRONLY_CLOEXEC = 0x80001;

  /// @param loginUid decimal; 4294967295 for nobody
  record State(@Tag(1) String loginUid) {
    State {
      if (!NUMBER.matcher(loginUid).matches()) {
        throw new IllegalArgumentException("no login uid is " + loginUid);
      }
    }
  }

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public List<Loss> losses(State state) {
    return List.of(Loss.of("login uid " + state.loginUid() + " becomes the restorer's, or is set anew: then its audit"
        + " session gets another number"));
  }

  @Override
  public List<Loss> losses(State state, Host host) {
    if (isRestorers(state, host)) {
      return List.of();
    }
    return List.of(Loss.of(mayBeSet(host) ? "login uid " + state.loginUid() + " is set anew: its audit session gets"
        + " another number, and where the audit system has locked login uids it stays the restorer's"
        : "login uid " + state.loginUid() + " becomes the restorer's"));
  }

  private static boolean isRestorers(State state, Host host) {
    return host.inherited("loginuid").filter(text -> text.strip().equals(state.loginUid())).isPresent();
  }

  private static boolean mayBeSet(Host host) {
    return host.capabilities().contains("CAP_AUDIT_CONTROL");
  }

  /// Each write begins a new audit session, so there is none where nothing changes.
  @Override
  public boolean isBornWith(State state, Optional<State> parents, Host host) {
    return parents.map(state::equals).orElseGet(() -> isRestorers(state, host));
  }

  /// Empty on a kernel without audit.
  @Override
  public Optional<State> checkpoint(FrozenGroup group, Answers answers) throws ObstructedException {
    return group.proc("loginuid").map(text -> new State(text.strip()));
  }

  @Override
  public void restore(State state, Script script, Refs refs) {
    if (!mayBeSet(refs.host())) {
      return;
    }
    Bytes text = Bytes.of(state.loginUid().getBytes(StandardCharsets.US_ASCII));
    Ref<Fd> file = script.call(Nr.OPENAT, "login uid", Arg.imm(AT_FDCWD), Arg.string("/proc/self/loginuid"),
        Arg.imm(O_WRONLY_CLOEXEC), Arg.imm(0));
    script.callTolerating(Set.of(Errno.EPERM), Nr.WRITE, "login uid " + state.loginUid(), Arg.result(file),
        Arg.data(text), Arg.imm(text.length()));
    script.call(Nr.CLOSE, "login uid", Arg.result(file));
  }

  @Override
  public Stage stage() {
    return Stage.BIRTH;
  }
}
