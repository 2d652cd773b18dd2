/* The version of everything that is built here, stamped by the Makefile. */
#ifndef LIB_BASE_VERSION_H
#define LIB_BASE_VERSION_H

#ifndef APIM_VERSION
#define APIM_VERSION "0.1.0"
#endif

#endif
