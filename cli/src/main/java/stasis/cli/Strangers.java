package stasis.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import stasis.engine.Acceptance;
import stasis.engine.FilePolicy;
import stasis.image.DecodeException;
import stasis.image.Fields;
import stasis.image.Statefile;
import stasis.image.StoredObject;
import stasis.image.Value;
import stasis.resource.Obstacle;

/// Images that root restores and that belong to somebody else. Root's restore opens every file, binds every port and joins
/// every cgroup that an image names, whoever runs afterwards, so such a user could have root hand over what is not the
/// user's. They are refused, unless root says otherwise: restored as that user, the kernel decides about each of these.
/// What would be given beyond the owner's own credentials is told besides. Whom a policy accepts is no stranger.
///
/// @param uid of the image's owner @param gid of its group @param putsBack whether files of the host may be replaced
record Strangers(long uid, long gid, boolean putsBack) implements Acceptance {
  private static final String REMEDY =
      "look at it with `inspect IMAGE show`; if you trust its owner, say --allow-credentials";

  /// @param files what the owner of an image could change: its folder and what is in it
  /// @param policy what may be done to files of the host
  static Acceptance of(List<Path> files, Guard guard, FilePolicy policy) {
    if (guard.policy().isPresent() || guard.allowCredentials() || owner(Path.of("/proc/self"), "unix:uid") != 0) {
      return Acceptance.ALL; // others cannot give what they have not: the kernel says no, and the plan before it
    }
    Optional<Path> strange = files.stream().filter(Files::exists).filter(file -> owner(file, "unix:uid") != 0)
        .findFirst();
    return strange.<Acceptance>map(file -> new Strangers(owner(file, "unix:uid"), owner(file, "unix:gid"),
            policy != FilePolicy.REFUSE))
        .orElse(Acceptance.ALL);
  }

  private static long owner(Path file, String what) {
    try {
      return ((Number) Files.getAttribute(file, what)).longValue();
    } catch (IOException _) {
      return Long.MAX_VALUE; // what cannot be looked at belongs to nobody
    }
  }

  @Override
  public List<Obstacle> obstacles(Statefile statefile) throws DecodeException {
    List<Obstacle> obstacles = new ArrayList<>();
    obstacles.add(new Obstacle.Unsupported("the image", "it belongs to user " + uid + ", and a restore by root would open"
        + " for its program whatever files and sockets it names, also those that this user may not open",
        "restore it as user " + uid + "; if you trust whoever could write it, say --allow-credentials"));
    for (StoredObject object : statefile.objects("task.credentials")) {
      Fields credentials = Fields.of(statefile, object);
      Set<String> more = new LinkedHashSet<>();
      above(credentials, "uid", uid).forEach(id -> more.add("user " + id));
      above(credentials, "gid", gid).forEach(id -> more.add("group " + id));
      groups(credentials).stream().filter(group -> group != gid).forEach(group -> more.add("group " + group));
      if (sets(credentials).stream().anyMatch(set -> set != 0)) {
        more.add("capabilities");
      }
      if (!more.isEmpty()) {
        obstacles.add(new Obstacle.Unsupported("credentials of task "
            + object.owner().map(owner -> "" + owner.value()).orElse("?"), "the image belongs to user " + uid
            + ", who does not have: " + String.join(", ", more), REMEDY));
      }
    }
    obstacles.addAll(logins(statefile));
    List<StoredObject> embedded = statefile.objects("core.embedded");
    if (putsBack && !embedded.isEmpty()) {
      obstacles.add(new Obstacle.Unsupported("embedded files", "the image belongs to user " + uid + ", and "
          + Units.count(embedded.size(), "file") + " of its choice would be put on this host by root", REMEDY
          + ", or restore with --files=refuse"));
    }
    return obstacles;
  }

  /// Whom the audit trail would name for what the program does.
  private List<Obstacle> logins(Statefile statefile) throws DecodeException {
    List<Obstacle> obstacles = new ArrayList<>();
    for (StoredObject object : statefile.objects("group.loginuid")) {
      String login = Fields.of(statefile, object).text("loginUid");
      if (!login.equals(Long.toString(uid)) && !login.equals(ownLogin())) {
        obstacles.add(new Obstacle.Unsupported("login uid of task "
            + object.owner().map(owner -> "" + owner.value()).orElse("?"), "the image belongs to user " + uid
            + ", and would have the audit trail name user " + login, REMEDY));
      }
    }
    return obstacles;
  }

  /// Ours, which a restored program has anyway; empty on a kernel without audit.
  private static String ownLogin() {
    try {
      return Files.readString(Path.of("/proc/self/loginuid")).strip();
    } catch (IOException _) {
      return "";
    }
  }

  private static List<Long> above(Fields credentials, String what, long own) {
    Fields ids = credentials.record(what).orElseThrow();
    return List.of("real", "effective", "saved", "fileSystem").stream().map(ids::number).filter(id -> id != own)
        .distinct().toList();
  }

  private static List<Long> sets(Fields credentials) {
    Fields sets = credentials.record("capabilities").orElseThrow();
    return List.of("inheritable", "permitted", "effective", "ambient").stream().map(sets::number).toList();
  }

  private static List<Long> groups(Fields credentials) {
    return credentials.field("groups").map(value -> value instanceof Value.Sequence(List<Value> all)
        ? all.stream().map(one -> one instanceof Value.Whole(_, long number) ? number : -1L).toList()
        : List.<Long>of()).orElse(List.of());
  }
}
