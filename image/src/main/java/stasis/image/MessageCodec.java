package stasis.image;

import com.google.protobuf.WireFormat;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import stasis.linux.abi.Bytes;

/// A record as a message: its components in ascending order of tags.
final class MessageCodec implements Codec {
  /// One component.
  ///
  /// @param position among the record's components
  record Field(int tag, String name, Cardinality cardinality, Codec codec, int position) {}

  private final String typeName;
  private final RecordAccess access;
  /// Completed once by the factory, after the types it refers to, which may refer back.
  private List<Field> fields = List.of();
  private Map<Integer, Field> byTag = Map.of();

  MessageCodec(String typeName, RecordAccess access) {
    this.typeName = typeName;
    this.access = access;
  }

  void complete(List<Field> byAscendingTag) {
    fields = byAscendingTag;
    byTag = new HashMap<>();
    fields.forEach(field -> byTag.put(field.tag(), field));
  }

  List<Field> fields() {
    return fields;
  }

  @Override
  public Shape shape() {
    return Shape.MESSAGE;
  }

  @Override
  public String typeName() {
    return typeName;
  }

  @Override
  public void write(WireWriter out, Object value) {
    int start = out.open();
    writeContent(out, value);
    out.close(start);
  }

  /// The whole of a message that is not inside another.
  Bytes message(Object value) {
    WireWriter out = new WireWriter();
    writeContent(out, value);
    return out.bytes();
  }

  private void writeContent(WireWriter out, Object value) {
    Object[] components = access.components(value);
    for (Field field : fields) {
      writeField(out, field, components[field.position()]);
    }
  }

  private static void writeField(WireWriter out, Field field, Object value) {
    switch (field.cardinality()) {
      case ONE -> writeOne(out, field, value);
      case OPTIONAL -> {
        Optional<?> optional = (Optional<?>) value;
        if (optional.isPresent()) {
          writeOne(out, field, optional.get());
        }
      }
      case LIST -> {
        List<?> list = (List<?>) value;
        if (field.codec().shape().packed()) {
          writePacked(out, field, list);
        } else {
          for (Object element : list) {
            writeOne(out, field, element);
          }
        }
      }
    }
  }

  private static void writeOne(WireWriter out, Field field, Object value) {
    out.tag(field.tag(), wireType(field.codec().shape()));
    field.codec().write(out, value);
  }

  private static void writePacked(WireWriter out, Field field, List<?> list) {
    if (list.isEmpty()) {
      return;
    }
    out.tag(field.tag(), WireFormat.WIRETYPE_LENGTH_DELIMITED);
    int start = out.open();
    for (Object element : list) {
      field.codec().write(out, element);
    }
    out.close(start);
  }

  static int wireType(Shape shape) {
    return shape.packed() ? WireFormat.WIRETYPE_VARINT : WireFormat.WIRETYPE_LENGTH_DELIMITED;
  }

  @Override
  public Object read(WireReader in) throws DecodeException {
    int enclosing = in.open();
    Object record = readContent(in);
    in.close(enclosing);
    return record;
  }

  /// Reads to the end of what the reader is confined to.
  Object readContent(WireReader in) throws DecodeException {
    @Nullable Object[] values = new @Nullable Object[fields.size()];
    for (int tag = in.tag(); tag != 0; tag = in.tag()) {
      Field field = byTag.get(WireFormat.getTagFieldNumber(tag));
      if (field == null) {
        in.skip(tag);
      } else {
        in.enterField(field.name());
        readField(in, field, tag, values);
        in.leaveField();
      }
    }
    return construct(in, values);
  }

  private static void readField(WireReader in, Field field, int tag, @Nullable Object[] values)
      throws DecodeException {
    Shape shape = field.codec().shape();
    int wireType = WireFormat.getTagWireType(tag);
    boolean packed = field.cardinality() == Cardinality.LIST && shape.packed()
        && wireType == WireFormat.WIRETYPE_LENGTH_DELIMITED;
    if (!packed && wireType != wireType(shape)) {
      throw in.failure("wire type " + wireType + " where " + shape + " has " + wireType(shape));
    }
    Object before = values[field.position()];
    if (field.cardinality() != Cardinality.LIST) {
      if (before != null) {
        throw in.failure("stands there twice");
      }
      values[field.position()] = field.codec().read(in);
      return;
    }
    @SuppressWarnings("unchecked")
    List<Object> list = before == null ? new ArrayList<>() : (List<Object>) before;
    values[field.position()] = list;
    if (packed) {
      int enclosing = in.open();
      while (!in.atEnd()) {
        readElement(in, field, list);
      }
      in.close(enclosing);
    } else {
      readElement(in, field, list);
    }
  }

  private static void readElement(WireReader in, Field field, List<Object> list) throws DecodeException {
    in.countElement();
    list.add(field.codec().read(in));
  }

  private Object construct(WireReader in, @Nullable Object[] values) throws DecodeException {
    Object[] arguments = new Object[values.length];
    for (Field field : fields) {
      Object value = values[field.position()];
      arguments[field.position()] = switch (field.cardinality()) {
        case ONE -> {
          if (value == null) {
            in.enterField(field.name());
            throw in.failure("is missing");
          }
          yield value;
        }
        case OPTIONAL -> Optional.ofNullable(value);
        case LIST -> value == null ? List.of() : List.copyOf((List<?>) value);
      };
    }
    try {
      return access.construct(arguments);
    } catch (RuntimeException e) {
      throw in.refusal(typeName, e);
    }
  }

  /// The whole of a message that is not inside another.
  Object read(String schema, Bytes message, Limits limits) throws DecodeException {
    return readContent(new WireReader(schema, message, limits));
  }
}
