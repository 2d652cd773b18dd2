/* The nats-server that tests/integration/with-nats.sh runs for us: kill it, wipe it, bring it back.
 */
#ifndef TESTS_SUPPORT_NATS_H
#define TESTS_SUPPORT_NATS_H

const char *nats_url(void);

void nats_kill(void);	 /* SIGKILL; stays dead until nats_start */
void nats_wipe(void);	 /* of a dead server: deletes all it has stored */
void nats_start(void);	 /* returns when it accepts connections */
void nats_restart(void); /* kill and start */
void nats_stop(void);	 /* SIGSTOP: it hangs */
void nats_continue(void);

#endif
