/* The bearer token: fixed, or read from a file that somebody else keeps fresh (kubelet replaces a
 * service account's token about once an hour). */
#ifndef LIB_KUBE_TOKEN_H
#define LIB_KUBE_TOKEN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct kube_config;

struct token {
	const char *fixed; /* borrowed */
	const char *file;  /* borrowed */
	char *text;	   /* what the file said last */
	int64_t read_us;
	int64_t mtime_ns;
	ino_t inode;
};

void token_init(struct token *t, const struct kube_config *config);
void token_free(struct token *t);

/* The token to use now, valid until the next call; NULL if there is none. The file is read again
 * when it changed and at least every minute; when that fails, the last token stays. */
const char *token_get(struct token *t, int64_t now_us);

/* The server refused the token: reads the file at once. True if it says something else now. */
bool token_refused(struct token *t, int64_t now_us);

#endif
