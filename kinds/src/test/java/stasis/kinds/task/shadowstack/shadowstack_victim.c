// A program that has a shadow stack is refused; one that cannot have one comes back.
#include "victim.h"

int main(void) {
  victim_start();
  ready("as-started");
  pass();
}
