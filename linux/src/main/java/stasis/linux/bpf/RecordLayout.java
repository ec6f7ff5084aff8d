package stasis.linux.bpf;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Where each field lies in the record a program writes, and what the program must copy to fill it. Pure: made from the
/// BTF alone. Neighbours in one kernel object are copied in one piece.
///
/// @param <F> the enum that lists the fields
final class RecordLayout<F extends Enum<F> & KernelField> {
  /// Longest function name shown, NUL included.
  static final int SYMBOL_BYTES = 48;

  private static final int GAP_BYTES_MAX = 32;
  private static final int PIECE_ALIGN = 8;

  /// One copy: `bytes` at `offset` of the object reached by `hops`, to `recordAt`.
  record Piece(List<Integer> hops, int offset, int bytes, int recordAt) {}

  /// One pointer to turn into a pid number or a function name, its result at `recordAt`.
  record Translation(KernelField.Form form, FieldPlace pointer, int recordAt) {}

  private record Slot(int recordAt, int bytes, int shift, int width) {}

  private final Map<F, Slot> slots;
  private final List<Piece> pieces = new ArrayList<>();
  private final List<Translation> translations = new ArrayList<>();
  private final int bytes;

  private RecordLayout(Class<F> fields, Map<F, FieldPlace> places) {
    slots = new EnumMap<>(fields);
    int end = copyPieces(places);
    for (var entry : places.entrySet()) {
      F field = entry.getKey();
      if (field.form() == KernelField.Form.COPY) {
        continue;
      }
      int room = field.form() == KernelField.Form.SYMBOL ? SYMBOL_BYTES : Integer.BYTES;
      translations.add(new Translation(field.form(), entry.getValue(), end));
      slots.put(field, new Slot(end, room, 0, 0));
      end = aligned(end + room);
    }
    bytes = end;
  }

  /// @throws UnsupportedKernel naming the fields the kernel lacks
  static <F extends Enum<F> & KernelField> RecordLayout<F> of(Btf btf, String rootStruct, Class<F> fields)
      throws UnsupportedKernel {
    var places = new EnumMap<F, FieldPlace>(fields);
    var missing = new ArrayList<String>();
    for (F field : fields.getEnumConstants()) {
      Optional<FieldPlace> place = Optional.empty();
      for (String expression : field.expressions()) {
        if (place.isEmpty()) {
          place = btf.field(rootStruct, expression);
        }
      }
      if (place.isPresent()) {
        places.put(field, sized(field, place.get()));
      } else if (field.required()) {
        missing.add(field.expressions().getFirst());
      }
    }
    if (!missing.isEmpty()) {
      throw new UnsupportedKernel("this kernel's " + rootStruct + " has no " + String.join(", ", missing));
    }
    return new RecordLayout<>(fields, places);
  }

  private static FieldPlace sized(KernelField field, FieldPlace place) {
    if (field.pointedBytes() != 0) {
      return new FieldPlace(place.asHops(), 0, field.pointedBytes(), 0, 0);
    }
    if (field.trailingBytes() == 0) {
      return place;
    }
    // An array without a length has no bytes of its own. What has some is a pointer to one.
    return place.sizeBytes() == 0 ? new FieldPlace(place.hops(), place.offsetBytes(), field.trailingBytes(), 0, 0)
        : new FieldPlace(place.asHops(), 0, field.trailingBytes(), 0, 0);
  }

  int bytes() {
    return bytes;
  }

  List<Piece> pieces() {
    return List.copyOf(pieces);
  }

  List<Translation> translations() {
    return List.copyOf(translations);
  }

  boolean has(F field) {
    return slots.containsKey(field);
  }

  /// Fields the kernel lacks, by the first of their expressions.
  List<String> absent(Class<F> fields) {
    return List.of(fields.getEnumConstants()).stream().filter(field -> !has(field))
        .map(field -> field.expressions().getFirst()).toList();
  }

  int recordAt(F field) {
    return slot(field).recordAt();
  }

  int bytesOf(F field) {
    return slot(field).bytes();
  }

  /// Bits `shift` up to `shift + width` of the value count; all when the width is 0.
  int shiftOf(F field) {
    return slot(field).shift();
  }

  int widthOf(F field) {
    return slot(field).width();
  }

  private Slot slot(F field) {
    Slot slot = slots.get(field);
    if (slot == null) {
      throw new IllegalArgumentException("this kernel has no " + field.expressions().getFirst());
    }
    return slot;
  }

  private int copyPieces(Map<F, FieldPlace> places) {
    var byObject = new LinkedHashMap<List<Integer>, List<Map.Entry<F, FieldPlace>>>();
    for (var entry : places.entrySet()) {
      if (entry.getKey().form() == KernelField.Form.COPY) {
        byObject.computeIfAbsent(entry.getValue().hops(), hops -> new ArrayList<>()).add(entry);
      }
    }
    int end = 0;
    for (var object : byObject.entrySet()) {
      object.getValue().sort(Comparator.comparingInt(entry -> entry.getValue().offsetBytes()));
      end = copyObject(object.getKey(), object.getValue(), end);
    }
    return end;
  }

  private int copyObject(List<Integer> hops, List<Map.Entry<F, FieldPlace>> sorted, int recordStart) {
    int recordAt = recordStart;
    int from = sorted.getFirst().getValue().offsetBytes();
    int to = from;
    for (var entry : sorted) {
      FieldPlace place = entry.getValue();
      if (place.offsetBytes() > to + GAP_BYTES_MAX) {
        pieces.add(new Piece(hops, from, to - from, recordAt));
        recordAt = aligned(recordAt + to - from);
        from = place.offsetBytes();
        to = from;
      }
      to = Math.max(to, place.offsetBytes() + place.sizeBytes());
      slots.put(entry.getKey(), new Slot(recordAt + place.offsetBytes() - from, place.sizeBytes(), place.bitShift(),
          place.bitWidth()));
    }
    pieces.add(new Piece(hops, from, to - from, recordAt));
    return aligned(recordAt + to - from);
  }

  private static int aligned(int at) {
    return (at + PIECE_ALIGN - 1) & -PIECE_ALIGN;
  }
}
