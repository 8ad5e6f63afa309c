/* The link: IP packets from and to the tester. */
#ifndef LINK_H
#define LINK_H

#include <stddef.h>
#include <stdint.h>

#include "lwip/ip_addr.h"

/* The MTU of the link, in octets. */
#define LINK_MTU 1500

/* Makes the link, with the address that lwIP has on it. */
void link_open(const ip_addr_t *address);

/* A packet arrives. */
void link_receive(const uint8_t *packet, size_t length);

/* Lets packets arrive that lwIP has sent to itself. */
void link_settle(void);

/* From here on lwIP's packets go nowhere, or to the tester again. */
void link_mute(int muted);

#endif
