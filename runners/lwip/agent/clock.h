/* Virtual time: lwIP knows no other than this. */
#ifndef CLOCK_H
#define CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/* Begins at 0. */
void clock_begin(void);

/* Goes on to a moment, in microseconds since the beginning, and runs every timer that falls due on the way. Time that
 * has gone by already stays. */
void clock_advance(uint64_t to);

/* When lwIP next does something by itself, in microseconds; false if it never will. */
bool clock_next(uint64_t *at);

/* Says that something waits for the timers of IP, which run unseen otherwise. */
void clock_watch_ip(void);

#endif
