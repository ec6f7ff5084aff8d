// An ordinary program: what of this there is begins anew, and nothing fails for it.
#include "victim.h"

int main(void) {
  victim_start();
  ready("running");
  pass();
}
