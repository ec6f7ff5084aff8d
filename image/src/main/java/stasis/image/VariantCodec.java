package stasis.image;

import com.google.protobuf.WireFormat;
import java.util.HashMap;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// A sealed interface of records: a message with one field, which says which record it is and holds its message.
final class VariantCodec implements Codec {
  private final String typeName;
  /// Completed once by the factory, after the records.
  private final Map<Class<?>, Integer> tags = new HashMap<>();
  private final SortedMap<Integer, MessageCodec> variants = new TreeMap<>();

  VariantCodec(String typeName) {
    this.typeName = typeName;
  }

  /// @return whether the tag was free
  boolean add(int tag, Class<?> type, MessageCodec codec) {
    tags.put(type, tag);
    return variants.put(tag, codec) == null;
  }

  SortedMap<Integer, MessageCodec> variants() {
    return variants;
  }

  @Override
  public Shape shape() {
    return Shape.VARIANT;
  }

  @Override
  public String typeName() {
    return typeName;
  }

  @Override
  public void write(WireWriter out, Object value) {
    Integer tag = tags.get(value.getClass());
    if (tag == null) {
      throw new IllegalArgumentException(value.getClass() + " is not a variant of " + typeName);
    }
    int start = out.open();
    out.tag(tag, WireFormat.WIRETYPE_LENGTH_DELIMITED);
    variant(tag).write(out, value);
    out.close(start);
  }

  private MessageCodec variant(int tag) {
    MessageCodec codec = variants.get(tag);
    if (codec == null) {
      throw new AssertionError("variant " + tag + " of " + typeName + " was added without a codec");
    }
    return codec;
  }

  @Override
  public Object read(WireReader in) throws DecodeException {
    int enclosing = in.open();
    int tag = in.tag();
    @Nullable MessageCodec codec = variants.get(WireFormat.getTagFieldNumber(tag));
    if (codec == null || WireFormat.getTagWireType(tag) != WireFormat.WIRETYPE_LENGTH_DELIMITED) {
      throw in.failure(typeName + " has no variant " + WireFormat.getTagFieldNumber(tag));
    }
    Object value = codec.read(in);
    in.close(enclosing);
    return value;
  }
}
