package stasis.image;

import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.function.Function;
import stasis.linux.abi.Bytes;

/// How values of one Java type are written and read.
interface Codec {
  Shape shape();

  /// As the schema's golden shows it.
  String typeName();

  /// Writes the value without its tag; a length-delimited one with its length.
  void write(WireWriter out, Object value);

  Object read(WireReader in) throws DecodeException;

  /// The Java types that need no class of their own.
  enum Plain implements Codec {
    INT(Shape.WHOLE, "int") {
      @Override
      public void write(WireWriter out, Object value) {
        out.signed((int) value);
      }

      @Override
      public Object read(WireReader in) throws DecodeException {
        return in.wholeInt();
      }
    },
    LONG(Shape.WHOLE, "long") {
      @Override
      public void write(WireWriter out, Object value) {
        out.signed((long) value);
      }

      @Override
      public Object read(WireReader in) throws DecodeException {
        return in.whole();
      }
    },
    BOOLEAN(Shape.FLAG, "boolean") {
      @Override
      public void write(WireWriter out, Object value) {
        out.unsigned((boolean) value ? 1 : 0);
      }

      @Override
      public Object read(WireReader in) throws DecodeException {
        return in.flag();
      }
    },
    STRING(Shape.TEXT, "String") {
      @Override
      public void write(WireWriter out, Object value) {
        String text = (String) value;
        if (hasSurrogates(text) && !StandardCharsets.UTF_8.newEncoder().canEncode(text)) {
          throw new IllegalArgumentException("text with half a surrogate pair cannot be stored");
        }
        out.delimited(text.getBytes(StandardCharsets.UTF_8));
      }

      @Override
      public Object read(WireReader in) throws DecodeException {
        return in.text();
      }
    },
    BYTES(Shape.BYTES, "Bytes") {
      @Override
      public void write(WireWriter out, Object value) {
        out.delimited((Bytes) value);
      }

      @Override
      public Object read(WireReader in) throws DecodeException {
        return in.bytes();
      }
    };

    private final Shape shape;
    private final String typeName;

    private static boolean hasSurrogates(String text) {
      for (int i = 0; i < text.length(); i++) {
        if (Character.isSurrogate(text.charAt(i))) {
          return true;
        }
      }
      return false;
    }

    Plain(Shape shape, String typeName) {
      this.shape = shape;
      this.typeName = typeName;
    }

    @Override
    public Shape shape() {
      return shape;
    }

    @Override
    public String typeName() {
      return typeName;
    }
  }

  /// An enum constant, by name: ordinals move when a constant is added.
  record Constant(String typeName, Map<String, Object> byName) implements Codec {
    @Override
    public Shape shape() {
      return Shape.ENUM;
    }

    @Override
    public void write(WireWriter out, Object value) {
      Plain.STRING.write(out, ((Enum<?>) value).name());
    }

    @Override
    public Object read(WireReader in) throws DecodeException {
      String name = in.text();
      Object constant = byName.get(name);
      if (constant == null) {
        throw in.failure(typeName + " has no constant " + Printable.quoted(name));
      }
      return constant;
    }
  }

  /// A record with one untagged component is written as that component: `Tid`, `SigSet`, `PathBytes`.
  record Wrapped(String typeName, Codec inner, Function<Object, Object> unwrap, Function<Object, Object> wrap)
      implements Codec {
    /// A record of the kernel's vocabulary, known by name: nearly every schema has one, and none need be generated.
    static <R> Wrapped of(Class<R> type, Codec inner, Function<R, Object> unwrap, Function<Object, R> wrap) {
      return new Wrapped(type.getSimpleName(), inner, value -> unwrap.apply(type.cast(value)), wrap::apply);
    }

    static Wrapped generated(Class<?> type, Codec inner, RecordAccess access) {
      return new Wrapped(type.getSimpleName(), inner, value -> access.components(value)[0],
          content -> access.construct(new Object[] {content}));
    }

    @Override
    public Shape shape() {
      return inner.shape();
    }

    @Override
    public void write(WireWriter out, Object value) {
      inner.write(out, unwrap.apply(value));
    }

    @Override
    public Object read(WireReader in) throws DecodeException {
      Object content = inner.read(in);
      try {
        return wrap.apply(content);
      } catch (RuntimeException e) {
        throw in.refusal(typeName, e);
      }
    }
  }
}
