package stasis.cli;

import java.lang.module.ModuleDescriptor;

/// What was built.
final class Build {
  private Build() {}

  /// Of this build; written into images, too.
  static String version() {
    // Without a descriptor where tests run on the class path.
    ModuleDescriptor descriptor = Build.class.getModule().getDescriptor();
    return descriptor == null ? "unversioned" : descriptor.rawVersion().orElse("unversioned");
  }
}
