package stasis.kinds.fake;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import stasis.image.ObjectId;
import stasis.linux.abi.Bytes;
import stasis.procfs.FileStat;
import stasis.procfs.Smaps;
import stasis.procfs.VmFlags;
import stasis.procfs.Vma;
import stasis.resource.BodyKey;
import stasis.resource.Extent;
import stasis.resource.FrozenGroup;
import stasis.resource.Mapping;
import stasis.resource.ObstructedException;
import stasis.resource.VmaState;

/// A vma made of what smaps prints of it. Bodies are numbered from 100 in the order they are asked for.
public final class FakeMapping implements Mapping {
  private static final int FIRST_BODY = 100;
  private static final int BACKING = 50;

  private final Smaps.Entry entry;
  private final Map<BodyKey, ObjectId> bodies = new HashMap<>();
  private final List<Extent> guards = new ArrayList<>();
  private Optional<Mapping> before = Optional.empty();
  private Optional<Mapping> after = Optional.empty();
  private Optional<FileStat> facts = Optional.empty();
  private FrozenGroup group = new FakeGroup();
  private String policy = "default";
  private int protectionKey;
  private Bytes content = Bytes.EMPTY;

  private FakeMapping(Smaps.Entry entry) {
    this.entry = entry;
  }

  /// @param line header of the vma in smaps @param flags its VmFlags
  public static FakeMapping of(String line, String flags) {
    return new FakeMapping(Smaps.parse(line + "\nSize:                  4 kB\nKernelPageSize:     "
        + ((" " + flags + " ").contains(" ht ") ? 2048 : 4) + " kB\nVmFlags: " + flags + " \n")
        .entries().getFirst());
  }

  public FakeMapping facts(FileStat stat) {
    facts = Optional.of(stat);
    return this;
  }

  public FakeMapping group(FrozenGroup owner) {
    group = owner;
    return this;
  }

  public FakeMapping policy(String text) {
    policy = text;
    return this;
  }

  public FakeMapping guard(Extent region) {
    guards.add(region);
    return this;
  }

  public FakeMapping protectionKey(int key) {
    protectionKey = key;
    return this;
  }

  public FakeMapping content(Bytes bytes) {
    content = bytes;
    return this;
  }

  /// The vmas in address order know their neighbours from here on.
  public static List<FakeMapping> neighbours(FakeMapping... mappings) {
    for (int i = 1; i < mappings.length; i++) {
      if (mappings[i - 1].vma().end() == mappings[i].vma().start()) {
        mappings[i - 1].after = Optional.of(mappings[i]);
        mappings[i].before = Optional.of(mappings[i - 1]);
      }
    }
    return List.of(mappings);
  }

  /// As the engine stores it.
  public VmaState state() {
    Vma vma = vma();
    return new VmaState(vma.address(), vma.lengthBytes(), vma.protection(), vma.shared(), vma.offset(),
        flags().toString(), vma.anonName().orElse(""), new ObjectId(BACKING));
  }

  @Override
  public FrozenGroup group() {
    return group;
  }

  @Override
  public Vma vma() {
    return entry.vma();
  }

  @Override
  public VmFlags flags() {
    return entry.flags();
  }

  @Override
  public String subject() {
    return "task 4711 (victim) vma " + vma();
  }

  @Override
  public Optional<Mapping> before() {
    return before;
  }

  @Override
  public Optional<Mapping> after() {
    return after;
  }

  @Override
  public Optional<FileStat> facts() {
    return facts;
  }

  @Override
  public boolean mayHavePolicy() {
    return !policy().equals("default");
  }

  @Override
  public String policy() {
    return policy;
  }

  @Override
  public List<Extent> guards() {
    return List.copyOf(guards);
  }

  @Override
  public long pageBytes() {
    return entry.kernelPageSizeKib() << 10;
  }

  @Override
  public int protectionKey() {
    return protectionKey;
  }

  @Override
  public ObjectId body(BodyKey key) {
    return bodies.computeIfAbsent(key, _ -> new ObjectId(FIRST_BODY + bodies.size()));
  }

  /// The keys of the bodies it was asked for.
  public List<BodyKey> bodies() {
    return List.copyOf(bodies.keySet());
  }

  @Override
  public Bytes peek(long offset, int lengthBytes) throws ObstructedException {
    if (offset + lengthBytes > content.length()) {
      throw new ObstructedException(subject(), "nothing there", "");
    }
    return content.slice((int) offset, lengthBytes);
  }
}
