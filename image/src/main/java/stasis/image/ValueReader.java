package stasis.image;

import com.google.protobuf.WireFormat;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import stasis.linux.abi.Bytes;

/// Reads a record by its descriptor alone, with the same checks as its class would make except those of constructors.
final class ValueReader {
  private final WireReader in;
  private final TypeDescriptor root;
  private final Map<String, TypeDescriptor> types = new HashMap<>();

  ValueReader(SchemaDescriptor schema, Bytes record, Limits limits) throws DecodeException {
    this.in = new WireReader(schema.title(), record, limits);
    this.root = schema.types().getFirst();
    schema.types().forEach(type -> types.put(type.name(), type));
  }

  Value.Message read() throws DecodeException {
    return content(root);
  }

  private TypeDescriptor type(FieldDescriptor field) {
    TypeDescriptor type = types.get(field.type());
    if (type == null) {
      throw new AssertionError(field + " has a type its schema's constructor did not see");
    }
    return type;
  }

  private Value.Message content(TypeDescriptor type) throws DecodeException {
    SortedMap<Integer, FieldDescriptor> fields = new TreeMap<>();
    type.fields().forEach(field -> fields.put(field.tag(), field));
    SortedMap<Integer, List<Value>> found = new TreeMap<>();
    for (int tag = in.tag(); tag != 0; tag = in.tag()) {
      int number = WireFormat.getTagFieldNumber(tag);
      List<Value> values = found.computeIfAbsent(number, _ -> new ArrayList<>());
      FieldDescriptor field = fields.get(number);
      if (field == null) {
        in.countElement();
        values.add(in.unknown(tag));
      } else {
        in.enterField(field.name());
        occurrence(field, WireFormat.getTagWireType(tag), values);
        in.leaveField();
      }
    }
    if (type.shape() == Shape.VARIANT && found.size() != 1) {
      throw in.failure(type.name() + " is one of its variants, not " + found.size());
    }
    return new Value.Message(type.name(), entries(type, fields, found));
  }

  private void occurrence(FieldDescriptor field, int wireType, List<Value> values) throws DecodeException {
    boolean list = field.cardinality() == Cardinality.LIST;
    boolean packed = list && field.shape().packed() && wireType == WireFormat.WIRETYPE_LENGTH_DELIMITED;
    if (!packed && wireType != MessageCodec.wireType(field.shape())) {
      throw in.failure("wire type " + wireType + " where " + field.shape() + " was expected");
    }
    if (!list && !values.isEmpty()) {
      throw in.failure("stands there twice");
    }
    if (packed) {
      int enclosing = in.open();
      while (!in.atEnd()) {
        in.countElement();
        values.add(value(field));
      }
      in.close(enclosing);
    } else {
      in.countElement();
      values.add(value(field));
    }
  }

  private Value value(FieldDescriptor field) throws DecodeException {
    return switch (field.shape()) {
      case WHOLE -> new Value.Whole(field.type(), in.whole());
      case FLAG -> new Value.Flag(in.flag());
      case TEXT, ENUM -> new Value.Text(field.type(), in.text());
      case BYTES -> new Value.Raw(field.type(), in.bytes());
      case MESSAGE, VARIANT -> {
        int enclosing = in.open();
        Value message = content(type(field));
        in.close(enclosing);
        yield message;
      }
    };
  }

  private List<Value.Entry> entries(TypeDescriptor type, SortedMap<Integer, FieldDescriptor> fields,
      SortedMap<Integer, List<Value>> found) throws DecodeException {
    if (type.shape() == Shape.MESSAGE) {
      for (FieldDescriptor field : type.fields()) {
        if (field.cardinality() == Cardinality.ONE && !found.containsKey(field.tag())) {
          in.enterField(field.name());
          throw in.failure("is missing");
        } else if (field.cardinality() == Cardinality.LIST) {
          found.putIfAbsent(field.tag(), List.of());
        }
      }
    }
    List<Value.Entry> entries = new ArrayList<>();
    found.forEach((tag, values) -> {
      FieldDescriptor field = fields.get(tag);
      if (field == null) {
        values.forEach(value -> entries.add(new Value.Entry("?" + tag, value)));
      } else if (field.cardinality() == Cardinality.LIST) {
        entries.add(new Value.Entry(field.name(), new Value.Sequence(values)));
      } else {
        entries.add(new Value.Entry(field.name(), values.getFirst()));
      }
    });
    return entries;
  }
}
