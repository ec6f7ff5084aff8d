package stasis.linux.bpf;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

/// Writes small BTF blobs. Types get ids from 1 on, in the order they are added.
final class BtfBuilder {
  static final int INT = 1;
  static final int PTR = 2;
  static final int ARRAY = 3;
  static final int STRUCT = 4;
  static final int UNION = 5;
  static final int ENUM = 6;
  static final int TYPEDEF = 8;
  static final int CONST = 10;
  static final int FUNC = 12;

  private final ByteArrayOutputStream types = new ByteArrayOutputStream();
  private final ByteArrayOutputStream strings = new ByteArrayOutputStream();
  private final Map<String, Integer> names = new LinkedHashMap<>();
  private int last;

  BtfBuilder() {
    strings.write(0);
    names.put("", 0);
  }

  /// A member of a struct. @param bitWidth of a bitfield, or 0
  record Member(String name, int type, int bitOffset, int bitWidth) {}

  int integer(String name, int bytes) {
    return add(name, INT, 0, false, bytes, bytes * 8);
  }

  int reference(int kind, String name, int to) {
    return add(name, kind, 0, false, to);
  }

  int array(int element, int count) {
    return add("", ARRAY, 0, false, 0, element, 1, count);
  }

  int enumeration(String name, String constant, int value) {
    return add(name, ENUM, 1, false, 4, name(constant), value);
  }

  int struct(int kind, String name, int bytes, Member... members) {
    boolean bitfields = false;
    for (Member member : members) {
      bitfields |= member.bitWidth() != 0;
    }
    int[] words = new int[1 + 3 * members.length];
    words[0] = bytes;
    for (int i = 0; i < members.length; i++) {
      words[1 + 3 * i] = name(members[i].name());
      words[2 + 3 * i] = members[i].type();
      words[3 + 3 * i] = members[i].bitOffset() | members[i].bitWidth() << 24;
    }
    return add(name, kind, members.length, bitfields, words);
  }

  byte[] build() {
    ByteBuffer blob = ByteBuffer.allocate(24 + types.size() + strings.size()).order(ByteOrder.LITTLE_ENDIAN);
    blob.putShort((short) Btf.MAGIC).put((byte) 1).put((byte) 0).putInt(24);
    blob.putInt(0).putInt(types.size()).putInt(types.size()).putInt(strings.size());
    return blob.put(types.toByteArray()).put(strings.toByteArray()).array();
  }

  private int add(String name, int kind, int elements, boolean flag, int... words) {
    ByteBuffer type = ByteBuffer.allocate(8 + 4 * words.length).order(ByteOrder.LITTLE_ENDIAN);
    type.putInt(name(name)).putInt((flag ? 1 << 31 : 0) | kind << 24 | elements);
    for (int word : words) {
      type.putInt(word);
    }
    types.writeBytes(type.array());
    return ++last;
  }

  private int name(String name) {
    return names.computeIfAbsent(name, fresh -> {
      int at = strings.size();
      strings.writeBytes((fresh + "\0").getBytes(StandardCharsets.US_ASCII));
      return at;
    });
  }
}
