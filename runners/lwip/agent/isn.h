/* Initial sequence numbers, placed where a tester wants them. */
#ifndef ISN_H
#define ISN_H

#include <stdint.h>

/* Who opens a connection: tcp_connect() takes a number and gives its SYN the one before it. */
enum opener { TESTER = 0, TARGET = 1 };

/* Sees to it that the next connection begins with this number, if it is opened before the clock goes on. */
void isn_place(uint32_t isn, enum opener opener);

/* The same for the first connection of this run, whenever and by whomever it is opened. */
void isn_place_first(uint32_t isn);

/* To be called before and after whatever may open a connection. */
void isn_before(enum opener opener);
void isn_after(void);

#endif
