package stasis.cli;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/// Reads back what verbs wrote as JSON.
final class JsonFile {
  private JsonFile() {}

  /// A list of texts, a member of the outermost object.
  ///
  /// @throws IOException in one sentence, also where there is none
  static List<String> list(Path file, String member) throws IOException {
    List<String> texts = new ArrayList<>();
    read(file, member, JsonToken.START_ARRAY, parser -> {
      while (parser.nextToken() != JsonToken.END_ARRAY) {
        texts.add(text(parser));
      }
    });
    return texts;
  }

  /// An object whose members are texts.
  ///
  /// @throws IOException in one sentence, also where there is none
  static SortedMap<String, String> texts(Path file, String member) throws IOException {
    SortedMap<String, String> texts = new TreeMap<>();
    read(file, member, JsonToken.START_OBJECT, parser -> {
      while (parser.nextToken() != JsonToken.END_OBJECT) {
        String name = parser.currentName();
        parser.nextToken();
        texts.put(name, text(parser));
      }
    });
    return texts;
  }

  private interface Body {
    void read(JsonParser parser) throws IOException;
  }

  private static void read(Path file, String member, JsonToken begin, Body body) throws IOException {
    try (JsonParser parser = new JsonFactory().createParser(Files.newInputStream(file))) {
      if (parser.nextToken() != JsonToken.START_OBJECT) {
        throw new IOException(file + " holds no JSON object");
      }
      while (parser.nextToken() == JsonToken.FIELD_NAME) {
        String name = parser.currentName();
        JsonToken value = parser.nextToken();
        if (name.equals(member) && value == begin) {
          body.read(parser);
          return;
        }
        parser.skipChildren();
      }
      throw new IOException(file + " has no \"" + member + "\"; is it what that verb wrote with --json?");
    } catch (JsonProcessingException e) {
      throw new IOException(file + " is no JSON: " + e.getOriginalMessage(), e);
    } catch (NoSuchFileException e) {
      throw new IOException(file + " does not exist", e);
    }
  }

  private static String text(JsonParser parser) throws IOException {
    if (parser.currentToken() != JsonToken.VALUE_STRING) {
      throw new IOException("a value in it is no text, but " + parser.currentToken());
    }
    return parser.getText();
  }
}
