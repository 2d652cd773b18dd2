/* Calls that are too easy to get wrong do not compile in this project. */
#ifndef LIB_BASE_BANNED_H
#define LIB_BASE_BANNED_H

/* Their headers must come first, or poisoning would break the declarations themselves. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#pragma GCC poison strcpy strcat sprintf vsprintf strtok strncpy gets atoi atol
#pragma GCC poison localtime gmtime ctime

#endif
