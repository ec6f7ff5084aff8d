package stasis.image;

import java.lang.invoke.MethodHandles;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Fd;
import stasis.linux.abi.PathBytes;
import stasis.linux.abi.RemoteAddress;
import stasis.linux.abi.SigSet;
import stasis.linux.abi.Tid;

/// Derives codecs from records. Every mistake in a record is found here, once, when its schema is made.
final class CodecFactory {
  private static final Map<Class<?>, Codec> VOCABULARY = Map.of(
      Tid.class, Codec.Wrapped.of(Tid.class, Codec.Plain.INT, Tid::value, number -> new Tid((int) number)),
      Fd.class, Codec.Wrapped.of(Fd.class, Codec.Plain.INT, Fd::value, number -> new Fd((int) number)),
      ObjectId.class,
      Codec.Wrapped.of(ObjectId.class, Codec.Plain.INT, ObjectId::value, number -> new ObjectId((int) number)),
      RemoteAddress.class, Codec.Wrapped.of(RemoteAddress.class, Codec.Plain.LONG, RemoteAddress::bits,
          bits -> new RemoteAddress((long) bits)),
      SigSet.class, Codec.Wrapped.of(SigSet.class, Codec.Plain.LONG, SigSet::bits, bits -> new SigSet((long) bits)),
      PathBytes.class,
      Codec.Wrapped.of(PathBytes.class, Codec.Plain.BYTES, PathBytes::bytes, bytes -> new PathBytes((Bytes) bytes)));

  private final AccessGenerator generator;
  /// In order of first use, which is the order descriptors list them in.
  private final Map<Class<?>, Codec> known = new LinkedHashMap<>();
  private final Map<String, Class<?>> names = new HashMap<>();

  CodecFactory(MethodHandles.Lookup lookup) {
    generator = new AccessGenerator(lookup);
  }

  /// Messages, variants and enums made so far.
  List<Codec> types() {
    return known.values().stream().filter(codec -> !(codec instanceof Codec.Wrapped)).toList();
  }

  MessageCodec message(Class<?> type) {
    MessageCodec codec = new MessageCodec(type.getSimpleName(), generator.access(type));
    remember(type, codec);
    List<MessageCodec.Field> fields = new ArrayList<>();
    Set<Integer> used = new TreeSet<>();
    RecordComponent[] components = type.getRecordComponents();
    for (int i = 0; i < components.length; i++) {
      RecordComponent component = components[i];
      Tag tag = component.getAnnotation(Tag.class);
      if (tag == null) {
        throw new IllegalArgumentException(type.getName() + "." + component.getName() + " has no @Tag");
      }
      if (tag.value() < 1 || tag.value() > TypeDescriptor.MAX_TAG) {
        throw new IllegalArgumentException(type.getName() + ": tag " + tag.value() + " is out of range");
      }
      if (!used.add(tag.value())) {
        throw new IllegalArgumentException(type.getName() + ": tag " + tag.value() + " is used twice");
      }
      fields.add(field(tag.value(), component, i));
    }
    fields.sort(Comparator.comparingInt(MessageCodec.Field::tag));
    codec.complete(List.copyOf(fields));
    return codec;
  }

  private MessageCodec.Field field(int tag, RecordComponent component, int position) {
    Type type = component.getGenericType();
    Cardinality cardinality = component.getType() == List.class ? Cardinality.LIST
        : component.getType() == Optional.class ? Cardinality.OPTIONAL : Cardinality.ONE;
    if (cardinality != Cardinality.ONE) {
      type = type instanceof ParameterizedType generic ? generic.getActualTypeArguments()[0] : Object.class;
    }
    if (!(type instanceof Class<?> plain)) {
      throw new IllegalArgumentException(where(component) + ": " + type + " cannot be stored");
    }
    return new MessageCodec.Field(tag, component.getName(), cardinality, codec(plain, where(component)), position);
  }

  private Codec codec(Class<?> type, String where) {
    if (type == int.class || type == Integer.class) {
      return Codec.Plain.INT;
    } else if (type == long.class || type == Long.class) {
      return Codec.Plain.LONG;
    } else if (type == boolean.class || type == Boolean.class) {
      return Codec.Plain.BOOLEAN;
    } else if (type == String.class) {
      return Codec.Plain.STRING;
    } else if (type == Bytes.class) {
      return Codec.Plain.BYTES;
    }
    @Nullable Codec vocabulary = VOCABULARY.get(type);
    @Nullable Codec before = vocabulary != null ? vocabulary : known.get(type);
    if (before != null) {
      return before;
    } else if (type.isEnum()) {
      return constant(type);
    } else if (type.isRecord()) {
      return transparent(type) ? wrapped(type, where) : message(type);
    } else if (type.isSealed() && type.isInterface()) {
      return variants(type);
    }
    throw new IllegalArgumentException(where + ": " + type.getName() + " cannot be stored");
  }

  /// A record around one value carries no tag: it is a unit or a range, not a message.
  private static boolean transparent(Class<?> type) {
    RecordComponent[] components = type.getRecordComponents();
    return components.length == 1 && components[0].getAnnotation(Tag.class) == null;
  }

  private Codec constant(Class<?> type) {
    Map<String, Object> byName = new LinkedHashMap<>();
    for (Object constant : type.getEnumConstants()) {
      byName.put(((Enum<?>) constant).name(), constant);
    }
    return remember(type, new Codec.Constant(type.getSimpleName(), byName));
  }

  private Codec wrapped(Class<?> type, String where) {
    RecordComponent component = type.getRecordComponents()[0];
    Codec inner = codec(component.getType(), where);
    if (inner.shape().composite()) {
      throw new IllegalArgumentException(where + ": " + type.getName() + " needs a @Tag on its component");
    }
    return remember(type, Codec.Wrapped.generated(type, inner, generator.access(type)));
  }

  private Codec variants(Class<?> type) {
    VariantCodec codec = new VariantCodec(type.getSimpleName());
    remember(type, codec);
    for (Class<?> variant : type.getPermittedSubclasses()) {
      Tag tag = variant.getAnnotation(Tag.class);
      if (!variant.isRecord() || tag == null) {
        throw new IllegalArgumentException(variant.getName() + ": a variant is a record with a @Tag");
      }
      Codec content = known.containsKey(variant) ? known.get(variant) : message(variant);
      if (!(content instanceof MessageCodec message) || !codec.add(tag.value(), variant, message)) {
        throw new IllegalArgumentException(type.getName() + ": tag " + tag.value() + " is used twice");
      }
    }
    return codec;
  }

  private Codec remember(Class<?> type, Codec codec) {
    Class<?> namesake = names.put(type.getSimpleName(), type);
    if (namesake != null) {
      throw new IllegalArgumentException("two types of one schema are called " + type.getSimpleName() + ": "
          + namesake.getName() + " and " + type.getName());
    }
    known.put(type, codec);
    return codec;
  }

  private static String where(RecordComponent component) {
    return component.getDeclaringRecord().getName() + "." + component.getName();
  }
}
