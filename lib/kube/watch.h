/* Behind kube_watch_*: what only tests may touch. */
#ifndef LIB_KUBE_WATCH_H
#define LIB_KUBE_WATCH_H

struct feed_tuning;
struct kube_watch;

/* tuning is borrowed. To be called before the first kube_watch_run. */
void watch_tune(struct kube_watch *w, const struct feed_tuning *tuning);

#endif
