// Ends, or becomes another program, a given time after its label: in the middle of its checkpoint.
#include "victim.h"

int main(int count, char **arguments) {
  victim_start();
  ready_begin("set");
  while (!ready_done("set")) usleep(1000);
  usleep(count > 2 ? (unsigned)atoi(arguments[2]) : 1000);
  if (count > 1 && strcmp(arguments[1], "exec") == 0) execl("/bin/sleep", "sleep", "60", (char *)NULL);
  pass();
}
