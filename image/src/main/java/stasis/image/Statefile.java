package stasis.image;

import java.lang.invoke.MethodHandles;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import stasis.linux.abi.Bytes;

/// All that is known of a frozen tree, except the contents of its pages. Made whole or not at all: the constructor
/// checks every reference, so a decoded statefile needs no further distrust of ids and ranges.
///
/// @param schemas of all objects, by name and version
/// @param objects by ascending id
/// @param losses in the order the table is printed
/// @param pageMaps by ascending body
public record Statefile(StatefileHeader header, List<SchemaDescriptor> schemas, List<StoredObject> objects,
    List<LossRow> losses, List<PageMap> pageMaps) {
  /// As it is stored.
  ///
  /// @param rows of statefiles of version 1 @param losses the same, from version 2 on
  record Stored(@Tag(1) StatefileHeader header, @Tag(2) List<SchemaDescriptor> schemas,
      @Tag(3) List<StoredObject> objects, @Tag(4) List<LossRow> rows, @Tag(5) List<PageMap> pageMaps,
      @Tag(6) Optional<StoredLosses> losses) {
    Stored {
      schemas = List.copyOf(schemas);
      objects = List.copyOf(objects);
      rows = List.copyOf(rows);
      pageMaps = List.copyOf(pageMaps);
    }

    static Stored of(Statefile statefile) {
      return new Stored(statefile.header(), statefile.schemas(), statefile.objects(), List.of(), statefile.pageMaps(),
          Optional.of(StoredLosses.of(statefile.losses())));
    }

    Statefile whole() {
      return new Statefile(header, schemas, objects, losses.map(StoredLosses::rows).orElse(rows), pageMaps);
    }
  }

  /// Version of the records in this package; a newer one is refused through the required features.
  private static final Schema<Stored> SCHEMA = Schema.of(MethodHandles.lookup(), Stored.class, "statefile", 2);

  /// Sorts what has an order, so that the same tree gives the same bytes.
  ///
  /// @throws IllegalArgumentException naming the object that is ambiguous or refers to nothing
  public Statefile {
    schemas = sorted(schemas, Comparator.comparing(SchemaDescriptor::name)
        .thenComparingInt(SchemaDescriptor::version));
    objects = sorted(objects, Comparator.comparing(StoredObject::id));
    losses = List.copyOf(losses);
    pageMaps = sorted(pageMaps, Comparator.comparing(PageMap::body));
    new StatefileChecks(schemas, objects, pageMaps).check();
  }

  private static <T> List<T> sorted(List<T> list, Comparator<T> order) {
    List<T> copy = new ArrayList<>(list);
    copy.sort(order);
    return List.copyOf(copy);
  }

  /// @param metadata the metadata section @param pageSectionBytes length of the page section beside it
  public static Statefile decode(Bytes metadata, long pageSectionBytes, Limits limits) throws DecodeException {
    Statefile statefile = whole(SCHEMA.decode(metadata, limits), metadata.length());
    long needed = statefile.pageSectionBytes();
    if (needed > pageSectionBytes) {
      throw new DecodeException(SCHEMA.descriptor().title(), "pageMaps", metadata.length(),
          "page runs reach to byte " + needed + " of a page section of " + pageSectionBytes);
    }
    return statefile;
  }

  private static Statefile whole(Stored stored, int lengthBytes) throws DecodeException {
    try {
      return stored.whole();
    } catch (IllegalArgumentException e) {
      throw new DecodeException(SCHEMA.descriptor().title(), "", lengthBytes, "Statefile refuses it: " + e.getMessage());
    }
  }

  /// What the metadata section itself looks like; compared with its golden.
  static SchemaDescriptor descriptor() {
    return SCHEMA.descriptor();
  }

  public Bytes encode() {
    return SCHEMA.encode(Stored.of(this));
  }

  public Optional<StoredObject> object(ObjectId id) {
    int low = 0;
    int high = objects.size() - 1;
    while (low <= high) {
      int middle = (low + high) >>> 1;
      int order = objects.get(middle).id().compareTo(id);
      if (order == 0) {
        return Optional.of(objects.get(middle));
      } else if (order < 0) {
        low = middle + 1;
      } else {
        high = middle - 1;
      }
    }
    return Optional.empty();
  }

  /// Objects with this schema name, of any version, by ascending id.
  public List<StoredObject> objects(String schemaName) {
    return objects.stream().filter(object -> object.schemaName().equals(schemaName)).toList();
  }

  public Optional<PageMap> pageMap(ObjectId body) {
    return pageMaps.stream().filter(map -> map.body().equals(body)).findFirst();
  }

  public SchemaDescriptor schema(StoredObject object) {
    return schemas.stream()
        .filter(schema -> schema.name().equals(object.schemaName()) && schema.version() == object.schemaVersion())
        .findFirst().orElseThrow(() -> new AssertionError(object.id() + " has a schema the checks did not see"));
  }

  /// @return how long the page section is: the end of the last run in it, padding included
  public long pageSectionBytes() {
    long end = 0;
    for (PageMap map : pageMaps) {
      PageRuns.Cursor cursor = map.runs().cursor();
      while (cursor.hasNext()) {
        end = Math.max(end, cursor.next().sectionEnd());
      }
    }
    return end;
  }

  /// Everything but page contents, for people.
  public String show() throws DecodeException {
    StringBuilder out = new StringBuilder(SCHEMA.descriptor().show(encode()));
    for (StoredObject object : objects) {
      out.append(object.id()).append(' ').append(schema(object).show(object.state()));
    }
    return out.toString();
  }
}
