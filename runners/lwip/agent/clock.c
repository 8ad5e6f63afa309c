/* lwIP asks for the time by sys_now(), which its port supplies, and lets a port have timers of its own
 * (LWIP_TIMERS_CUSTOM in opt.h). Both are functions that a program may define in place of the library's, and this
 * program does: sys_now() tells virtual time, tcp_timer_needed() starts a timer on it.
 *
 * What the timers do is lwIP's: TCP's runs each 250 ms for as long as there is a connection, those of IP, ND and so on
 * run for ever at the intervals of lwip_cyclic_timers. They are run when they are due, each at its own moment. */
#include "clock.h"

#include "lwip/priv/tcp_priv.h"
#include "lwip/sys.h"
#include "lwip/timeouts.h"

#define NEVER UINT64_MAX
#define MILLISECOND 1000u

static uint64_t now;

/* When TCP's timer is due. */
static uint64_t tcp_due;

/* When the others are, and whether anybody could see it. The table's first is TCP's. */
#define MOST_TIMERS 16
static uint64_t due[MOST_TIMERS];
static bool ip_watched;

u32_t sys_now(void)
{
    return (u32_t)(now / MILLISECOND);
}

u32_t sys_jiffies(void)
{
    return sys_now();
}

/* lwIP says that there is a connection now. */
void tcp_timer_needed(void)
{
    if (tcp_due == NEVER)
        tcp_due = now + TCP_TMR_INTERVAL * MILLISECOND;
}

static int timers(void)
{
    return lwip_num_cyclic_timers < MOST_TIMERS ? lwip_num_cyclic_timers : MOST_TIMERS;
}

void clock_begin(void)
{
    now = 0;
    tcp_due = NEVER;
    /* A round trip that began at tick 0 is none to lwIP (rttest in tcp_in.c). */
    tcp_ticks = 1;
    ip_watched = false;
    for (int timer = 1; timer < timers(); timer++)
        due[timer] = lwip_cyclic_timers[timer].interval_ms * (uint64_t)MILLISECOND;
}

static void run_tcp(void)
{
    tcp_tmr();
    bool needed = tcp_active_pcbs != NULL || tcp_tw_pcbs != NULL;
    tcp_due = needed ? now + TCP_TMR_INTERVAL * MILLISECOND : NEVER;
}

static int first_of_the_others(void)
{
    int first = 1;
    for (int timer = 2; timer < timers(); timer++) {
        if (due[timer] < due[first])
            first = timer;
    }
    return first;
}

void clock_advance(uint64_t to)
{
    for (;;) {
        int other = first_of_the_others();
        uint64_t next = tcp_due < due[other] ? tcp_due : due[other];
        if (next > to)
            break;
        now = next;
        if (tcp_due <= due[other]) {
            run_tcp();
        } else {
            lwip_cyclic_timers[other].handler();
            due[other] += lwip_cyclic_timers[other].interval_ms * (uint64_t)MILLISECOND;
        }
    }
    if (to > now)
        now = to;
}

void clock_watch_ip(void)
{
    ip_watched = true;
}

bool clock_next(uint64_t *at)
{
    *at = tcp_due;
    if (ip_watched && due[first_of_the_others()] < *at)
        *at = due[first_of_the_others()];
    return *at != NEVER;
}
