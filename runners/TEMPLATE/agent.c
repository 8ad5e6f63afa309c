/* An agent to start from: the protocol of runners/PROTOCOL.md in lockstep, around a stack.
 *
 * The stack that stands here is the smallest there is: nobody listens, so every segment is answered by a RST, as RFC 9293
 * asks in section 3.10.7.1. Put yours in its place: the four functions stack_... are all that knows it. The rest, which
 * reads lines and says lines, can stay. Make one call work at a time, and add its word to CAN when it does. */
#include <arpa/inet.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* What the stack can do. Later: "ipv6 listen connect accept send recv shutdown close abort state set:nodelay ..." */
#define CAN "ipv4"
#define NEVER UINT64_MAX

/* The tester's clock, in microseconds since `new`. A stack in lockstep looks at no other. */
static uint64_t now;

/* Have your stack call this for each IP packet that it sends. */
static void say_frame(const uint8_t *packet, size_t length)
{
    printf("frame ");
    for (size_t i = 0; i < length; i++)
        printf("%02x", packet[i]);
    printf("\n");
}

/* ---- The stack: yours goes here. ---- */

static struct in_addr address;

static uint16_t get16(const uint8_t *at) { return at[0] << 8 | at[1]; }
static uint32_t get32(const uint8_t *at) { return (uint32_t)get16(at) << 16 | get16(at + 2); }
static void put16(uint8_t *at, uint16_t value) { at[0] = value >> 8, at[1] = value; }
static void put32(uint8_t *at, uint32_t value) { put16(at, value >> 16), put16(at + 2, value); }

/* The Internet checksum (RFC 1071), on top of a sum: 0 where all of it, the checksum included, is right. */
static uint16_t checksum(const uint8_t *octets, size_t length, uint32_t sum)
{
    for (size_t i = 0; i < length; i++)
        sum += octets[i] << (i % 2 ? 0 : 8);
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return ~sum;
}

/* TCP's checksum also covers the addresses, the protocol and the length (RFC 9293 section 3.1). */
static uint16_t tcp_checksum(const uint8_t *ip, const uint8_t *tcp, size_t length)
{
    return checksum(tcp, length, IPPROTO_TCP + length + (uint16_t)~checksum(ip + 12, 8, 0));
}

/* Forgets everything: another world begins. All that is to look random, such as ISNs, comes from the seed. */
static void stack_begin(const char *own_address, uint64_t seed)
{
    (void)seed;
    inet_pton(AF_INET, own_address, &address);
}

/* A packet arrives. It may be anything: look at lengths first. */
static void stack_receive(const uint8_t *packet, size_t length)
{
    enum { FIN = 1, SYN = 2, RST = 4, ACK = 16 };
    if (length < 20 || packet[0] >> 4 != 4 || packet[9] != IPPROTO_TCP || memcmp(packet + 16, &address, 4) != 0)
        return;
    size_t header = packet[0] % 16 * 4, total = get16(packet + 2);
    if (header < 20 || total < header + 20 || total > length || checksum(packet, header, 0) != 0)
        return;
    const uint8_t *tcp = packet + header;
    size_t size = total - header, offset = tcp[12] / 16 * 4, flags = tcp[13];
    if (offset < 20 || offset > size || tcp_checksum(packet, tcp, size) != 0 || flags & RST)
        return;
    uint8_t reset[40] = {0x45, 0, 0, 40, 0, 0, 0x40, 0, 64, IPPROTO_TCP}, *answer = reset + 20;
    memcpy(reset + 12, packet + 16, 4);
    memcpy(reset + 16, packet + 12, 4);
    put16(reset + 10, checksum(reset, 20, 0));
    memcpy(answer, tcp + 2, 2);
    memcpy(answer + 2, tcp, 2);
    if (flags & ACK)
        put32(answer + 4, get32(tcp + 8)); /* SEQ=SEG.ACK; else SEQ=0, ACK=SEG.SEQ+SEG.LEN */
    else
        put32(answer + 8, get32(tcp + 4) + size - offset + !!(flags & SYN) + !!(flags & FIN));
    answer[12] = 5 << 4;
    answer[13] = flags & ACK ? RST : RST | ACK;
    put16(answer + 16, tcp_checksum(reset, answer, 20));
    say_frame(reset, sizeof reset);
}

/* The application calls: `call` is such as `listen s1 192.0.2.1:8 backlog=1`. One that ends at once is answered here, by
 * `result ID ok`; one that has to wait is answered in the turn in which it ends, be it that of a frame. None may block.
 * False: there is no such call. */
static bool stack_call(unsigned long long id, const char *call)
{
    (void)id, (void)call;
    return false;
}

/* Does all that is due by `now`, and gives the time at which the stack wants to be woken, or NEVER. */
static uint64_t stack_run(void)
{
    return NEVER;
}

/* ---- Lines: this can stay. ---- */

static int digit(char c) { return c <= '9' ? c - '0' : c - 'a' + 10; }

/* Hexadecimal, decoded where it stands; `-` is nothing. */
static size_t octets_of(char *text)
{
    size_t length = 0;
    for (; text[2 * length] > '-'; length++)
        text[length] = digit(text[2 * length]) << 4 | digit(text[2 * length + 1]);
    return length;
}

static void obey(char *line)
{
    unsigned long long at, number;
    char own_address[64], more;
    int rest = 0, words = sscanf(line, "at %llu %c", &at, &more);
    if (words >= 1)
        now = at;
    if (strcmp(line, "tcpvet 1 lockstep") == 0)
        printf("agent my-stack-0.1 can " CAN "\n");
    else if (sscanf(line, "at %*u new %63s seed=%llu", own_address, &number) == 2)
        stack_begin(own_address, number);
    else if (sscanf(line, "at %*u frame %n", &rest) == 0 && rest > 0)
        stack_receive((uint8_t *)line + rest, octets_of(line + rest));
    else if (sscanf(line, "at %*u call %llu %n", &number, &rest) == 1 && rest > 0) {
        if (!stack_call(number, line + rest))
            printf("result %llu unsupported\n", number);
    } else if (sscanf(line, "at %*u sync %llu", &number) == 1)
        printf("synced %llu\n", number);
    else if (words != 1) /* else it was `at TIME` alone: that time has come */
        printf("unknown %s\n", line);
}

int main(void)
{
    char *line = NULL;
    size_t room = 0;
    while (getline(&line, &room, stdin) > 0) {
        line[strcspn(line, "\n")] = '\0';
        obey(line);
        uint64_t timer = stack_run();
        timer == NEVER ? printf("idle -\n") : printf("idle %llu\n", (unsigned long long)timer);
        fflush(stdout); /* the tester waits for this line */
    }
}
