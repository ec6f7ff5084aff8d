package stasis.linux.bpf;

import java.util.List;

/// What is read of each vma, from its vm_area_struct (include/linux/mm_types.h).
enum VmaField implements KernelField {
  START("vm_start"),
  END("vm_end"),
  FLAGS("vm_flags");

  private final String expression;

  VmaField(String expression) {
    this.expression = expression;
  }

  @Override
  public List<String> expressions() {
    return List.of(expression);
  }
}
