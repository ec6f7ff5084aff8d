// An ordinary program: what of this there is is told, and nothing fails for it.
#include "victim.h"

int main(void) {
  victim_start();
  ready("running");
  pass();
}
