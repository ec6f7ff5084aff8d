package stasis.engine;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import stasis.image.ObjectId;
import stasis.linux.abi.RemoteAddress;
import stasis.linux.abi.Tid;
import stasis.procfs.ProcException;
import stasis.procfs.Smaps;
import stasis.procfs.VmFlag;
import stasis.procfs.VmFlags;
import stasis.procfs.Vma;
import stasis.resource.Answer;
import stasis.resource.Answers;
import stasis.resource.KindSet;
import stasis.resource.MappingAspect;
import stasis.resource.MappingKind;
import stasis.resource.MmState;
import stasis.resource.Obstacle;
import stasis.resource.ObstructedException;
import stasis.resource.Question;
import stasis.resource.VmaState;
import stasis.tracee.RemoteMemory;

/// Describes the vmas of a tree: each with what backs it, each backing once.
final class MappingCollector {
  /// Where the emulated vsyscall page lies: in every mm, in none of ours to restore (arch/x86/entry/vsyscall).
  static final String VSYSCALL = "[vsyscall]";

  /// Private pages of an mm that are stored.
  ///
  /// @param writes whether the kernel could note writes to them
  record Range(RemoteAddress start, long lengthBytes, Writes writes) {}

  /// Whether writes to memory can be noted.
  enum Writes {
    /// They can.
    NOTED,
    /// They can, and it breaks huge pages up.
    NOTED_IN_SMALL,
    /// They cannot, or not all.
    UNKNOWN;

    static Writes of(Smaps.Entry entry) {
      return of(VmaFacts.of(entry, Optional.empty()));
    }

    static Writes of(VmaFacts entry) {
      Vma vma = entry.vma();
      if (!vma.isAnonymous() || vma.shared() || entry.flags().has(VmFlag.HT) || entry.flags().has(VmFlag.DE)
          || entry.flags().has(VmFlag.PF) || entry.flags().has(VmFlag.IO) || !entry.flags().has(VmFlag.MW)) {
        return UNKNOWN;
      }
      return entry.flags().has(VmFlag.HG) || entry.huge() ? NOTED_IN_SMALL : NOTED;
    }
  }

  /// @param task whose mm it is @param subreaper see [Frozen#childSubreaper] @param ranges in address order
  /// @param watched whether some of it is registered with a userfaultfd
  /// @param asynchronous whether it has a ring of io_setup(2): the kernel may write to pages of it past page tables
  record PrivatePages(ObjectId mm, Tid task, Optional<Boolean> subreaper, List<Range> ranges, boolean watched,
      boolean asynchronous) {}

  private record Backing(ObjectId id, MappingKind.Pages pages, Set<ObjectId> bodies) {}

  private final KindSet kinds;
  private final TreeView tree;
  private final Findings findings;
  private final Sink sink;
  private final List<PrivatePages> privatePages = new ArrayList<>();
  private final Map<String, Optional<Backing>> backings = new HashMap<>();
  /// Most vmas have the flags of some other.
  private final Map<VmFlags, String> flagTexts = new HashMap<>();

  MappingCollector(KindSet kinds, TreeView tree, Findings findings, Sink sink) {
    this.kinds = kinds;
    this.tree = tree;
    this.findings = findings;
    this.sink = sink;
  }

  MmState collect(GroupView group) throws ObstructedException {
    List<MappingView> views = new ArrayList<>();
    MmView mm = new MmView(group.procOfLeader(), vmas(group), new RemoteMemory(group.leader().tid()), findings);
    for (int i = 0; i < mm.entries().size(); i++) {
      views.add(new MappingView(tree, group, mm, i));
    }
    List<VmaState> vmas = new ArrayList<>();
    List<Range> ranges = new ArrayList<>();
    for (MappingView view : views) {
      describe(view, ranges).ifPresent(vmas::add);
    }
    privatePages.add(new PrivatePages(group.mm(), group.leader().tid(), group.childSubreaper(), List.copyOf(ranges),
        views.stream().anyMatch(view -> view.flags().has(VmFlag.UW)),
        views.stream().anyMatch(view -> view.vma().name().startsWith("/[aio]"))));
    return MmState.alone(vmas, attachments(views, group)).withHuge(mm.huge());
  }

  private static List<VmaFacts> vmas(GroupView group) throws ObstructedException {
    try {
      return group.frozen().vmas(group.procOfLeader());
    } catch (ProcException e) {
      throw TaskView.obstructed(group.leader().tid(), "vmas", e);
    }
  }

  private Optional<VmaState> describe(MappingView view, List<Range> ranges) {
    for (MappingKind<?> kind : kinds.mappings()) {
      if (kind.recognises(view)) {
        String key = kind.schema().name() + " " + kind.key(view);
        Optional<Backing> backing = backings.get(key);
        if (backing == null) {
          backing = backing(kind, view);
          backings.put(key, backing);
        } else {
          backing.ifPresent(b -> tree.alsoMapped(b.bodies(), view));
        }
        return backing.map(b -> vma(view, b, ranges));
      }
    }
    findings.refuse("mapping", new Obstacle.Unsupported(view.subject(), "no kind knows this mapping",
        "let the program unmap it before the checkpoint"));
    return Optional.empty();
  }

  private <S extends Record> Optional<Backing> backing(MappingKind<S> kind, MappingView view) {
    return findings.look(kind.schema().name(), () -> kind.checkpoint(view)).map(state -> {
      ObjectId id = tree.nextId();
      sink.put(id, kind, state, Optional.empty(), view.subject());
      return new Backing(id, kind.pages(state), kind.needs(state));
    });
  }

  private VmaState vma(MappingView view, Backing backing, List<Range> ranges) {
    Vma vma = view.vma();
    if (backing.pages() == MappingKind.Pages.PRIVATE) {
      ranges.add(new Range(vma.address(), vma.lengthBytes(), view.writes()));
    }
    return new VmaState(vma.address(), vma.lengthBytes(), vma.protection(), vma.shared(), vma.offset(),
        flagTexts.computeIfAbsent(view.flags(), flags -> flags.without(VmFlag.UW).without(VmFlag.SD)
            .toString()),
        vma.anonName().orElse(""), backing.id());
  }

  private List<MmState.Attachment> attachments(List<MappingView> views, GroupView group) throws ObstructedException {
    var attachments = new ArrayList<MmState.Attachment>();
    for (MappingAspect<?> aspect : kinds.mappingAspects()) {
      List<Question> questions = new ArrayList<>();
      List<Integer> counts = new ArrayList<>();
      for (MappingView view : views) {
        List<Question> asked = aspect.questions(view);
        questions.addAll(asked);
        counts.add(asked.size());
      }
      List<Answer> said = questions.isEmpty() ? List.of() : group.frozen().ask(group.leader().tid(), questions);
      int at = 0;
      for (int i = 0; i < views.size(); i++) {
        Map<Question, Answer> answers = new HashMap<>();
        for (int n = 0; n < counts.get(i); n++, at++) {
          answers.put(questions.get(at), said.get(at));
        }
        attach(aspect, views.get(i), new Answers(answers), group.mm()).ifPresent(attachments::add);
      }
    }
    return attachments;
  }

  private <S extends Record> Optional<MmState.Attachment> attach(MappingAspect<S> aspect, MappingView view,
      Answers answers, ObjectId mm) {
    return findings.look(aspect.schema().name(), () -> aspect.checkpoint(view, answers)).flatMap(s -> s).map(state -> {
      ObjectId id = tree.nextId();
      sink.put(id, aspect, state, Optional.of(mm), view.subject());
      return new MmState.Attachment(view.vma().address(), id);
    });
  }

  List<PrivatePages> privatePages() {
    return List.copyOf(privatePages);
  }
}
