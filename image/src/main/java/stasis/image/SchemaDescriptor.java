package stasis.image;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.stream.Collectors;
import stasis.linux.abi.Bytes;

/// A schema as data. It travels in the statefile and is all that is needed to print a record without its class.
///
/// @param types the record itself first, then what it refers to
/// @param retired tags that were used once and never will be again
public record SchemaDescriptor(@Tag(1) String name, @Tag(2) int version, @Tag(3) List<TypeDescriptor> types,
    @Tag(4) List<Integer> retired) {
  public SchemaDescriptor {
    TypeDescriptor.checkName(name);
    types = List.copyOf(types);
    retired = List.copyOf(new TreeSet<>(retired));
    if (version < 1) {
      throw new IllegalArgumentException("schema versions count from 1, not " + version);
    }
    if (types.isEmpty() || types.getFirst().shape() != Shape.MESSAGE) {
      throw new IllegalArgumentException(name + ": the first type is the record itself");
    }
    Map<String, Shape> shapes = new HashMap<>();
    for (TypeDescriptor type : types) {
      if (shapes.put(type.name(), type.shape()) != null) {
        throw new IllegalArgumentException(name + ": two types are called " + type.name());
      }
    }
    for (TypeDescriptor type : types) {
      for (FieldDescriptor field : type.fields()) {
        boolean composite = field.shape().composite();
        if (composite && shapes.get(field.type()) != field.shape()) {
          throw new IllegalArgumentException(name + ": " + field + " has a type that is not described");
        }
      }
    }
    for (FieldDescriptor field : types.getFirst().fields()) {
      if (retired.contains(field.tag())) {
        throw new IllegalArgumentException(name + ": tag " + field.tag() + " is retired");
      }
    }
  }

  static SchemaDescriptor of(String name, int version, List<Codec> types, List<Integer> retired) {
    return new SchemaDescriptor(name, version, types.stream().map(SchemaDescriptor::type).toList(), retired);
  }

  private static TypeDescriptor type(Codec codec) {
    return switch (codec) {
      case MessageCodec message -> new TypeDescriptor(message.typeName(), Shape.MESSAGE,
          message.fields().stream().map(field -> new FieldDescriptor(field.tag(), field.name(),
              field.cardinality(), field.codec().shape(), field.codec().typeName())).toList(), List.of());
      case VariantCodec variant -> new TypeDescriptor(variant.typeName(), Shape.VARIANT,
          variant.variants().entrySet().stream().map(entry -> new FieldDescriptor(entry.getKey(),
              entry.getValue().typeName(), Cardinality.ONE, Shape.MESSAGE, entry.getValue().typeName())).toList(),
          List.of());
      case Codec.Constant constant -> new TypeDescriptor(constant.typeName(), Shape.ENUM, List.of(),
          List.copyOf(constant.byName().keySet()));
      default -> throw new AssertionError(codec.typeName() + " is a scalar and has no descriptor");
    };
  }

  /// `file.signalfd v1`
  public String title() {
    return name + " v" + version;
  }

  /// One line per field, `  1 mask:SigSet`; compared with the golden in the kind's test folder.
  public String describe() {
    StringBuilder out = new StringBuilder(title()).append('\n');
    types.getFirst().fields().forEach(field -> out.append("  ").append(field).append('\n'));
    if (!retired.isEmpty()) {
      out.append("  retired ").append(retired.stream().map(String::valueOf).collect(Collectors.joining(" ")))
          .append('\n');
    }
    types.stream().skip(1).forEach(type -> out.append(type.describe()));
    return out.toString();
  }

  /// The record as a tree of values; fields this schema does not know are kept as [Value.Unknown].
  public Value.Message read(Bytes record, Limits limits) throws DecodeException {
    return new ValueReader(this).read(record, limits);
  }

  /// Many lines, for people.
  public String show(Bytes record) throws DecodeException {
    return title() + "\n" + read(record, Limits.DEFAULT).show();
  }
}
