package stasis.resource;

/// Facts about an mm that only the kernel's own memory shows.
///
/// @param mlockallFlags what mlockall(2) set for mappings to come: 0, MCL_FUTURE (2), MCL_FUTURE | MCL_ONFAULT (6)
/// @param hasLdt whether modify_ldt(2) was used @param protectionKeys bit n: key n is allocated (pkey_alloc(2))
public record HiddenMm(int mlockallFlags, boolean hasLdt, int protectionKeys) {
  public static final int MCL_FUTURE = 2;
  public static final int MCL_ONFAULT = 4;
}
