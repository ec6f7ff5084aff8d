package stasis.engine;

import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import stasis.image.ObjectId;
import stasis.linux.abi.RemoteAddress;
import stasis.resource.MmState;
import stasis.resource.VmaState;

/// Which vmas of a process are still those that fork(2) gave it: same place, same backing, same attributes. A private
/// one may have become longer or shorter at its end. Pure: the collector and the planner come to the same answer.
final class Inheritance {
  private static final String DONT_COPY = "dc";
  private static final String WIPE_ON_FORK = "wf";
  private static final String GROWS_DOWN = "gd";
  /// Flags that a child does not get, or that tell nothing of how a vma was made: mlock(2), soft-dirty.
  private static final Set<String> OWN = Set.of("lo", "lf", "sd");

  private final Map<RemoteAddress, VmaState> kept = new HashMap<>();
  private final Set<RemoteAddress> gone = new HashSet<>();
  private final MmState parent;
  private final MmState child;

  private Inheritance(MmState parent, MmState child) {
    this.parent = parent;
    this.child = child;
  }

  static Inheritance of(MmState parent, MmState child, SortedMap<ObjectId, Capture.Item<?>> items) {
    return of(parent, child, (ObjectId aspect) -> {
      Capture.Item<?> item = GroupPlan.require(items, aspect);
      return List.of(item.kind().schema().name(), item.state());
    });
  }

  /// @param aspects what an attached object says, equal where two say the same
  static Inheritance of(MmState parent, MmState child, Function<ObjectId, Object> aspects) {
    var inheritance = new Inheritance(parent, child);
    Map<RemoteAddress, VmaState> byStart = new HashMap<>();
    parent.vmas().forEach(vma -> byStart.put(vma.start(), vma));
    Map<RemoteAddress, Set<Object>> before = attached(parent, aspects);
    Map<RemoteAddress, Set<Object>> now = attached(child, aspects);
    for (VmaState vma : child.vmas()) {
      VmaState from = byStart.get(vma.start());
      if (from != null && alike(from, vma)
          && before.getOrDefault(vma.start(), Set.of()).equals(now.getOrDefault(vma.start(), Set.of()))) {
        inheritance.kept.put(vma.start(), from);
      }
    }
    inheritance.markGone();
    return inheritance;
  }

  /// Nothing is kept of a parent's memory.
  static Inheritance none(MmState parent) {
    var inheritance = new Inheritance(parent, MmState.alone(List.of(), List.of()));
    inheritance.markGone();
    return inheritance;
  }

  private void markGone() {
    parent.vmas().stream().filter(vma -> isCopied(vma) && !kept.containsKey(vma.start()))
        .forEach(vma -> gone.add(vma.start()));
  }

  private static boolean isCopied(VmaState vma) {
    return !vma.has(DONT_COPY);
  }

  private static boolean alike(VmaState from, VmaState vma) {
    return from.backing().equals(vma.backing()) && from.prot() == vma.prot() && from.shared() == vma.shared()
        && from.offset() == vma.offset() && from.name().equals(vma.name()) && flags(from).equals(flags(vma))
        && !vma.has(DONT_COPY) && !vma.has(WIPE_ON_FORK)
        && (from.lengthBytes() == vma.lengthBytes() || !vma.shared() && !vma.has(GROWS_DOWN));
  }

  private static Set<String> flags(VmaState vma) {
    return Stream.of(vma.flags().split(" ")).filter(flag -> !OWN.contains(flag)).collect(Collectors.toSet());
  }

  private static Map<RemoteAddress, Set<Object>> attached(MmState mm, Function<ObjectId, Object> aspects) {
    Map<RemoteAddress, Set<Object>> attached = new HashMap<>();
    for (MmState.Attachment attachment : mm.attachments()) {
      attached.computeIfAbsent(attachment.vma(), _ -> new HashSet<>()).add(aspects.apply(attachment.aspect()));
    }
    return attached;
  }

  /// The parent's vma that this one of the child is.
  Optional<VmaState> from(VmaState child) {
    return Optional.ofNullable(kept.get(child.start()));
  }

  /// Where a page of the child may still be its parent's.
  Intervals keptPages() {
    var pages = new Intervals();
    child.vmas().stream().filter(vma -> !vma.shared() && kept.containsKey(vma.start())).forEach(vma -> pages.add(
        vma.start().bits(), vma.start().bits() + Math.min(vma.lengthBytes(),
            GroupPlan.require(kept, vma.start()).lengthBytes())));
    return pages;
  }

  /// Vmas the child got and has no more.
  List<VmaState> gone() {
    return parent.vmas().stream().filter(vma -> gone.contains(vma.start())).toList();
  }
}
