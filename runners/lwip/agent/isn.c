/* lwIP's numbers are a sum, private to it, to which each connection adds the ticks of TCP's clock before it takes it. The
 * function that does so is not private, nor are the ticks, so that the sum can be read and moved. */
#include "isn.h"

#include <stdbool.h>

#include "lwip/priv/tcp_priv.h"

static bool first_wanted;
static uint32_t first;

/* Adds to the sum; what it is then. */
static uint32_t add(uint32_t amount)
{
    /* It only wants to be shown a PCB. */
    static struct tcp_pcb nobody;
    uint32_t ticks = tcp_ticks;
    tcp_ticks = amount;
    uint32_t sum = tcp_next_iss(&nobody);
    tcp_ticks = ticks;
    return sum;
}

void isn_place(uint32_t isn, enum opener opener)
{
    add(isn + opener - tcp_ticks - add(0));
}

void isn_place_first(uint32_t isn)
{
    first_wanted = true;
    first = isn;
}

void isn_before(enum opener opener)
{
    if (first_wanted)
        isn_place(first, opener);
}

void isn_after(void)
{
    for (struct tcp_pcb *pcb = tcp_active_pcbs; first_wanted && pcb != NULL; pcb = pcb->next) {
        bool opening = pcb->state == SYN_SENT || pcb->state == SYN_RCVD;
        /* Its SYN is queued, and nothing else yet. */
        if (opening && pcb->snd_lbb == first + 1)
            first_wanted = false;
    }
}
