package stasis.engine;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import stasis.image.DecodeException;
import stasis.image.ObjectId;
import stasis.linux.abi.Arch;
import stasis.repository.ImageException;
import stasis.resource.TaskState;
import stasis.resource.VmaState;

/// An ELF core file of one thread group of an image, as a debugger opens it (core(5), elf(5)). Memory is streamed into
/// it; zeros are holes. Contents that only files of the host have are left out, as the kernel leaves them out:
/// debuggers read those files.
public final class CoreFile {
  static final long PAGE_BYTES = 4096;
  private static final int ELF_BYTES = 64;
  private static final int SEGMENT_BYTES = 56;
  private static final int SECTION_BYTES = 64;
  private static final int PT_LOAD = 1;
  private static final int PT_NOTE = 4;
  private static final int ET_CORE = 4;
  private static final int EM_X86_64 = 62;
  /// More segments than this are counted in a section header (elf(5), PN_XNUM).
  private static final int PN_XNUM = 0xffff;
  private static final int WINDOW_BYTES = 1 << 20;

  private final ImageMemory memory;
  private final ObjectId leader;

  /// @param lengthBytes in memory @param contents what of it is in the file: all of it, or nothing
  private record Segment(VmaState vma, long start, long lengthBytes, List<ImageMemory.Stretch> contents) {
    long fileBytes() {
      return contents.isEmpty() ? 0 : lengthBytes;
    }
  }

  /// @param leader of the thread group
  public CoreFile(ImageMemory memory, ObjectId leader) {
    this.memory = memory;
    this.leader = leader;
  }

  /// Why there can be no core file of this image, if so.
  public Optional<String> obstacle() {
    Arch arch = memory.statefile().header().arch();
    return arch == Arch.X86_64 ? Optional.empty() : Optional.of("core files are made of x86_64 images; this is one of "
        + arch);
  }

  /// Writes it from the beginning of an empty file.
  ///
  /// @return its length in bytes, holes included
  public long write(FileChannel out) throws IOException, ImageException, DecodeException {
    ByteBuffer notes = CoreNotes.of(memory, leader);
    List<Segment> segments = segments();
    int headers = segments.size() + 1;
    boolean many = headers >= PN_XNUM;
    long notesAt = ELF_BYTES + (long) headers * SEGMENT_BYTES + (many ? SECTION_BYTES : 0);
    long contentsAt = notesAt + notes.remaining() + PAGE_BYTES - 1 & -PAGE_BYTES;
    ByteBuffer head = ByteBuffer.allocate((int) notesAt).order(ByteOrder.LITTLE_ENDIAN);
    elfHeader(head, headers, many);
    segment(head, PT_NOTE, 4, notesAt, 0, notes.remaining(), 0, 4);
    long at = contentsAt;
    for (Segment one : segments) {
      segment(head, PT_LOAD, flags(one.vma()), at, one.start(), one.fileBytes(), one.lengthBytes(), PAGE_BYTES);
      at += one.fileBytes();
    }
    if (many) {
      head.position(head.position() + 44).putInt(headers); // sh_info of the section that is none
    }
    writeFully(out, head.rewind(), 0);
    writeFully(out, notes, notesAt);
    contents(out, segments, contentsAt);
    if (out.size() < at) {
      writeFully(out, ByteBuffer.allocate(1), at - 1);
    }
    return at;
  }

  private static int flags(VmaState vma) {
    int prot = vma.prot();
    return ((prot & VmaState.PROT_READ) != 0 ? 4 : 0) | ((prot & VmaState.PROT_WRITE) != 0 ? 2 : 0)
        | ((prot & VmaState.PROT_EXEC) != 0 ? 1 : 0);
  }

  private static void elfHeader(ByteBuffer out, int headers, boolean many) {
    out.putInt(0x464c457f).put((byte) 2).put((byte) 1).put((byte) 1).position(16);
    out.putShort((short) ET_CORE).putShort((short) EM_X86_64).putInt(1).putLong(0).putLong(ELF_BYTES);
    out.putLong(many ? ELF_BYTES + (long) headers * SEGMENT_BYTES : 0).putInt(0).putShort((short) ELF_BYTES);
    out.putShort((short) SEGMENT_BYTES).putShort((short) (many ? PN_XNUM : headers));
    out.putShort((short) (many ? SECTION_BYTES : 0)).putShort((short) (many ? 1 : 0)).putShort((short) 0);
  }

  private static void segment(ByteBuffer out, int type, int flags, long offset, long address, long fileBytes,
      long memoryBytes, long align) {
    out.putInt(type).putInt(flags).putLong(offset).putLong(address).putLong(0).putLong(fileBytes)
        .putLong(memoryBytes).putLong(align);
  }

  /// Each vma whole, where all of it can be had or it is zeros; else cut into what is there and what a file has.
  private List<Segment> segments() {
    var segments = new ArrayList<Segment>();
    TaskState task = GroupPlan.require(memory.tasks(), leader);
    for (VmaState vma : memory.vmas(task.mm())) {
      var here = new ArrayList<ImageMemory.Stretch>();
      for (ImageMemory.Stretch stretch : memory.stretches(task.mm(), vma)) {
        boolean there = stretch.place() instanceof ImageMemory.Place.Stored
            || stretch.place() instanceof ImageMemory.Place.Zeros;
        if (there) {
          here.add(stretch);
        } else {
          flush(vma, here, segments);
          segments.add(new Segment(vma, stretch.start(), stretch.lengthBytes(), List.of()));
        }
      }
      flush(vma, here, segments);
    }
    return segments;
  }

  private static void flush(VmaState vma, List<ImageMemory.Stretch> here, List<Segment> segments) {
    if (!here.isEmpty()) {
      long start = here.getFirst().start();
      segments.add(new Segment(vma, start, here.getLast().end() - start, List.copyOf(here)));
      here.clear();
    }
  }

  private void contents(FileChannel out, List<Segment> segments, long contentsAt)
      throws IOException, ImageException {
    long at = contentsAt;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment window = arena.allocate(WINDOW_BYTES, PAGE_BYTES);
      for (Segment segment : segments) {
        for (ImageMemory.Stretch stretch : segment.contents()) {
          if (stretch.place() instanceof ImageMemory.Place.Stored) {
            copy(stretch, window, out, at + stretch.start() - segment.start());
          }
        }
        at += segment.fileBytes();
      }
    }
  }

  private void copy(ImageMemory.Stretch stretch, MemorySegment window, FileChannel out, long at)
      throws IOException, ImageException {
    for (long done = 0; done < stretch.lengthBytes(); done += WINDOW_BYTES) {
      MemorySegment part = window.asSlice(0, Math.min(WINDOW_BYTES, stretch.lengthBytes() - done));
      memory.read(stretch, stretch.start() + done, part);
      writeFully(out, part.asByteBuffer(), at + done);
    }
  }

  private static void writeFully(FileChannel out, ByteBuffer bytes, long offset) throws IOException {
    for (long at = offset; bytes.hasRemaining();) {
      at += out.write(bytes, at);
    }
  }
}
