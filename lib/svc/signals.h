/* SIGTERM and SIGINT as a question that the loop asks. */
#ifndef LIB_SVC_SIGNALS_H
#define LIB_SVC_SIGNALS_H

#include <stdbool.h>

void signals_setup(void); /* also ignores SIGPIPE */
bool signals_stop_requested(void);
void signals_pause(int ms); /* ends early on a signal */

#endif
