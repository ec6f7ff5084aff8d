package stasis.kinds.group.seccomp;

import java.lang.invoke.MethodHandles;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import stasis.image.ObjectId;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Nr;
import stasis.resource.Answers;
import stasis.resource.Arg;
import stasis.resource.FrozenGroup;
import stasis.resource.FrozenTask;
import stasis.resource.GroupAspect;
import stasis.resource.Host;
import stasis.resource.Loss;
import stasis.resource.Obstacle;
import stasis.resource.ObstructedException;
import stasis.resource.Refs;
import stasis.resource.Script;
import stasis.resource.SeccompFilter;
import stasis.resource.Stage;

/// Seccomp of all threads of a group: strict mode and filters (seccomp(2)). Filters that all threads have in common are
/// installed once, for all (TSYNC), so that they are one object again.
///
/// Before credentials, because without no_new_privs a filter needs CAP_SYS_ADMIN; what follows, the engine's last calls
/// included, is not filtered as long as the task is traced with PTRACE_O_SUSPEND_SECCOMP, which the engine must set on
/// each thread whose `seccomp` status is not 0.
public final class Seccomp implements GroupAspect<Seccomp.State> {
  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "group.seccomp", 1);
  private static final int MODE_STRICT = 1;
  private static final long SECCOMP_SET_MODE_STRICT = 0;
  private static final long SECCOMP_SET_MODE_FILTER = 1;
  private static final long FLAG_TSYNC = 1;
  private static final long FLAG_LOG = 2;
  /// Installing a filter leaves speculation controls alone: they are another kind's state.
  private static final long FLAG_SPEC_ALLOW = 4;
  private static final int INSN_BYTES = 8;
  /// BPF_RET | BPF_K.
  private static final int RETURN_CONSTANT = 6;
  private static final int SECCOMP_RET_ACTION_FULL = 0xffff0000;
  private static final int SECCOMP_RET_USER_NOTIF = 0x7fc00000;

  /// @param common filters of all threads, oldest first @param threads what each has besides
  record State(@Tag(1) List<Filter> common, @Tag(2) List<ThreadState> threads) {
    State {
      common = List.copyOf(common);
      threads = List.copyOf(threads);
    }
  }

  /// @param filters newer than the common ones
  record ThreadState(@Tag(1) ObjectId task, @Tag(2) boolean strict, @Tag(3) List<Filter> filters) {
    ThreadState {
      filters = List.copyOf(filters);
    }
  }

  /// @param program `struct sock_filter`s, 8 bytes each
  record Filter(@Tag(1) Bytes program, @Tag(2) boolean logged) {
    Filter {
      if (program.isEmpty() || program.length() % INSN_BYTES != 0 || program.length() / INSN_BYTES > 0xffff) {
        throw new IllegalArgumentException("no seccomp filter has " + program.length() + " bytes");
      }
    }
  }

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public List<Loss> losses(State state) {
    long own = state.threads().stream().filter(thread -> !thread.filters().isEmpty()).count();
    return own < 2 ? List.of()
        : List.of(Loss.of("filters that only some threads share are no longer one object: SECCOMP_FILTER_FLAG_TSYNC "
            + "may then fail"));
  }

  @Override
  public List<Obstacle> obstacles(State state, Host host) {
    return host.capabilities().contains("CAP_SYS_ADMIN") ? List.of()
        : List.of(new Obstacle.HostLacks("seccomp", "suspending filters until the task runs needs CAP_SYS_ADMIN",
            "restore with that capability"));
  }

  @Override
  public Optional<State> checkpoint(FrozenGroup group, Answers answers) throws ObstructedException {
    var lists = new ArrayList<List<Filter>>();
    var strict = new ArrayList<Boolean>();
    for (FrozenTask task : group.tasks()) {
      lists.add(task.status().seccomp() == 0 ? List.of() : filters(task));
      strict.add(task.status().seccomp() == MODE_STRICT);
    }
    int common = common(lists);
    var threads = new ArrayList<ThreadState>();
    for (int i = 0; i < lists.size(); i++) {
      List<Filter> own = lists.get(i).subList(common, lists.get(i).size());
      if (strict.get(i) || !own.isEmpty()) {
        threads.add(new ThreadState(group.tasks().get(i).id(), strict.get(i), own));
      }
    }
    List<Filter> shared = lists.getFirst().subList(0, common);
    return shared.isEmpty() && threads.isEmpty() ? Optional.empty() : Optional.of(new State(shared, threads));
  }

  private static List<Filter> filters(FrozenTask task) throws ObstructedException {
    if (task.status().seccomp() == MODE_STRICT) {
      return List.of();
    }
    var filters = new ArrayList<Filter>();
    for (SeccompFilter filter : task.seccompFilters()) {
      if (asksUser(filter.program())) {
        throw new ObstructedException(task.subject(),
            "one of its seccomp filters leaves calls to a listener (SECCOMP_RET_USER_NOTIF)",
            "start it without that filter");
      }
      filters.add(new Filter(filter.program(), filter.logged()));
    }
    return filters;
  }

  private static boolean asksUser(Bytes program) {
    for (int at = 0; at + INSN_BYTES <= program.length(); at += INSN_BYTES) {
      if (program.u16(at) == RETURN_CONSTANT
          && (program.u32(at + 4) & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_USER_NOTIF) {
        return true;
      }
    }
    return false;
  }

  /// How many filters, from the oldest on, are the same in all lists.
  private static int common(List<List<Filter>> lists) {
    List<Filter> first = lists.getFirst();
    for (int length = first.size(); length > 0; length--) {
      List<Filter> head = first.subList(0, length);
      if (lists.stream().allMatch(list -> list.size() >= head.size()
          && list.subList(0, head.size()).equals(head))) {
        return length;
      }
    }
    return 0;
  }

  @Override
  public void restore(State state, Script script, Refs refs) {
    for (Filter filter : state.common()) {
      install(script, filter, FLAG_TSYNC);
    }
    for (ThreadState thread : state.threads()) {
      Script own = script.program().in(thread.task());
      for (Filter filter : thread.filters()) {
        install(own, filter, 0);
      }
      if (thread.strict()) {
        own.call(Nr.SECCOMP, "seccomp strict mode", Arg.imm(SECCOMP_SET_MODE_STRICT), Arg.imm(0), Arg.imm(0));
      }
    }
  }

  /// @param flag TSYNC or nothing; TSYNC answers with a tid where one thread does not follow
  private static void install(Script script, Filter filter, long flag) {
    Bytes template = Bytes.zeros(16).withU32(0, filter.program().length() / INSN_BYTES);
    script.callExpecting(0, Nr.SECCOMP, "seccomp filter", Arg.imm(SECCOMP_SET_MODE_FILTER),
        Arg.imm(flag | FLAG_SPEC_ALLOW | (filter.logged() ? FLAG_LOG : 0)),
        new Arg.Struct(template, List.of(new Arg.Patch(8, 8, Arg.data(filter.program())))));
  }

  @Override
  public Stage stage() {
    return Stage.CREDENTIALS;
  }
}
