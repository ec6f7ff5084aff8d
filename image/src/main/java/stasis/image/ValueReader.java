package stasis.image;

import com.google.protobuf.WireFormat;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import stasis.linux.abi.Bytes;

/// Reads records by their descriptor alone, with the same checks as their class would make, except those of
/// constructors. One serves any number of records of its schema.
final class ValueReader {
  private final String title;
  private final Map<String, Type> types = new HashMap<>();
  private final Type root;

  /// A type with its fields by tag, and each field's place in the descriptor's order.
  private record Type(TypeDescriptor descriptor, Map<Integer, Integer> positions) {}

  /// The values found for each field, by position, and those of unknown fields, by tag.
  private record Found(List<List<Value>> known, SortedMap<Integer, List<Value>> unknown) {}

  ValueReader(SchemaDescriptor schema) {
    this.title = schema.title();
    for (TypeDescriptor descriptor : schema.types()) {
      Map<Integer, Integer> positions = new HashMap<>();
      for (int i = 0; i < descriptor.fields().size(); i++) {
        positions.put(descriptor.fields().get(i).tag(), i);
      }
      types.put(descriptor.name(), new Type(descriptor, positions));
    }
    this.root = type(schema.types().getFirst().name());
  }

  Value.Message read(Bytes record, Limits limits) throws DecodeException {
    return content(root, new WireReader(title, record, limits));
  }

  private Type type(String name) {
    Type type = types.get(name);
    if (type == null) {
      throw new AssertionError(name + " is not described, which the schema's constructor did not see");
    }
    return type;
  }

  private Value.Message content(Type type, WireReader in) throws DecodeException {
    List<FieldDescriptor> fields = type.descriptor().fields();
    Found found = new Found(new ArrayList<>(fields.size()), new TreeMap<>());
    for (int i = 0; i < fields.size(); i++) {
      found.known().add(List.of());
    }
    for (int tag = in.tag(); tag != 0; tag = in.tag()) {
      int number = WireFormat.getTagFieldNumber(tag);
      Integer position = type.positions().get(number);
      if (position == null) {
        in.countElement();
        found.unknown().computeIfAbsent(number, _ -> new ArrayList<>()).add(in.unknown(tag));
      } else {
        FieldDescriptor field = fields.get(position);
        in.enterField(field.name());
        List<Value> before = found.known().get(position);
        found.known().set(position, occurrence(field, WireFormat.getTagWireType(tag), before, in));
        in.leaveField();
      }
    }
    return new Value.Message(type.descriptor().name(), type.descriptor().shape() == Shape.VARIANT
        ? variant(type.descriptor(), found, in) : entries(fields, found, in));
  }

  /// @return the values of the field, this occurrence's included
  private List<Value> occurrence(FieldDescriptor field, int wireType, List<Value> before, WireReader in)
      throws DecodeException {
    boolean list = field.cardinality() == Cardinality.LIST;
    boolean packed = list && field.shape().packed() && wireType == WireFormat.WIRETYPE_LENGTH_DELIMITED;
    if (!packed && wireType != MessageCodec.wireType(field.shape())) {
      throw in.failure("wire type " + wireType + " where " + field.shape() + " was expected");
    }
    if (!list) {
      if (!before.isEmpty()) {
        throw in.failure("stands there twice");
      }
      return List.of(value(field, in));
    }
    List<Value> values = before.isEmpty() ? new ArrayList<>() : before;
    if (packed) {
      int enclosing = in.open();
      while (!in.atEnd()) {
        in.countElement();
        values.add(value(field, in));
      }
      in.close(enclosing);
    } else {
      in.countElement();
      values.add(value(field, in));
    }
    return values;
  }

  private Value value(FieldDescriptor field, WireReader in) throws DecodeException {
    return switch (field.shape()) {
      case WHOLE -> new Value.Whole(field.type(), in.whole());
      case FLAG -> new Value.Flag(in.flag());
      case TEXT, ENUM -> new Value.Text(field.type(), in.text());
      case BYTES -> new Value.Raw(field.type(), in.bytes());
      case MESSAGE, VARIANT -> {
        int enclosing = in.open();
        Value message = content(type(field.type()), in);
        in.close(enclosing);
        yield message;
      }
    };
  }

  /// The one variant that is there; one this descriptor does not know counts.
  private static List<Value.Entry> variant(TypeDescriptor type, Found found, WireReader in) throws DecodeException {
    List<Value.Entry> entries = new ArrayList<>();
    for (int i = 0; i < found.known().size(); i++) {
      String name = type.fields().get(i).name();
      found.known().get(i).forEach(value -> entries.add(new Value.Entry(name, value)));
    }
    addUnknown(found, entries);
    if (entries.size() != 1) {
      throw in.failure(type.name() + " is one of its variants, not " + entries.size());
    }
    return entries;
  }

  private static List<Value.Entry> entries(List<FieldDescriptor> fields, Found found, WireReader in)
      throws DecodeException {
    List<Value.Entry> entries = new ArrayList<>();
    for (int i = 0; i < fields.size(); i++) {
      FieldDescriptor field = fields.get(i);
      List<Value> values = found.known().get(i);
      if (field.cardinality() == Cardinality.LIST) {
        entries.add(new Value.Entry(field.name(), new Value.Sequence(values)));
      } else if (!values.isEmpty()) {
        entries.add(new Value.Entry(field.name(), values.getFirst()));
      } else if (field.cardinality() == Cardinality.ONE) {
        in.enterField(field.name());
        throw in.failure("is missing");
      }
    }
    addUnknown(found, entries);
    return entries;
  }

  private static void addUnknown(Found found, List<Value.Entry> entries) {
    found.unknown().forEach((tag, values) ->
        values.forEach(value -> entries.add(new Value.Entry("?" + tag, value))));
  }
}
