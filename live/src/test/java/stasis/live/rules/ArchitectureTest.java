package stasis.live.rules;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.fields;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.AccessTarget.MethodCallTarget;
import com.tngtech.archunit.core.domain.JavaAccess;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.lang.foreign.Arena;
import java.time.Instant;
import java.util.Set;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/// Rules of the house that the module system cannot enforce; the arrows between modules are its own business.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class ArchitectureTest {
  private static final String[] BELOW_THE_APPS = {"stasis.linux..", "stasis.procfs..", "stasis.image..",
      "stasis.repository..", "stasis.tracee..", "stasis.resource..", "stasis.kinds..", "stasis.engine.."};
  private static final String[] WITHOUT_CLOCK = {"stasis.procfs..", "stasis.image..", "stasis.repository..",
      "stasis.resource..", "stasis.kinds..", "stasis.engine.."};
  /// They are by chance, or worth nothing.
  private static final String KEYS_AND_NONCES = "stasis.repository.Crypto";

  private JavaClasses house = new ClassFileImporter().importClasses();

  @BeforeAll
  void readTheHouse() {
    house = new ClassFileImporter().withImportOption(new ImportOption.DoNotIncludeTests()).importPackages("stasis");
  }

  @Test
  void kindsDoNotKnowEachOther() {
    slices().matching("stasis.kinds.(*).(*)..").should().notDependOnEachOther().check(house);
  }

  @Test
  void packagesOfTheEngineSideHaveNoCycles() {
    slices().matching("stasis.(*)..").should().beFreeOfCycles().check(house);
  }

  @Test
  void nothingStaticCanBeAssigned() {
    fields().that().areStatic().should().beFinal().check(house);
  }

  @Test
  void belowTheAppsNobodyAsksForTheTimeOfDayChanceOrTheEnvironment() {
    noClasses().that().resideInAnyPackage(BELOW_THE_APPS).and().doNotHaveFullyQualifiedName(KEYS_AND_NONCES)
        .should().callMethod(System.class, "currentTimeMillis")
        .orShould().callMethod(System.class, "getenv", String.class)
        .orShould().callMethod(System.class, "getenv")
        .orShould().callMethod(Math.class, "random")
        .orShould().callMethod(Instant.class, "now")
        .orShould().dependOnClassesThat().haveNameMatching(
            "java\\.util\\.(Date|Random|Calendar)|java\\.security\\.SecureRandom|java\\.time\\.Clock")
        .check(house);
  }

  /// What the JVM says is of its own start, and an engine may have been started from an image of itself.
  @Test
  void belowTheAppsNobodyAsksTheJvmForItsPid() {
    noClasses().that().resideInAnyPackage(BELOW_THE_APPS).should().callMethod(ProcessHandle.class, "current")
        .check(house);
  }

  @Test
  void durationsAreMeasuredByAClockThatIsPassedIn() {
    noClasses().that().resideInAnyPackage(WITHOUT_CLOCK).should().callMethod(System.class, "nanoTime").check(house);
  }

  @Test
  void memoryIsConfinedToTheCallThatNeedsIt() {
    noClasses().that().resideOutsideOfPackage("stasis.linux..")
        .should().callMethod(Arena.class, "ofAuto").orShould().callMethod(Arena.class, "global").check(house);
    noClasses().should().callMethod(Arena.class, "ofAuto").check(house);
  }

  @Test
  void onlyTheCommandLinePrintsAndExits() {
    noClasses().that().resideInAnyPackage(BELOW_THE_APPS)
        .should().accessField(System.class, "out").orShould().accessField(System.class, "err")
        .orShould().dependOnClassesThat().haveFullyQualifiedName("java.lang.IO")
        .orShould().callMethod(System.class, "exit", int.class).check(house);
  }

  @Test
  void nobodyWhoTracesStartsAProcessTheJdkWouldReap() {
    noClasses().that().resideInAnyPackage(BELOW_THE_APPS)
        .should().dependOnClassesThat().areAssignableTo(ProcessBuilder.class)
        .orShould().callMethod(Runtime.class, "exec", String[].class).check(house);
  }

  /// But the gate that tests put between an engine and the kernel: it must hold for the threads an engine starts.
  @Test
  void nothingHangsOnAThread() {
    noClasses().that().haveNameNotMatching("stasis\\.linux\\.sys\\.Syscalls(\\$1)?").should()
        .dependOnClassesThat().areAssignableTo(ThreadLocal.class).check(house);
  }

  @Test
  void nativeCallsAreMadeInOneRoom() {
    Set<String> makers = Set.of("downcallHandle", "upcallStub");
    noClasses().that().resideOutsideOfPackage("stasis.linux.sys..").should().accessTargetWhere(
        new DescribedPredicate<JavaAccess<?>>("a downcall or upcall is made") {
          @Override
          public boolean test(JavaAccess<?> access) {
            return access.getTarget() instanceof MethodCallTarget target
                && target.getOwner().getFullName().equals("java.lang.foreign.Linker")
                && makers.contains(target.getName());
          }
        }).check(house);
  }
}
