package stasis.kinds;

import java.util.List;
import stasis.kinds.body.deleted.DeletedBody;
import stasis.kinds.body.directory.GoneDirectory;
import stasis.kinds.body.ended.EndedBody;
import stasis.kinds.body.fifo.FifoBody;
import stasis.kinds.body.hugeshared.HugeSharedBody;
import stasis.kinds.body.memfd.MemfdBody;
import stasis.kinds.body.mqueue.MessageQueueBody;
import stasis.kinds.body.pipe.PipeBody;
import stasis.kinds.body.pty.PtyBody;
import stasis.kinds.body.sharedanon.SharedAnonBody;
import stasis.kinds.body.sysvshm.SysvShmBody;
import stasis.kinds.body.unix.UnixBody;
import stasis.kinds.description.lease.Lease;
import stasis.kinds.description.owner.SignalOwner;
import stasis.kinds.file.console.Console;
import stasis.kinds.file.deleted.DeletedFile;
import stasis.kinds.file.directory.Directory;
import stasis.kinds.file.ended.EndedPidFd;
import stasis.kinds.file.epoll.Epoll;
import stasis.kinds.file.eventfd.EventFd;
import stasis.kinds.file.fanotify.Fanotify;
import stasis.kinds.file.fifo.Fifo;
import stasis.kinds.file.foreign.ForeignFile;
import stasis.kinds.file.inotify.Inotify;
import stasis.kinds.file.iouring.IoUring;
import stasis.kinds.file.memdev.MemoryDevice;
import stasis.kinds.file.memfd.Memfd;
import stasis.kinds.file.mqueue.MessageQueue;
import stasis.kinds.file.namespace.NamespaceFile;
import stasis.kinds.file.netlink.NetlinkSocket;
import stasis.kinds.file.packet.PacketSocket;
import stasis.kinds.file.outsidepipe.OutsidePipe;
import stasis.kinds.file.outsideunix.OutsideUnix;
import stasis.kinds.file.path.PathOnly;
import stasis.kinds.file.pidfd.PidFd;
import stasis.kinds.file.pipe.Pipe;
import stasis.kinds.file.pty.PtyFile;
import stasis.kinds.file.raw.RawSocket;
import stasis.kinds.file.regular.RegularFile;
import stasis.kinds.file.sharedanon.SharedAnonFile;
import stasis.kinds.file.signalfd.SignalFd;
import stasis.kinds.file.stdio.Stdio;
import stasis.kinds.file.tcp.TcpSocket;
import stasis.kinds.file.timerfd.TimerFd;
import stasis.kinds.file.udp.UdpSocket;
import stasis.kinds.file.unix.UnixFile;
import stasis.kinds.file.userfault.Userfault;
import stasis.kinds.group.accounting.Accounting;
import stasis.kinds.group.actions.SignalActions;
import stasis.kinds.group.autogroup.AutoGroup;
import stasis.kinds.group.cgroup.CgroupMembership;
import stasis.kinds.group.coredumpfilter.CoredumpFilter;
import stasis.kinds.group.cwd.WorkingDirectory;
import stasis.kinds.group.dumpable.Dumpable;
import stasis.kinds.group.foreground.Foreground;
import stasis.kinds.group.itimers.IntervalTimers;
import stasis.kinds.group.keyrings.Keyrings;
import stasis.kinds.group.label.SecurityLabel;
import stasis.kinds.group.loginuid.LoginUid;
import stasis.kinds.group.mdwe.Mdwe;
import stasis.kinds.group.membarrier.Membarrier;
import stasis.kinds.group.mm.Mm;
import stasis.kinds.group.mmflags.MmFlags;
import stasis.kinds.group.oomscore.OomScore;
import stasis.kinds.group.pending.SharedPending;
import stasis.kinds.group.posixtimers.PosixTimers;
import stasis.kinds.group.rlimits.ResourceLimits;
import stasis.kinds.group.room.Room;
import stasis.kinds.group.root.RootDirectory;
import stasis.kinds.group.seccomp.Seccomp;
import stasis.kinds.group.session.Session;
import stasis.kinds.group.sharedfs.SharedFs;
import stasis.kinds.group.subreaper.Subreaper;
import stasis.kinds.group.sysv.SystemVIpc;
import stasis.kinds.group.terminal.Terminal;
import stasis.kinds.group.umask.FileModeMask;
import stasis.kinds.mapping.advice.Advice;
import stasis.kinds.mapping.aio.AioRing;
import stasis.kinds.mapping.anoncopy.AnonCopy;
import stasis.kinds.mapping.anonymous.Anonymous;
import stasis.kinds.mapping.apart.Apart;
import stasis.kinds.mapping.devzero.DevZero;
import stasis.kinds.mapping.foreign.Foreign;
import stasis.kinds.mapping.guard.Guard;
import stasis.kinds.mapping.hugeanon.HugeAnonymous;
import stasis.kinds.mapping.hugeshared.HugeShared;
import stasis.kinds.mapping.iouring.IoUringRings;
import stasis.kinds.mapping.lock.Lock;
import stasis.kinds.mapping.name.Name;
import stasis.kinds.mapping.pathless.Pathless;
import stasis.kinds.mapping.policy.Policy;
import stasis.kinds.mapping.privatefile.PrivateFile;
import stasis.kinds.mapping.seal.Seal;
import stasis.kinds.mapping.sharedanon.SharedAnon;
import stasis.kinds.mapping.sharedfile.SharedFile;
import stasis.kinds.mapping.sysvshm.SysvShm;
import stasis.kinds.mapping.userfault.WatchedPages;
import stasis.kinds.mapping.vdso.Vdso;
import stasis.kinds.namespace.ipc.IpcNamespace;
import stasis.kinds.namespace.same.SameNamespaces;
import stasis.kinds.task.altstack.AltStack;
import stasis.kinds.task.comm.Comm;
import stasis.kinds.task.coresched.CoreCookieOff;
import stasis.kinds.task.credentials.Credentials;
import stasis.kinds.task.ioflusher.IoFlusher;
import stasis.kinds.task.ioports.IoPorts;
import stasis.kinds.task.ioprio.IoPrio;
import stasis.kinds.task.landlock.Landlock;
import stasis.kinds.task.mcekill.McePolicy;
import stasis.kinds.task.mempolicy.MemPolicy;
import stasis.kinds.task.pdeathsig.ParentDeathSignal;
import stasis.kinds.task.pending.Pending;
import stasis.kinds.task.personality.Personality;
import stasis.kinds.task.robustlist.RobustList;
import stasis.kinds.task.rseq.RseqArea;
import stasis.kinds.task.scheduling.Scheduling;
import stasis.kinds.task.semundo.SemaphoreUndo;
import stasis.kinds.task.shadowstack.ShadowStackOff;
import stasis.kinds.task.speculation.Speculation;
import stasis.kinds.task.tidaddress.TidAddress;
import stasis.kinds.task.timerslack.TimerSlack;
import stasis.kinds.task.tsc.TimeStampCounter;
import stasis.kinds.task.userdispatch.UserDispatchOff;
import stasis.resource.BodyKind;
import stasis.resource.DescriptionAspect;
import stasis.resource.FileKind;
import stasis.resource.GroupAspect;
import stasis.resource.KindSet;
import stasis.resource.MappingAspect;
import stasis.resource.MappingKind;
import stasis.resource.TaskAspect;

/// The registry: one line per kind, first match wins. `KindsTest` checks it against the folders.
public final class Kinds {
  private Kinds() {}

  public static KindSet all() {
    return all(TcpPeers.REFUSE);
  }

  /// @param outside what becomes of TCP connections whose peer is outside the tree
  public static KindSet all(TcpPeers outside) {
    return all(outside, AddressMap.NONE);
  }

  /// @param outside what becomes of what leads out of the tree
  public static KindSet all(Outside outside) {
    return all(outside, AddressMap.NONE);
  }

  /// @param addresses of sockets that are others at the restore
  public static KindSet all(TcpPeers outside, AddressMap addresses) {
    return all(Outside.of(outside), addresses);
  }

  private static KindSet all(Outside outside, AddressMap addresses) {
    return new KindSet(files(outside, addresses), descriptionAspects(), bodies(), mappings(), mappingAspects(),
        groupAspects(), taskAspects());
  }

  private static List<FileKind<?>> files(Outside outside, AddressMap addresses) {
    return List.of(
        new PathOnly(),
        new Memfd(),
        new MessageQueue(),
        new RegularFile(),
        new SharedAnonFile(),
        new DeletedFile(),
        new Directory(),
        new MemoryDevice(),
        new Console(),
        new NamespaceFile(),
        new EventFd(),
        new TimerFd(),
        new SignalFd(),
        new Epoll(),
        new Inotify(),
        new Fanotify(),
        new IoUring(),
        new Userfault(),
        new EndedPidFd(),
        new PidFd(),
        // What is wholly inside before the rule for what comes from outside.
        new Pipe(),
        new Fifo(),
        new OutsideUnix(outside.sockets()),
        new UnixFile(),
        new TcpSocket(outside.tcp(), addresses),
        new UdpSocket(addresses),
        new RawSocket(addresses),
        new PacketSocket(),
        new NetlinkSocket(),
        new PtyFile(),
        new Stdio(),
        new OutsidePipe(outside.pipes()),
        new ForeignFile()
    );
  }

  /// In the order their steps are written.
  private static List<DescriptionAspect<?>> descriptionAspects() {
    return List.of(
        new Lease(),
        new SignalOwner());
  }

  private static List<BodyKind<?>> bodies() {
    return List.of(
        new MemfdBody(),
        new DeletedBody(),
        new GoneDirectory(),
        new MessageQueueBody(),
        new PipeBody(),
        new FifoBody(),
        new UnixBody(),
        new PtyBody(),
        new EndedBody(),
        new SharedAnonBody(),
        new HugeSharedBody(),
        new SysvShmBody()
    );
  }

  private static List<MappingKind<?>> mappings() {
    return List.of(
        new Vdso(),
        new Anonymous(),
        new PrivateFile(),
        new SharedFile(),
        new SharedAnon(),
        new AnonCopy(),
        new HugeAnonymous(),
        new HugeShared(),
        new SysvShm(),
        new AioRing(),
        new IoUringRings(),
        new Pathless(),
        new DevZero(),
        new Foreign()
    );
  }

  /// In the order their steps are written within a stage: guard regions cannot be installed in a locked vma.
  private static List<MappingAspect<?>> mappingAspects() {
    return List.of(
        new Apart(),
        new Guard(),
        new WatchedPages(),
        new Policy(),
        new Advice(),
        new Name(),
        new Lock(),
        new Seal()
    );
  }

  /// In the order their steps are written within a stage. Within a stage those of the group come before those of its
  /// threads.
  private static List<GroupAspect<?>> groupAspects() {
    return List.of(
        // Nothing to restore, or a refusal.
        new SameNamespaces(),
        new SharedFs(),
        new Accounting(),
        new CgroupMembership(),
        new LoginUid(),
        new SecurityLabel(),
        new Keyrings(),
        // BIRTH.
        new Room(),
        new IpcNamespace(),
        new SystemVIpc(),
        new Session(),
        new Membarrier(),
        // SESSION.
        new Terminal(),
        // MEMORY.
        new Mm(),
        // ATTRIBUTES; those that open a file of /proc or name a path before the root directory changes.
        new Subreaper(),
        new MmFlags(),
        new OomScore(),
        new CoredumpFilter(),
        new AutoGroup(),
        new Foreground(),
        new FileModeMask(),
        new WorkingDirectory(),
        new RootDirectory(),
        // SIGNALS; ignoring a signal discards a pending one.
        new SignalActions(),
        new SharedPending(),
        // CREDENTIALS; timers need room for their signals, which the limits may take away.
        new PosixTimers(),
        new IntervalTimers(),
        new ResourceLimits(),
        new Seccomp(),
        // LAST; after the credentials of all threads.
        new Dumpable(),
        new Mdwe());
  }

  /// In the order their steps are written within a stage.
  private static List<TaskAspect<?>> taskAspects() {
    return List.of(
        // Nothing to restore, or a refusal.
        new UserDispatchOff(),
        new ShadowStackOff(),
        new CoreCookieOff(),
        new IoPorts(),
        new Landlock(),
        // ATTRIBUTES.
        new Comm(),
        new RobustList(),
        new TidAddress(),
        new AltStack(),
        new IoPrio(),
        new TimerSlack(),
        new MemPolicy(),
        new McePolicy(),
        new IoFlusher(),
        new SemaphoreUndo(),
        new TimeStampCounter(),
        new Speculation(),
        // SIGNALS.
        new Pending(),
        // CREDENTIALS; scheduling while still allowed to, the parent death signal when nothing clears it any more.
        new Scheduling(),
        new Credentials(),
        new ParentDeathSignal(),
        // LAST.
        new Personality(),
        new RseqArea());
  }
}
