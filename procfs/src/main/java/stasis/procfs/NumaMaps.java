package stasis.procfs;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/// `/proc/PID/numa_maps`: the memory policy of each vma (numa(7); fs/proc/task_mmu.c, show_numa_map()).
public record NumaMaps(List<Entry> entries) {
  private static final String DEFAULT = "default";

  /// @param start first address of the vma
  /// @param policy as mpol_to_str() of mm/mempolicy.c prints it: `default`, `bind:0`, `prefer=static:0`
  /// @param file unescaped, one char per byte; absent for memory without a file
  /// @param pagesByNode resident pages by node number
  /// @param words all that follows the policy, as printed
  public record Entry(long start, String policy, Optional<String> file, Map<Integer, Long> pagesByNode,
      List<String> words) {
    public Entry {
      pagesByNode = Map.copyOf(pagesByNode);
      words = List.copyOf(words);
    }
  }

  public NumaMaps {
    entries = List.copyOf(entries);
  }

  public static NumaMaps parse(String latin1) {
    var entries = new ArrayList<Entry>();
    for (String line : latin1.split("\n")) {
      if (!line.isEmpty()) {
        entries.add(entry(line));
      }
    }
    return new NumaMaps(entries);
  }

  /// The policies other than `default` by start address, without the rest: 60,000 vmas mostly have none.
  public static Map<Long, String> policies(String latin1) {
    var policies = new TreeMap<Long, String>();
    int start = 0;
    while (start < latin1.length()) {
      int newline = latin1.indexOf('\n', start);
      int end = newline < 0 ? latin1.length() : newline;
      int blank = latin1.indexOf(' ', start);
      if (blank < 0 || !latin1.startsWith(DEFAULT, blank + 1) || !isEnd(latin1, blank + 1 + DEFAULT.length())) {
        Entry entry = entry(latin1.substring(start, end));
        policies.put(entry.start, entry.policy);
      }
      start = end + 1;
    }
    return policies;
  }

  private static boolean isEnd(String text, int at) {
    return at == text.length() || text.charAt(at) == ' ' || text.charAt(at) == '\n';
  }

  private static Entry entry(String line) {
    var words = new ArrayList<>(List.of(line.split(" ")));
    if (words.size() < 2) {
      throw new ProcFormatException("numa_maps", "address policy", line);
    }
    // Two policies are called by two words: "weighted interleave", "prefer (many)".
    if (words.size() > 2 && (words.get(1).equals("weighted") || words.get(2).startsWith("(many)"))) {
      words.set(1, words.get(1) + " " + words.remove(2));
    }
    try {
      var pages = new TreeMap<Integer, Long>();
      Optional<String> file = Optional.empty();
      for (String word : words.subList(2, words.size())) {
        int equals = word.indexOf('=');
        if (word.startsWith("file=")) {
          file = Optional.of(Octal.unescape(word.substring(5)));
        } else if (word.startsWith("N") && equals > 1) {
          pages.put(Integer.valueOf(word.substring(1, equals)), Long.valueOf(word.substring(equals + 1)));
        }
      }
      return new Entry(Long.parseUnsignedLong(words.getFirst(), 16), words.get(1), file, pages,
          words.subList(2, words.size()));
    } catch (NumberFormatException _) {
      throw new ProcFormatException("numa_maps", "address policy N<node>=<pages>", line);
    }
  }
}
