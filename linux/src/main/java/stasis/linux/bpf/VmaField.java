package stasis.linux.bpf;

import java.util.List;

/// What is read of each vma, from its vm_area_struct (include/linux/mm_types.h).
enum VmaField implements KernelField {
  START("vm_start"),
  END("vm_end"),
  FLAGS("vm_flags"),
  /// Absent from kernels without CONFIG_NUMA, as the next.
  POLICY("vm_policy"),
  /// Of files that keep policies themselves, as shared memory does.
  GET_POLICY("vm_ops->get_policy");

  private final String expression;

  VmaField(String expression) {
    this.expression = expression;
  }

  @Override
  public boolean required() {
    return this != POLICY && this != GET_POLICY;
  }

  @Override
  public List<String> expressions() {
    return List.of(expression);
  }
}
