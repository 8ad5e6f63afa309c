#include "link.h"

#include <stdlib.h>

#include "clock.h"
#include "isn.h"
#include "lines.h"
#include "lwip/ip.h"
#include "lwip/netif.h"
#include "lwip/pbuf.h"
#include "lwip/tcpip.h"

static struct netif wire;
static int is_muted;

/* What lwIP sends to an address of its own, or to 127.0.0.1, it puts by and has its thread take it in again. There is no
 * such thread here: the work waits in this queue until lwIP has returned. */
#define MOST_LATER 64
static struct {
    tcpip_callback_fn call;
    void *argument;
} later[MOST_LATER];
static int later_begin, later_count;

/* Defined in place of the library's. */
err_t tcpip_try_callback(tcpip_callback_fn call, void *argument)
{
    if (later_count == MOST_LATER)
        return ERR_MEM;
    int at = (later_begin + later_count++) % MOST_LATER;
    later[at].call = call;
    later[at].argument = argument;
    return ERR_OK;
}

void link_settle(void)
{
    /* Two ends of lwIP's own could go on for ever; then the rest waits for the next turn. */
    for (int rounds = 0; later_count > 0 && rounds < 1000; rounds++) {
        int at = later_begin;
        later_begin = (later_begin + 1) % MOST_LATER;
        later_count--;
        later[at].call(later[at].argument);
    }
}

void link_mute(int muted)
{
    is_muted = muted;
}

static err_t send_packet(struct pbuf *packet)
{
    static uint8_t octets[0x10000];
    if (is_muted)
        return ERR_OK;
    u16_t length = pbuf_copy_partial(packet, octets, packet->tot_len, 0);
    say_octets("frame ", octets, length);
    return ERR_OK;
}

static err_t send_ipv4(struct netif *netif, struct pbuf *packet, const ip4_addr_t *next)
{
    (void)netif, (void)next;
    return send_packet(packet);
}

static err_t send_ipv6(struct netif *netif, struct pbuf *packet, const ip6_addr_t *next)
{
    (void)netif, (void)next;
    return send_packet(packet);
}

static err_t set_up(struct netif *netif)
{
    netif->name[0] = 't';
    netif->name[1] = 'v';
    netif->output = send_ipv4;
    netif->output_ip6 = send_ipv6;
    netif->mtu = LINK_MTU;
    netif->mtu6 = LINK_MTU;
    netif->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_LINK_UP;
    return ERR_OK;
}

void link_open(const ip_addr_t *address)
{
    is_muted = 0;
    netif_add_noaddr(&wire, NULL, set_up, ip_input);
    if (IP_IS_V4(address)) {
        ip4_addr_t mask;
        IP4_ADDR(&mask, 255, 255, 255, 0);
        netif_set_addr(&wire, ip_2_ip4(address), &mask, ip_2_ip4(address));
    } else {
        /* Nobody else can have it: no need to ask. */
        netif_ip6_addr_set(&wire, 0, ip_2_ip6(address));
        netif_ip6_addr_set_state(&wire, 0, IP6_ADDR_PREFERRED);
    }
    netif_set_default(&wire);
    netif_set_up(&wire);
    /* There is no router to be solicited. */
    wire.rs_count = 0;
}

/* Whether lwIP may keep a packet for its timers to throw away: a fragment. */
static int is_fragment(const uint8_t *packet, size_t length)
{
    if (length >= 20 && packet[0] >> 4 == 4)
        return (packet[6] & 0x3f) != 0 || packet[7] != 0;
    /* A fragment header (RFC 8200 section 4.5) further down would be missed; nothing is lost by it but a late
     * ICMPv6 message. */
    return length >= 40 && packet[0] >> 4 == 6 && packet[6] == 44;
}

void link_receive(const uint8_t *packet, size_t length)
{
    /* lwIP counts packets in 16 bits; no link carries a longer one. */
    if (length == 0 || length > 0xffff)
        return;
    struct pbuf *copy = need(pbuf_alloc(PBUF_RAW, (u16_t)length, PBUF_RAM));
    pbuf_take(copy, packet, (u16_t)length);
    if (is_fragment(packet, length))
        clock_watch_ip();
    isn_before(TESTER);
    if (wire.input(copy, &wire) != ERR_OK)
        pbuf_free(copy);
    isn_after();
}
