package stasis.procfs;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.stream.IntStream;

/// `/proc/PID/smaps`: maps with what each vma holds. Dear: the kernel walks the page tables, 95 ms for 60,000 vmas
/// where maps takes 15; read it outside the freeze where that can be had.
public record Smaps(List<Entry> entries) {
  private static final int CHUNK_BYTES = 64 * 1024;
  private static final int MAX_LINE_BYTES = 128 * 1024;

  public Smaps {
    entries = List.copyOf(entries);
  }

  /// One vma. Sizes in KiB.
  ///
  /// @param kernelPageSizeKib what the kernel maps it with: 4, or the huge page size of hugetlbfs
  /// @param hugetlbKib shared and private huge pages together
  /// @param protectionKey present where the CPU and the kernel have keys (pkeys(7))
  public record Entry(Vma vma, VmFlags flags, long kernelPageSizeKib, long rssKib, long anonymousKib,
      long anonHugePagesKib, long swapKib, long lockedKib, long lazyFreeKib, long hugetlbKib, boolean thpEligible,
      OptionalInt protectionKey) {}

  public static Smaps parse(String latin1) {
    return parse(latin1.getBytes(StandardCharsets.ISO_8859_1));
  }

  public static Smaps parse(byte[] text) {
    try {
      return parse(new ByteArrayInputStream(text));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// Read and parsed in pieces: 60,000 vmas are 40 MB of text. The caller closes the stream.
  public static Smaps parse(InputStream in) throws IOException {
    var parser = new Parser();
    byte[] buffer = new byte[CHUNK_BYTES];
    int held = 0;
    while (true) {
      int count = in.read(buffer, held, buffer.length - held);
      if (count < 0) {
        break;
      }
      held += count;
      int used = parser.lines(buffer, held);
      System.arraycopy(buffer, used, buffer, 0, held - used);
      held -= used;
      if (held == buffer.length) {
        if (held >= MAX_LINE_BYTES) {
          throw new ProcFormatException("smaps", "a line of at most " + MAX_LINE_BYTES + " bytes", "more");
        }
        buffer = Arrays.copyOf(buffer, 2 * held);
      }
    }
    if (held > 0) {
      parser.line(buffer, 0, held);
    }
    return new Smaps(parser.finish());
  }

  public Maps maps() {
    return new Maps(entries.stream().map(Entry::vma).toList());
  }

  private static final class Parser {
    private static final byte[] VM_FLAGS = latin1("VmFlags:");
    private static final int KERNEL_PAGE_SIZE = 0;
    private static final int RSS = 1;
    private static final int ANONYMOUS = 2;
    private static final int ANON_HUGE_PAGES = 3;
    private static final int SWAP = 4;
    private static final int LOCKED = 5;
    private static final int LAZY_FREE = 6;
    private static final int SHARED_HUGETLB = 7;
    private static final int PRIVATE_HUGETLB = 8;
    private static final int THP_ELIGIBLE = 9;
    private static final int PROTECTION_KEY = 10;
    /// By the numbers above. The values are KiB but for the last two.
    private static final List<byte[]> KEYS = List.of(latin1("KernelPageSize:"), latin1("Rss:"), latin1("Anonymous:"),
        latin1("AnonHugePages:"), latin1("Swap:"), latin1("Locked:"), latin1("LazyFree:"), latin1("Shared_Hugetlb:"),
        latin1("Private_Hugetlb:"), latin1("THPeligible:"), latin1("ProtectionKey:"));
    private static final int[][] KEYS_BY_LETTER = keysByLetter();
    private final List<Entry> entries = new ArrayList<>();
    private final VmaLine header = new VmaLine();
    private final long[] values = new long[KEYS.size()];
    private List<Vma> vma = List.of();
    private VmFlags flags = VmFlags.NONE;

    private static byte[] latin1(String text) {
      return text.getBytes(StandardCharsets.ISO_8859_1);
    }

    private static int[][] keysByLetter() {
      int[][] table = new int[128][];
      for (int letter = 0; letter < table.length; letter++) {
        int wanted = letter;
        table[letter] = IntStream.range(0, KEYS.size()).filter(key -> KEYS.get(key)[0] == wanted).toArray();
      }
      return table;
    }

    /// @return how many bytes were used up: whole lines only
    int lines(byte[] text, int length) {
      int start = 0;
      for (int at = 0; at < length; at++) {
        if (text[at] == '\n') {
          line(text, start, at);
          start = at + 1;
        }
      }
      return start;
    }

    void line(byte[] text, int from, int to) {
      if (from == to) {
        return;
      }
      byte first = text[from];
      if ((first >= '0' && first <= '9') || (first >= 'a' && first <= 'f')) {
        finishEntry();
        vma = List.of(header.parse(text, from, to));
      } else if (first == 'V' && startsWith(text, from, to, VM_FLAGS)) {
        flags = VmFlags.parse(text, from + VM_FLAGS.length, to);
      } else if (first > 0) {
        for (int key : KEYS_BY_LETTER[first]) {
          if (startsWith(text, from, to, KEYS.get(key))) {
            values[key] = number(text, from + KEYS.get(key).length, to);
            return;
          }
        }
      }
    }

    private static boolean startsWith(byte[] text, int from, int to, byte[] prefix) {
      return to - from >= prefix.length && Arrays.equals(text, from, from + prefix.length, prefix, 0, prefix.length);
    }

    private static long number(byte[] text, int from, int to) {
      int at = from;
      while (at < to && text[at] == ' ') {
        at++;
      }
      long value = 0;
      while (at < to && text[at] >= '0' && text[at] <= '9') {
        value = value * 10 + text[at++] - '0';
      }
      return value;
    }

    private void finishEntry() {
      if (!vma.isEmpty()) {
        long key = values[PROTECTION_KEY];
        entries.add(new Entry(vma.getFirst(), flags, values[KERNEL_PAGE_SIZE], values[RSS], values[ANONYMOUS],
            values[ANON_HUGE_PAGES], values[SWAP], values[LOCKED], values[LAZY_FREE],
            values[SHARED_HUGETLB] + values[PRIVATE_HUGETLB], values[THP_ELIGIBLE] != 0,
            key < 0 ? OptionalInt.empty() : OptionalInt.of((int) key)));
      }
      Arrays.fill(values, 0);
      values[PROTECTION_KEY] = -1;
      flags = VmFlags.NONE;
    }

    List<Entry> finish() {
      finishEntry();
      return entries;
    }
  }
}
