import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import javax.xml.parsers.DocumentBuilderFactory;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

/// Reads the surefire reports below a checkout and prints what failed, what was skipped and why, and one closing line.
/// Run as source by `bin/check`: `TestReport.java CHECKOUT STATUS`, where STATUS is what the build itself ended with.
/// Failures that are not tests (a module that does not compile) count as one, so the closing line never looks green
/// when
/// the build was not. Exit status 0 only if nothing failed and at least one test passed.
final class TestReport {
  private int passed;
  private final List<String> failures = new ArrayList<>();
  private final List<String> skips = new ArrayList<>();

  static void main(String[] args) throws Exception {
    TestReport report = new TestReport();
    for (Path file : reports(Path.of(args[0]))) {
      report.read(file);
    }
    int buildStatus = Integer.parseInt(args[1]);
    if (buildStatus != 0 && report.failures.isEmpty()) {
      report.failures.add("the build itself (status " + buildStatus + "), see the log above");
    }
    System.exit(report.print() ? 0 : 1);
  }

  private static List<Path> reports(Path root) throws IOException {
    List<Path> found = new ArrayList<>();
    try (Stream<Path> modules = Files.list(root)) {
      for (Path module : modules.sorted().toList()) {
        Path folder = module.resolve("target/surefire-reports");
        if (Files.isDirectory(folder)) {
          try (Stream<Path> files = Files.list(folder)) {
            files.filter(file -> file.getFileName().toString().matches("TEST-.*\\.xml")).sorted().forEach(found::add);
          }
        }
      }
    }
    return found;
  }

  private void read(Path file) throws Exception {
    NodeList cases = DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(file.toFile())
        .getElementsByTagName("testcase");
    for (int i = 0; i < cases.getLength(); i++) {
      Element testcase = (Element) cases.item(i);
      String name = testcase.getAttribute("classname") + "." + testcase.getAttribute("name");
      String failure = message(testcase, "failure") + message(testcase, "error");
      String skip = message(testcase, "skipped");
      String flaky = message(testcase, "flakyFailure") + message(testcase, "flakyError");
      if (!flaky.isEmpty()) {
        IO.println("FLAKY " + name + " passed when run again: " + flaky);
      }
      if (!failure.isEmpty()) {
        failures.add(name + ": " + failure);
      } else if (!skip.isEmpty()) {
        skips.add(name + ": " + skip.replaceFirst("^.*TestAbortedException: ", ""));
      } else {
        passed++;
      }
    }
  }

  /// First line of what a test said; empty if it has no such child.
  private static String message(Element testcase, String child) {
    NodeList children = testcase.getElementsByTagName(child);
    if (children.getLength() == 0) {
      return "";
    }
    Element element = (Element) children.item(0);
    String said = element.getAttribute("message").isBlank() ? element.getTextContent()
            : element.getAttribute("message");
    return said.strip().lines().findFirst().orElse("without a message");
  }

  private boolean print() {
    skips.sort(Comparator.naturalOrder());
    skips.forEach(skip -> IO.println("SKIPPED " + skip));
    failures.forEach(failure -> IO.println("FAILED " + failure));
    IO.println(passed + " passed, " + failures.size() + " failed, " + skips.size() + " skipped");
    return failures.isEmpty() && passed > 0;
  }
}
