/* watcher: sees every change in the cluster and tells the other services what to look at again. */
#include "watcher/watch.h"

int main(int argc, char **argv)
{
	return watcher_main(argc, argv);
}
