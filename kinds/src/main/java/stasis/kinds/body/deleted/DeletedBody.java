package stasis.kinds.body.deleted;

import java.lang.invoke.MethodHandles;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import stasis.image.ObjectId;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.kinds.file.FileOwner;
import stasis.kinds.file.NamedFile;
import stasis.kinds.file.OpenFlags;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Nr;
import stasis.linux.abi.Open;
import stasis.linux.abi.PathBytes;
import stasis.procfs.FileStat;
import stasis.resource.Arg;
import stasis.resource.BodyKind;
import stasis.resource.BodyView;
import stasis.resource.Host;
import stasis.resource.Loss;
import stasis.resource.ObstructedException;
import stasis.resource.OpenFile;
import stasis.resource.Ref;
import stasis.resource.Refs;
import stasis.resource.Script;

/// A regular file without a name, contents and all. It is made anew in the same directory and deleted again; where its
/// former name is taken it has none from the start (O_TMPFILE), and where the directory is gone it lies in /tmp.
public final class DeletedBody implements BodyKind<DeletedBody.State> {
  /// @param former path before it was deleted @param nameless made with O_TMPFILE, never had a path
  /// @param otherNames links it still has elsewhere @param owner empty where nobody can ask: it is only mapped
  /// @param byName descriptions that only its name can be opened for @param maker the description that O_TMPFILE made
  record State(@Tag(1) PathBytes former, @Tag(2) boolean nameless, @Tag(3) long sizeBytes, @Tag(4) int mode,
      @Tag(5) Optional<Owner> owner, @Tag(6) long modifiedNs, @Tag(7) int otherNames, @Tag(8) List<ByName> byName,
      @Tag(9) Optional<Maker> maker) {
    State {
      byName = List.copyOf(byName);
      if (sizeBytes < 0 || (mode & ~PERMISSIONS) != 0) {
        throw new IllegalArgumentException("no file has size " + sizeBytes + ", mode " + mode);
      }
    }
  }

  record Owner(@Tag(1) int uid, @Tag(2) int gid) {}

  /// A description with O_NOFOLLOW, which `/proc/self/fd/N` cannot be opened with (ELOOP) and F_SETFL cannot set.
  ///
  /// @param flags of open(2)
  record ByName(@Tag(1) ObjectId file, @Tag(2) int flags) {
    ByName {
      if ((flags & (O_CREAT | O_EXCL | O_DIRECTORY)) != 0) {
        throw new IllegalArgumentException("no open file has flags " + Integer.toOctalString(flags));
      }
    }
  }

  /// The description with O_TMPFILE, which no file that already is can be opened with.
  ///
  /// @param flags its access mode and what F_SETFL cannot set later
  record Maker(@Tag(1) ObjectId file, @Tag(2) int flags) {
    Maker {
      if ((flags & ~KEPT_BY_MAKER) != 0 || !OpenFlags.isWritable(flags)) {
        throw new IllegalArgumentException("O_TMPFILE with flags " + Integer.toOctalString(flags));
      }
    }

    static Maker of(OpenFile file) {
      return new Maker(file.id(), file.info().flags() & KEPT_BY_MAKER);
    }
  }

  private static final int O_SYNC = 04010000;
  private static final int KEPT_BY_MAKER = OpenFlags.O_ACCMODE | O_SYNC;
  private static final int PERMISSIONS = 07777;
  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "body.deleted", 3);
  private static final long HUGETLBFS_MAGIC = 0x958458f6L;
  private static final int O_CREAT = 0100;
  private static final int O_EXCL = 0200;
  private static final int O_PATH = 010000000;
  private static final int O_DIRECTORY = 0200000;
  private static final int O_NOFOLLOW = 0400000;
  private static final int O_TMPFILE = 020000000 | O_DIRECTORY;
  private static final int F_DUPFD_CLOEXEC = 1030;
  private static final int MEANWHILE_MODE = 0700;
  private static final PathBytes FALLBACK = PathBytes.of("/tmp");
  private static final Set<Errno> NO_DIRECTORY = Set.of(Errno.ENOENT, Errno.ENOTDIR, Errno.EACCES);
  private static final Set<Errno> NO_SUCH_FD = Set.of(Errno.EBADF, Errno.EINVAL);

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public State checkpoint(BodyView body) throws ObstructedException {
    if (body.files().isEmpty()) {
      return ofMapping(body);
    }
    var file = body.files().getFirst();
    if (file.filesystemMagic() == HUGETLBFS_MAGIC) {
      throw new ObstructedException(file.subject(), "a deleted file of hugetlbfs cannot be carried",
          "run the program with transparent huge pages");
    }
    FileOwner found = FileOwner.of(file);
    Owner owner = new Owner(found.uid(), found.gid());
    return state(file.link(), file.facts(), Optional.of(owner), byName(body), body.files().stream()
        .filter(one -> (one.info().flags() & OpenFlags.TMPFILE_BIT) != 0).map(Maker::of).findFirst());
  }

  private static List<ByName> byName(BodyView body) throws ObstructedException {
    var found = new ArrayList<ByName>();
    for (OpenFile file : body.files()) {
      if ((file.info().flags() & O_NOFOLLOW) != 0) {
        found.add(new ByName(file.id(), OpenFlags.of(file)));
      }
    }
    return found;
  }

  private static State ofMapping(BodyView body) throws ObstructedException {
    if (body.mappings().isEmpty()) {
      throw new ObstructedException(body.subject(), "the program runs a deleted file of which nothing is mapped", "");
    }
    var first = body.mappings().getFirst();
    FileStat facts = first.facts().orElseThrow(() -> new ObstructedException(first.subject(),
        "a deleted file that is only mapped cannot be looked at", "run with CAP_CHECKPOINT_RESTORE"));
    return state(first.vma().name(), facts, Optional.empty(), List.of(), Optional.empty());
  }

  private static State state(String link, FileStat facts, Optional<Owner> owner, List<ByName> byName,
      Optional<Maker> maker) {
    PathBytes former = NamedFile.formerPath(link);
    return new State(former, former.latin1().endsWith("/#" + facts.inode()), facts.sizeBytes(),
        facts.mode() & PERMISSIONS, owner, NamedFile.modifiedNs(facts), facts.links(), byName, maker);
  }

  @Override
  public List<Loss> losses(State state, Host host) {
    var losses = new ArrayList<Loss>();
    if (state.otherNames() > 0) {
      losses.add(new Loss("it still has " + state.otherNames() + " other name(s), which afterwards lead to another"
          + " file with the same contents", "remove the other names"));
    }
    if (host.file(directory(state.former())).isEmpty()) {
      losses.add(Loss.of("its directory is gone; it comes back in " + FALLBACK));
    } else if (!state.nameless() && host.file(state.former()).isPresent()) {
      losses.add(Loss.of("its name " + state.former() + " is taken; its link then reads #inode in the same directory"));
    }
    if (!state.byName().isEmpty() && !nameIsFree(state, host)) {
      losses.add(Loss.of("O_NOFOLLOW is missing among its flags: there is no name to open it by; nothing but F_GETFL"
          + " tells"));
    }
    if (state.owner().isEmpty()) {
      losses.add(Loss.of("its owner is the restorer: it is only mapped, and nobody can ask"));
    }
    return losses;
  }

  private static boolean nameIsFree(State state, Host host) {
    return !state.nameless() && host.file(directory(state.former())).isPresent()
        && host.file(state.former()).isEmpty();
  }

  private static PathBytes directory(PathBytes path) {
    int slash = path.latin1().lastIndexOf('/');
    return PathBytes.of(slash <= 0 ? "/" : path.latin1().substring(0, slash));
  }

  private static String name(PathBytes path) {
    return path.latin1().substring(path.latin1().lastIndexOf('/') + 1);
  }

  @Override
  public Contents contents(State state) {
    return Contents.FILE;
  }

  /// A program has no branches: each better file replaces the one before it under the same fd, and a call on an fd that
  /// never came to be fails with EBADF, as it should. The name is removed through an fd of the directory that exists
  /// only if the name was ours: the number to copy it to is the result of making the file, and no errno is one.
  @Override
  public Ref<?> restore(State state, ObjectId self, Script script, Refs refs) {
    int way = O_TMPFILE | Open.O_CLOEXEC | state.maker().map(Maker::flags).orElse(Open.O_RDWR);
    Ref<Fd> fd = script.call(Nr.OPENAT, "deleted file " + self + ", where all else fails", Arg.imm(Open.AT_FDCWD),
        Arg.path(FALLBACK), Arg.imm(way), Arg.imm(MEANWHILE_MODE));
    Ref<Fd> directory = script.callTolerating(NO_DIRECTORY, Nr.OPENAT, "its directory", Arg.imm(Open.AT_FDCWD),
        Arg.path(directory(state.former())), Arg.imm(O_PATH | O_DIRECTORY | Open.O_CLOEXEC));
    Ref<Fd> nameless = script.callTolerating(
        Set.of(Errno.EBADF, Errno.EOPNOTSUPP, Errno.EISDIR, Errno.ENOENT, Errno.EACCES, Errno.EROFS), Nr.OPENAT,
        "without a name in its directory", Arg.result(directory), Arg.string("."),
        Arg.imm(way), Arg.imm(MEANWHILE_MODE));
    replace(fd, nameless, script);
    if (!state.nameless()) {
      Ref<Fd> named = script.callTolerating(Set.of(Errno.EBADF, Errno.EEXIST, Errno.ENOENT, Errno.EACCES, Errno.EROFS),
          Nr.OPENAT, "under its former name", Arg.result(directory), Arg.string(name(state.former())),
          Arg.imm(O_CREAT | O_EXCL | O_NOFOLLOW | Open.O_RDWR | Open.O_CLOEXEC), Arg.imm(MEANWHILE_MODE));
      Ref<Fd> ours = script.callTolerating(NO_SUCH_FD, Nr.FCNTL, "the name is ours to remove", Arg.result(directory),
          Arg.imm(F_DUPFD_CLOEXEC), Arg.result(named));
      for (ByName description : state.byName()) {
        refs.note(description.file(), script.callTolerating(NO_SUCH_FD, Nr.OPENAT, "by its name, " + description.file(),
            Arg.result(ours), Arg.string(name(state.former())), Arg.imm(description.flags() | Open.O_CLOEXEC)));
      }
      script.callTolerating(NO_SUCH_FD, Nr.UNLINKAT, "deleted again", Arg.result(ours),
          Arg.string(name(state.former())), Arg.imm(0));
      script.callTolerating(NO_SUCH_FD, Nr.CLOSE, "directory", Arg.result(ours));
      replace(fd, named, script);
    }
    script.callTolerating(NO_SUCH_FD, Nr.CLOSE, "directory", Arg.result(directory));
    if (state.sizeBytes() > 0) {
      script.fillFile(fd, self, "its contents");
      // After the fill, which writes whole pages.
      script.call(Nr.FTRUNCATE, "its size", Arg.result(fd), Arg.imm(state.sizeBytes()));
    }
    state.maker().ifPresent(maker -> refs.note(maker.file(), script.call(Nr.FCNTL, "description " + maker.file()
        + ", which made it", Arg.result(fd), Arg.imm(F_DUPFD_CLOEXEC), Arg.imm(refs.spare().value()))));
    return fd;
  }

  private static void replace(Ref<Fd> fd, Ref<Fd> better, Script script) {
    script.callTolerating(NO_SUCH_FD, Nr.DUP3, "rather that one", Arg.result(better), Arg.result(fd),
        Arg.imm(Open.O_CLOEXEC));
    script.callTolerating(NO_SUCH_FD, Nr.CLOSE, "kept as the other", Arg.result(better));
  }

  /// A file that is open for writing can be no program (ETXTBSY), and this one may be the program.
  @Override
  public void made(State state, ObjectId self, Script script, Refs refs) {
    Ref<Fd> readOnly = script.call(Nr.OPENAT, "deleted file " + self + ", read-only", Arg.imm(Open.AT_FDCWD),
        Arg.path(refs.path(self)), Arg.imm(Open.O_RDONLY | Open.O_CLOEXEC));
    script.call(Nr.DUP3, "no longer open for writing", Arg.result(readOnly), Arg.result(refs.fd(self)),
        Arg.imm(Open.O_CLOEXEC));
    script.call(Nr.CLOSE, "kept as the other", Arg.result(readOnly));
  }

  /// Changing the owner clears set-id bits, so the mode comes after it; the time last.
  @Override
  public void finish(State state, ObjectId self, Script script, Refs refs) {
    Ref<Fd> fd = refs.fd(self);
    state.owner().ifPresent(owner -> script.call(Nr.FCHOWN, "owner of deleted file " + self, Arg.result(fd),
        Arg.imm(owner.uid()), Arg.imm(owner.gid())));
    script.call(Nr.FCHMOD, "mode of deleted file " + self, Arg.result(fd), Arg.imm(state.mode()));
    Instant modified = Instant.EPOCH.plusNanos(state.modifiedNs());
    Bytes times = Bytes.ofU64(modified.getEpochSecond(), modified.getNano(), modified.getEpochSecond(),
        modified.getNano());
    script.call(Nr.UTIMENSAT, "times of deleted file " + self, Arg.result(fd), Arg.imm(0), Arg.data(times),
        Arg.imm(0));
  }
  /// One made with O_TMPFILE is called after its inode.
  @Override
  public State agreed(State state, State copy) {
    return new State(state.nameless() && copy.nameless() ? state.former() : copy.former(), copy.nameless(),
        copy.sizeBytes(), copy.mode(), copy.owner(), copy.modifiedNs(), copy.otherNames(), copy.byName(),
        copy.maker());
  }
}
