/* The watcher as a program: API server watches in, wakes out. */
#ifndef WATCHER_WATCH_H
#define WATCHER_WATCH_H

int watcher_main(int argc, char **argv);

#endif
