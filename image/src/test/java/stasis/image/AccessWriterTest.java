package stasis.image;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.lang.invoke.MethodHandles;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class AccessWriterTest {
  record Width(int value) {}

  record Stored(@Tag(1) long first, @Tag(2) Optional<Width> second) {}

  record Unstored(long first) {}

  record Turned(@Tag(1) long second, @Tag(2) long first) {}

  record Straight(@Tag(1) long first, @Tag(2) long second) {}

  @Test
  void whatIsStoredGetsAClassBesideIt(@TempDir Path folder) throws IOException {
    for (Class<?> type : List.of(Stored.class, Width.class, Unstored.class)) {
      copy(type, folder);
    }

    AccessWriter.main(new String[] {folder.toString()});

    try (Stream<Path> files = Files.walk(folder)) {
      assertThat(files.map(file -> file.getFileName().toString()).filter(name -> name.contains("$$")))
          .containsExactlyInAnyOrder("AccessWriterTest$Stored$$Access.class", "AccessWriterTest$Width$$Access.class");
    }
  }

  @Test
  void aClassThatWasWrittenIsUsed() throws IllegalAccessException {
    define(Stored.class, Stored.class);

    RecordAccess access = new AccessGenerator(MethodHandles.lookup()).access(Stored.class);

    assertThat(access.getClass().isHidden()).isFalse();
    Stored record = new Stored(7, Optional.of(new Width(8)));
    assertThat(access.construct(access.components(record))).isEqualTo(record);
  }

  @Test
  void aClassThatWasWrittenForAnotherOrderOfComponentsIsNotUsed() throws IllegalAccessException {
    define(Turned.class, Straight.class);

    RecordAccess access = new AccessGenerator(MethodHandles.lookup()).access(Straight.class);

    assertThat(access.components(new Straight(1, 2))).containsExactly(1L, 2L);
  }

  private static void define(Class<?> generatedFor, Class<?> namedAfter) throws IllegalAccessException {
    Class<?> defined = MethodHandles.lookup()
        .defineClass(AccessGenerator.bytes(generatedFor, AccessGenerator.writtenName(namedAfter)));
    assertThat(defined.getName()).isEqualTo(AccessGenerator.writtenName(namedAfter));
  }

  private static void copy(Class<?> type, Path folder) throws IOException {
    String file = type.getName().replace('.', '/') + ".class";
    Path target = folder.resolve(file);
    Files.createDirectories(target.getParent());
    try (InputStream in = Objects.requireNonNull(type.getResourceAsStream("/" + file))) {
      Files.copy(in, target);
    }
  }
}
