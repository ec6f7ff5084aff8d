package stasis.image;

import java.io.IOException;
import java.lang.reflect.Modifier;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// A step of the build: writes a [RecordAccess] beside each record that is stored, into a folder of compiled classes,
/// which is its one argument.
///
/// Private records are left out, since only their nest may construct them.
final class AccessWriter {
  private static final String ENDING = ".class";

  private AccessWriter() {}

  static void main(String[] arguments) throws IOException {
    Path folder = Path.of(arguments[0]);
    List<Class<?>> records = records(folder);
    List<Class<?>> tagged = records.stream().filter(AccessWriter::isTagged).toList();
    Set<Type> parts = tagged.stream().flatMap(type -> Arrays.stream(type.getRecordComponents()))
        .map(AccessWriter::part).collect(Collectors.toSet());
    for (Class<?> type : records) {
      if (isTagged(type) || parts.contains(type)) {
        String name = AccessGenerator.writtenName(type);
        Files.write(folder.resolve(name.replace('.', '/') + ENDING), AccessGenerator.bytes(type, name));
      }
    }
  }

  private static List<Class<?>> records(Path folder) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      return files.map(file -> folder.relativize(file).toString())
          .filter(file -> file.endsWith(ENDING) && !file.endsWith("-info" + ENDING))
          .<Class<?>>map(file -> named(file.substring(0, file.length() - ENDING.length()).replace('/', '.')))
          .filter(type -> type.isRecord() && !Modifier.isPrivate(type.getModifiers())).toList();
    }
  }

  private static Class<?> named(String name) {
    try {
      return Class.forName(name, false, AccessWriter.class.getClassLoader());
    } catch (ClassNotFoundException e) {
      throw new IllegalArgumentException(name + " is not on the class path", e);
    }
  }

  private static boolean isTagged(Class<?> type) {
    return Arrays.stream(type.getRecordComponents()).anyMatch(part -> part.isAnnotationPresent(Tag.class))
        || type.isAnnotationPresent(Tag.class);
  }

  /// What a component is, or holds if it is a list or optional.
  private static Type part(RecordComponent component) {
    return component.getGenericType() instanceof ParameterizedType generic ? generic.getActualTypeArguments()[0]
        : component.getType();
  }
}
