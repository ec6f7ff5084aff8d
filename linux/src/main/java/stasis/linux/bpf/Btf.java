package stasis.linux.bpf;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/// The kernel's type information: where each field of each struct lies on the running kernel
/// (Documentation/bpf/btf.rst; include/uapi/linux/btf.h).
///
/// Types are numbered by their order and differ in length, so one pass notes where each starts. It goes only as far as
/// the last type asked for; in kernels as built, the structs of a task come early. Bytes are put together by hand
/// because this runs once per process, before anything is compiled; no lambdas and no records as keys for the same
/// reason: linking them takes longer than the work.
///
/// A blob is untrusted input: every length, id and string offset is checked before use and every chain has a bound;
/// what is wrong is an [IllegalArgumentException] that says where. Not for use by two threads at once.
public final class Btf {
  static final int MAGIC = 0xeb9f;

  private static final int HEADER_BYTES = 24;
  private static final int TYPE_BYTES = 12;
  private static final int BLOB_BYTES_MAX = 64 << 20;
  private static final int CHAIN_MAX = 32;
  private static final int POINTER_BYTES = 8;
  private static final int INDEX_AHEAD = 4096;
  private static final int MEMBERS_MAX = 1 << 20;
  private static final int NAME_BYTES_MAX = 512;

  private static final int INT = 1;
  private static final int PTR = 2;
  private static final int ARRAY = 3;
  private static final int STRUCT = 4;
  private static final int UNION = 5;
  private static final int ENUM = 6;
  private static final int TYPEDEF = 8;
  private static final int VOLATILE = 9;
  private static final int CONST = 10;
  private static final int RESTRICT = 11;
  private static final int FUNC = 12;
  private static final int FLOAT = 16;
  private static final int TYPE_TAG = 18;
  private static final int ENUM64 = 19;

  private final byte[] blob;
  private final int typesEnd;
  private final int stringsAt;
  private final int stringsEnd;
  private final int[] starts;
  private final Map<Integer, Map<String, Member>> members = new HashMap<>();
  private final Map<Integer, Map<String, OptionalInt>> found = new HashMap<>();
  private int membersSeen;
  private int indexed = 1;
  private int next;

  private Btf(byte[] blob, int typesAt, int typesEnd, int stringsAt, int stringsEnd) {
    this.blob = blob;
    this.typesEnd = typesEnd;
    this.stringsAt = stringsAt;
    this.stringsEnd = stringsEnd;
    starts = new int[(typesEnd - typesAt) / TYPE_BYTES + 1];
    next = typesAt;
  }

  /// @param blob the whole of `/sys/kernel/btf/vmlinux`; not copied, so it must not change
  public static Btf parse(byte[] blob) {
    check(blob.length >= HEADER_BYTES, "shorter than its header", 0);
    check(blob.length <= BLOB_BYTES_MAX, "longer than 64 MiB", 0);
    check((int32(blob, 0) & 0xffff) == MAGIC, "no BTF magic (or of a big-endian kernel)", 0);
    check(blob[2] == 1, "BTF version is not 1", 2);
    long headerBytes = int32(blob, 4) & 0xffffffffL;
    long typesAt = headerBytes + (int32(blob, 8) & 0xffffffffL);
    long typesEnd = typesAt + (int32(blob, 12) & 0xffffffffL);
    long stringsAt = headerBytes + (int32(blob, 16) & 0xffffffffL);
    long stringsEnd = stringsAt + (int32(blob, 20) & 0xffffffffL);
    check(headerBytes >= HEADER_BYTES && typesEnd <= blob.length && stringsEnd <= blob.length,
        "a section reaches past the end", 4);
    check(stringsEnd > stringsAt && blob[(int) stringsEnd - 1] == 0, "strings do not end in NUL", 20);
    return new Btf(blob, (int) typesAt, (int) typesEnd, (int) stringsAt, (int) stringsEnd);
  }

  /// Notes the start of types up to `id`.
  ///
  /// @return whether there is such a type
  private boolean indexTo(int id) {
    int at = next;
    int known = indexed;
    while (known <= id && at < typesEnd) {
      check(typesEnd - at >= TYPE_BYTES, "a type is cut off", at);
      int info = int32(blob, at + 4);
      int elements = info & 0xffff;
      int tail = switch (info >>> 24 & 0x1f) {
        case INT, 14 /* VAR */, 17 /* DECL_TAG */ -> 4;
        case ARRAY -> 12;
        case STRUCT, UNION, 15 /* DATASEC */, ENUM64 -> 12 * elements;
        case ENUM, 13 /* FUNC_PROTO */ -> 8 * elements;
        case PTR, 7 /* FWD */, TYPEDEF, VOLATILE, CONST, RESTRICT, FUNC, FLOAT, TYPE_TAG -> 0;
        default -> throw malformed("type of an unknown kind " + (info >>> 24 & 0x1f), at);
      };
      check(tail <= typesEnd - at - TYPE_BYTES, "a type's elements are cut off", at);
      starts[known++] = at;
      at += TYPE_BYTES + tail;
    }
    next = at;
    indexed = known;
    return id < known;
  }

  /// How many types there are, `void` (id 0) included; goes through them all.
  public int typeCount() {
    indexTo(Integer.MAX_VALUE);
    return indexed;
  }

  /// The id of the function `name`, for a program's `attach_btf_id`.
  public OptionalInt function(String name) {
    return find(FUNC, name);
  }

  /// Bytes one `struct name` takes; empty if this kernel has none.
  public OptionalInt sizeOf(String name) {
    OptionalInt type = find(STRUCT, name);
    return type.isEmpty() ? type : OptionalInt.of(sizeOf(type.getAsInt()));
  }

  /// Value of a constant of `enum name`; empty if this kernel has none.
  public OptionalInt enumerator(String name, String constant) {
    OptionalInt type = find(ENUM, name);
    if (type.isEmpty()) {
      return type;
    }
    int start = starts[type.getAsInt()];
    byte[] wanted = cString(constant);
    for (int i = 0; i < elements(start); i++) {
      int at = start + TYPE_BYTES + 8 * i;
      if (isNamed(int32(blob, at), wanted)) {
        return OptionalInt.of(int32(blob, at + 4));
      }
    }
    return OptionalInt.empty();
  }

  /// Finds a field by a C expression without spaces, such as `signal->it[0].expires`: names are looked up through unnamed
  /// structs and unions as C does; an index is not held against the array's length, which the kernel declares as 0 or 1
  /// for trailing arrays; `(socket)` before a name takes what is there for that struct.
  /// @return empty if this kernel has no such struct or field
  Optional<FieldPlace> field(String struct, String expression) {
    OptionalInt root = find(STRUCT, struct);
    return root.isEmpty() ? Optional.empty() : new Walk(root.getAsInt()).along(expression);
  }

  /// One evaluation of an expression.
  private final class Walk {
    private final List<Integer> hops = new ArrayList<>();
    private int type;
    private long bits;
    private int bitfieldWidth;

    Walk(int root) {
      type = root;
    }

    Optional<FieldPlace> along(String expression) {
      int at = 0;
      while (at < expression.length()) {
        char c = expression.charAt(at);
        if (c == '.') {
          at++;
        } else if (c == '-') {
          follow();
          at += 2;
        } else if (c == '(') {
          int close = expression.indexOf(')', at);
          OptionalInt struct = find(STRUCT, expression.substring(at + 1, close));
          if (struct.isEmpty()) {
            return Optional.empty();
          }
          type = struct.getAsInt();
          at = close + 1;
        } else if (c == '[') {
          int close = expression.indexOf(']', at);
          element(Integer.parseInt(expression, at + 1, close, 10));
          at = close + 1;
        } else {
          int end = at;
          while (end < expression.length() && Character.isJavaIdentifierPart(expression.charAt(end))) {
            end++;
          }
          check(end > at, "no field expression", 0);
          if (!enter(expression.substring(at, end))) {
            return Optional.empty();
          }
          at = end;
        }
      }
      return Optional.of(place());
    }

    private FieldPlace place() {
      if (bitfieldWidth == 0) {
        return new FieldPlace(hops, byteOffset(), sizeOf(type), 0, 0);
      }
      int shift = (int) (bits & 7);
      return new FieldPlace(hops, bounded(bits >>> 3), (shift + bitfieldWidth + 7) >>> 3, shift, bitfieldWidth);
    }

    private void follow() {
      int pointer = skipModifiers(type);
      check(kind(starts[pointer]) == PTR, "no pointer to follow", starts[pointer]);
      hops.add(byteOffset());
      type = checkedId(int32(blob, starts[pointer] + 8));
      bits = 0;
    }

    private void element(int index) {
      int array = skipModifiers(type);
      check(kind(starts[array]) == ARRAY, "no array to index", starts[array]);
      type = checkedId(int32(blob, starts[array] + TYPE_BYTES));
      bits += 8L * sizeOf(type) * index;
    }

    /// Moves into the member, if there is such a one.
    private boolean enter(String name) {
      Member member = members(skipModifiers(type)).get(name);
      if (member == null) {
        return false;
      }
      type = member.type();
      bits += member.bits();
      bitfieldWidth = member.bitfieldWidth();
      return true;
    }

    private int byteOffset() {
      check((bits & 7) == 0, "a field starts within a byte", 0);
      return bounded(bits >>> 3);
    }
  }

  /// A named member of a struct or union, seen from the outermost one.
  private record Member(int type, long bits, int bitfieldWidth) {}

  /// All members by name, those of unnamed members among them; none if it is no struct.
  private Map<String, Member> members(int struct) {
    return members.computeIfAbsent(struct, id -> {
      var all = new HashMap<String, Member>();
      collect(id, 0, 0, all);
      return all;
    });
  }

  private void collect(int struct, long baseBits, int depth, Map<String, Member> into) {
    int start = starts[struct];
    check(depth < CHAIN_MAX, "structs nested too deep", start);
    if (kind(start) != STRUCT && kind(start) != UNION) {
      return;
    }
    boolean hasBitfields = int32(blob, start + 4) < 0;
    for (int i = 0; i < elements(start); i++) {
      check(membersSeen++ < MEMBERS_MAX, "too many members", start);
      int at = start + TYPE_BYTES + 12 * i;
      int nameAt = int32(blob, at);
      int type = checkedId(int32(blob, at + 4));
      int offset = int32(blob, at + 8);
      long bits = baseBits + (hasBitfields ? offset & 0xffffff : offset & 0xffffffffL);
      if (nameAt != 0) {
        into.putIfAbsent(name(nameAt), new Member(type, bits, hasBitfields ? offset >>> 24 : 0));
      } else if (type != 0) {
        collect(skipModifiers(type), bits, depth + 1, into);
      }
    }
  }

  private String name(int nameAt) {
    check(nameAt >= 0 && nameAt < stringsEnd - stringsAt, "a name beyond the strings", 0);
    int from = stringsAt + nameAt;
    int to = from;
    while (blob[to] != 0) { // the last string ends in NUL, see parse()
      to++;
    }
    check(to - from <= NAME_BYTES_MAX, "a name too long", from);
    return new String(blob, from, to - from, StandardCharsets.ISO_8859_1);
  }

  private OptionalInt find(int kind, String name) {
    Map<String, OptionalInt> ofKind = found.computeIfAbsent(kind, _ -> new HashMap<>());
    OptionalInt known = ofKind.get(name);
    if (known == null) {
      known = search(kind, name);
      ofKind.put(name, known);
    }
    return known;
  }

  private OptionalInt search(int kind, String name) {
    byte[] wanted = cString(name);
    for (int id = 1; id < indexed || indexTo(id + INDEX_AHEAD) || id < indexed; id++) {
      int start = starts[id];
      if (kind(start) == kind && isNamed(int32(blob, start), wanted)) {
        return OptionalInt.of(id);
      }
    }
    return OptionalInt.empty();
  }

  private int sizeOf(int id) {
    long factor = 1;
    int type = id;
    for (int depth = 0; depth < CHAIN_MAX; depth++) {
      type = skipModifiers(type);
      int start = starts[type];
      switch (kind(start)) {
        case PTR -> {
          return bounded(factor * POINTER_BYTES);
        }
        case INT, STRUCT, UNION, ENUM, ENUM64, FLOAT -> {
          return bounded(factor * (int32(blob, start + 8) & 0xffffffffL));
        }
        case ARRAY -> {
          factor = bounded(factor * (int32(blob, start + TYPE_BYTES + 8) & 0xffffffffL));
          type = checkedId(int32(blob, start + TYPE_BYTES));
        }
        default -> throw malformed("a type without a size", start);
      }
    }
    throw malformed("arrays nested too deep", starts[type]);
  }

  private int skipModifiers(int id) {
    int type = id;
    for (int depth = 0; depth < CHAIN_MAX; depth++) {
      check(type != 0, "void has no layout", 0);
      switch (kind(starts[type])) {
        case TYPEDEF, VOLATILE, CONST, RESTRICT, TYPE_TAG -> type = checkedId(int32(blob, starts[type] + 8));
        default -> {
          return type;
        }
      }
    }
    throw malformed("type names chained too deep", starts[type]);
  }

  private int kind(int start) {
    return int32(blob, start + 4) >>> 24 & 0x1f;
  }

  private int elements(int start) {
    return int32(blob, start + 4) & 0xffff;
  }

  private int checkedId(int id) {
    if (id < 0 || (id >= indexed && !indexTo(id))) {
      throw malformed("no type has id " + Integer.toUnsignedString(id), 0);
    }
    return id;
  }

  /// @param cString with its NUL, so that a match cannot be a prefix
  private boolean isNamed(int nameAt, byte[] cString) {
    if (nameAt < 0 || nameAt >= stringsEnd - stringsAt - (cString.length - 1)) {
      return false;
    }
    int at = stringsAt + nameAt;
    for (int i = 0; i < cString.length; i++) {
      if (blob[at + i] != cString[i]) {
        return false;
      }
    }
    return true;
  }

  private static byte[] cString(String name) {
    byte[] ascii = name.getBytes(StandardCharsets.US_ASCII);
    return Arrays.copyOf(ascii, ascii.length + 1);
  }

  private static int int32(byte[] blob, int at) {
    return (blob[at] & 0xff) | (blob[at + 1] & 0xff) << 8 | (blob[at + 2] & 0xff) << 16 | blob[at + 3] << 24;
  }

  /// A kernel struct or offset beyond 1 GiB is no struct.
  private static int bounded(long bytes) {
    check(bytes >= 0 && bytes < 1 << 30, "a size or offset beyond 1 GiB", 0);
    return (int) bytes;
  }

  private static void check(boolean holds, String otherwise, int at) {
    if (!holds) {
      throw malformed(otherwise, at);
    }
  }

  private static IllegalArgumentException malformed(String what, int at) {
    return new IllegalArgumentException("BTF: " + what + (at == 0 ? "" : " (at byte " + at + ")"));
  }
}
