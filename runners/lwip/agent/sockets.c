/* What an application does with lwIP's raw API. What is lwIP's and what is this application's:
 *
 * - lwIP hands connections, octets and errors to callbacks; here they are kept until somebody asks. Octets count as
 *   received by the application (tcp_recved, which opens the window) only when a `recv` has taken them.
 * - This build of lwIP has no backlog (TCP_LISTEN_BACKLOG is 0): every connection is handed over at once, and waits here.
 * - tcp_shutdown() refuses where there is no connection yet. A `shutdown`, RFC 9293's CLOSE, is then a tcp_close().
 * - SO_LINGER belongs to the application with this API: a close that must not linger is a tcp_abort(), which is what
 *   lwIP's socket layer makes of it.
 * - A PCB that has gone through TIME-WAIT is freed without a word, so that a pointer is trusted only if one of lwIP's
 *   lists still has it. */
#include "sockets.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "isn.h"
#include "lines.h"
#include "link.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/tcp.h"

enum ending { SHUTDOWN, CLOSE };

/* A call that waits. */
struct call {
    struct call *next;
    uint64_t id;
    /* Of a send: what, and how much of it lwIP has taken. Of a recv: what has come, and how much is wanted (0: any). */
    uint8_t *data;
    size_t length, done;
    /* Of an accept: the name that the connection gets. */
    uint32_t name;
    enum ending ending;
};

/* The options of a socket; those of a listener are for the connections that come to it. */
struct settings {
    bool nodelay, keep_alive, linger_zero;
    uint32_t idle, interval, count;
};

struct socket {
    struct socket *next;
    uint32_t name;
    bool listens;
    struct tcp_pcb *pcb;
    struct settings settings;
    /* Of a listener: the connections that wait, and the calls that ask for them. */
    struct socket *waiting;
    struct call *accepts;
    /* Of a connection: what came and has not been read, whether that is all, and what ended it, until told. */
    uint8_t *data;
    size_t length, room;
    bool finished;
    err_t error;
    bool connected;
    struct call *connect, *sends, *receives, *endings;
};

static struct socket *sockets;

/* --- answers --- */

static void answer(uint64_t id, const char *what)
{
    say("result %llu %s", (unsigned long long)id, what);
}

/* lwIP's own word for an error, with the neutral one in front. ERR_ABRT is what it says when it gave up (a timeout)
 * and for much else, ERR_CONN whenever there is no connection or one that does not send any more: where one word of
 * lwIP's stands for several of the RFC's, the neutral one is `error`. */
static const char *error_text(err_t error)
{
    switch (error) {
    case ERR_MEM: return "error no-resources ERR_MEM";
    case ERR_BUF: return "error no-resources ERR_BUF";
    case ERR_TIMEOUT: return "error timed-out ERR_TIMEOUT";
    case ERR_RTE: return "error unreachable ERR_RTE";
    case ERR_VAL: return "error invalid ERR_VAL";
    case ERR_ARG: return "error invalid ERR_ARG";
    case ERR_USE: return "error already-exists ERR_USE";
    case ERR_ALREADY: return "error already-exists ERR_ALREADY";
    case ERR_ISCONN: return "error already-exists ERR_ISCONN";
    case ERR_RST: return "error reset ERR_RST";
    case ERR_CLSD: return "error closing ERR_CLSD";
    case ERR_CONN: return "error error ERR_CONN";
    case ERR_ABRT: return "error error ERR_ABRT";
    default: return "error error";
    }
}

#define NO_CONNECTION "error does-not-exist no connection"
#define NO_SOCKET "error does-not-exist no such socket"

/* --- calls and sockets --- */

static struct call *new_call(uint64_t id)
{
    struct call *call = need(calloc(1, sizeof *call));
    call->id = id;
    return call;
}

static void append(struct call **queue, struct call *call)
{
    while (*queue != NULL)
        queue = &(*queue)->next;
    *queue = call;
}

/* Takes the first call off its queue and answers it. */
static void end_first(struct call **queue, const char *what)
{
    struct call *call = *queue;
    *queue = call->next;
    if (what != NULL)
        answer(call->id, what);
    free(call->data);
    free(call);
}

static void end_all(struct call **queue, const char *what)
{
    while (*queue != NULL)
        end_first(queue, what);
}

/* Ends all calls that wait on a connection; whether there was one. */
static bool end_waiting(struct socket *socket, const char *what)
{
    bool any = socket->connect || socket->sends || socket->receives || socket->endings;
    end_all(&socket->connect, what);
    end_all(&socket->sends, what);
    end_all(&socket->receives, what);
    end_all(&socket->endings, what);
    return any;
}

static struct socket *new_socket(uint32_t name, struct tcp_pcb *pcb)
{
    struct socket *socket = need(calloc(1, sizeof *socket));
    socket->name = name;
    socket->pcb = pcb;
    socket->error = ERR_OK;
    socket->settings = (struct settings){
        .idle = TCP_KEEPIDLE_DEFAULT, .interval = TCP_KEEPINTVL_DEFAULT, .count = TCP_KEEPCNT_DEFAULT};
    return socket;
}

static void keep_socket(struct socket *socket)
{
    struct socket **end = &sockets;
    while (*end != NULL)
        end = &(*end)->next;
    *end = socket;
}

static void drop_socket(struct socket *socket)
{
    for (struct socket **at = &sockets; *at != NULL; at = &(*at)->next) {
        if (*at == socket) {
            *at = socket->next;
            break;
        }
    }
    free(socket->data);
    free(socket);
}

static struct socket *find(uint32_t name)
{
    struct socket *socket = sockets;
    while (socket != NULL && socket->name != name)
        socket = socket->next;
    return socket;
}

static bool stands_in(const struct tcp_pcb *list, const struct socket *socket)
{
    while (list != NULL && (list != socket->pcb || list->callback_arg != socket))
        list = list->next;
    return list != NULL;
}

/* The PCB of a connection, if lwIP still has it. */
static struct tcp_pcb *pcb_of(struct socket *socket)
{
    if (socket->pcb != NULL && !stands_in(tcp_active_pcbs, socket) && !stands_in(tcp_tw_pcbs, socket))
        socket->pcb = NULL;
    return socket->pcb;
}

/* --- what lwIP calls --- */

static err_t on_connected(void *argument, struct tcp_pcb *pcb, err_t error)
{
    (void)pcb, (void)error;
    struct socket *socket = argument;
    socket->connected = true;
    return ERR_OK;
}

static err_t on_received(void *argument, struct tcp_pcb *pcb, struct pbuf *packet, err_t error)
{
    (void)pcb, (void)error;
    struct socket *socket = argument;
    if (packet == NULL) {
        socket->finished = true;
        return ERR_OK;
    }
    if (socket->length + packet->tot_len > socket->room) {
        socket->room = 2 * (socket->length + packet->tot_len);
        socket->data = need(realloc(socket->data, socket->room));
    }
    pbuf_copy_partial(packet, socket->data + socket->length, packet->tot_len, 0);
    socket->length += packet->tot_len;
    pbuf_free(packet);
    return ERR_OK;
}

/* lwIP has given the connection up, and has freed the PCB. */
static void on_error(void *argument, err_t error)
{
    struct socket *socket = argument;
    socket->pcb = NULL;
    /* ERR_CLSD: both ends have closed, and that is no error. */
    if (error != ERR_CLSD)
        socket->error = error;
}

static void apply_settings(const struct socket *socket)
{
    struct tcp_pcb *pcb = socket->pcb;
    if (socket->settings.nodelay)
        tcp_nagle_disable(pcb);
    else
        tcp_nagle_enable(pcb);
    if (socket->settings.keep_alive)
        ip_set_option(pcb, SOF_KEEPALIVE);
    else
        ip_reset_option(pcb, SOF_KEEPALIVE);
    pcb->keep_idle = socket->settings.idle;
    pcb->keep_intvl = socket->settings.interval;
    pcb->keep_cnt = socket->settings.count;
}

static void watch(struct socket *socket)
{
    tcp_arg(socket->pcb, socket);
    tcp_recv(socket->pcb, on_received);
    tcp_err(socket->pcb, on_error);
    apply_settings(socket);
}

/* From here on lwIP does with a connection what it must, and tells nobody. */
static void leave(struct tcp_pcb *pcb)
{
    tcp_arg(pcb, NULL);
    tcp_recv(pcb, NULL);
    tcp_err(pcb, NULL);
}

static err_t on_accept(void *argument, struct tcp_pcb *pcb, err_t error)
{
    struct socket *listener = argument;
    if (pcb == NULL || error != ERR_OK)
        return ERR_VAL;
    struct socket **end = &listener->waiting;
    while (*end != NULL)
        end = &(*end)->next;
    *end = new_socket(0, pcb);
    (*end)->connected = true;
    (*end)->settings = listener->settings;
    watch(*end);
    return ERR_OK;
}

/* --- reading a call --- */

static bool name_of(const char *word, uint32_t *name)
{
    uint64_t number;
    if (word == NULL || word[0] != 's' || !number_of(word + 1, &number) || number > UINT32_MAX)
        return false;
    *name = (uint32_t)number;
    return true;
}

/* `192.0.2.1:7` or `[2001:db8::1]:7` */
static bool endpoint_of(char *word, ip_addr_t *address, uint16_t *port)
{
    char *colon = word == NULL ? NULL : strrchr(word, ':');
    uint64_t number;
    if (colon == NULL || !number_of(colon + 1, &number) || number > UINT16_MAX)
        return false;
    *colon = '\0';
    size_t length = strlen(word);
    if (word[0] == '[' && word[length - 1] == ']') {
        word[length - 1] = '\0';
        word++;
    }
    *port = (uint16_t)number;
    return ipaddr_aton(word, address) == 1;
}

/* A time in milliseconds, rounded up: lwIP counts no finer. */
static bool milliseconds_of(const char *text, uint32_t *time)
{
    char *unit;
    unsigned long long number = strtoull(text, &unit, 10), whole;
    if (unit == text)
        return false;
    if (strcmp(unit, "s") == 0)
        whole = number > UINT32_MAX / 1000 ? UINT32_MAX : number * 1000;
    else if (strcmp(unit, "ms") == 0)
        whole = number;
    else if (strcmp(unit, "us") == 0)
        whole = number / 1000 + (number % 1000 != 0);
    else if (strcmp(unit, "ns") == 0)
        whole = number / 1000000 + (number % 1000000 != 0);
    else
        return false;
    *time = whole > UINT32_MAX ? UINT32_MAX : (uint32_t)whole;
    return true;
}

/* --- the calls --- */

#define MALFORMED "error invalid the agent cannot read this call"

static void call_listen(uint64_t id, char *rest)
{
    uint32_t name;
    ip_addr_t address;
    uint16_t port;
    uint64_t ignored;
    if (!name_of(next_word(&rest), &name) || !endpoint_of(next_word(&rest), &address, &port)
        || !keyed(next_word(&rest), "backlog", &ignored))
        return answer(id, MALFORMED);
    if (keyed(next_word(&rest), "fast-open", &ignored))
        return answer(id, "unsupported lwIP has no fast open");
    if (find(name) != NULL)
        return answer(id, "error already-exists the socket is open");
    struct tcp_pcb *pcb = need(tcp_new_ip_type(IP_GET_TYPE(&address)));
    /* Connections of an earlier listener in TIME-WAIT must not keep the port. */
    ip_set_option(pcb, SOF_REUSEADDR);
    err_t error = tcp_bind(pcb, &address, port);
    struct tcp_pcb *listening = NULL;
    if (error == ERR_OK)
        listening = tcp_listen_with_backlog_and_err(pcb, 0xff, &error);
    if (listening == NULL) {
        tcp_abort(pcb);
        return answer(id, error_text(error));
    }
    struct socket *socket = new_socket(name, listening);
    socket->listens = true;
    tcp_arg(listening, socket);
    tcp_accept(listening, on_accept);
    keep_socket(socket);
    answer(id, "ok");
}

static void call_connect(uint64_t id, char *rest)
{
    uint32_t name;
    ip_addr_t local, peer;
    uint16_t port;
    uint64_t isn;
    char *word;
    if (!name_of(next_word(&rest), &name) || (word = next_word(&rest)) == NULL || ipaddr_aton(word, &local) != 1
        || !endpoint_of(next_word(&rest), &peer, &port))
        return answer(id, MALFORMED);
    if (find(name) != NULL)
        return answer(id, "error already-exists the socket is open");
    struct tcp_pcb *pcb = need(tcp_new_ip_type(IP_GET_TYPE(&local)));
    isn_before(TARGET);
    if (keyed(next_word(&rest), "isn", &isn))
        isn_place((uint32_t)isn, TARGET);
    struct socket *socket = new_socket(name, pcb);
    watch(socket);
    err_t error = tcp_bind(pcb, &local, 0);
    if (error == ERR_OK)
        error = tcp_connect(pcb, &peer, port, on_connected);
    isn_after();
    keep_socket(socket);
    if (error == ERR_OK)
        return append(&socket->connect, new_call(id));
    /* The socket exists and can be closed, the connection does not. */
    socket->pcb = NULL;
    leave(pcb);
    tcp_abort(pcb);
    answer(id, error_text(error));
}

static void call_accept(uint64_t id, char *rest)
{
    uint32_t listener, name;
    if (!name_of(next_word(&rest), &listener) || !name_of(next_word(&rest), &name))
        return answer(id, MALFORMED);
    struct socket *socket = find(listener);
    if (socket == NULL || !socket->listens)
        return answer(id, "error does-not-exist no such listener");
    struct call *call = new_call(id);
    call->name = name;
    append(&socket->accepts, call);
}

/* The connection that a call is for; NULL if there is none, and the call has been answered. */
static struct socket *connection(uint64_t id, char **rest)
{
    uint32_t name;
    struct socket *socket = name_of(next_word(rest), &name) ? find(name) : NULL;
    if (socket == NULL) {
        answer(id, NO_SOCKET);
        return NULL;
    }
    if (socket->listens) {
        answer(id, "error error the socket listens");
        return NULL;
    }
    return socket;
}

static void call_send(uint64_t id, char *rest)
{
    uint8_t *octets;
    size_t length;
    struct socket *socket = connection(id, &rest);
    if (socket == NULL)
        return;
    if (!octets_of(next_word(&rest), &octets, &length))
        return answer(id, MALFORMED);
    if (next_word(&rest) != NULL)
        return answer(id, "unsupported lwIP has no urgent data");
    struct call *call = new_call(id);
    call->data = need(malloc(length + 1));
    memcpy(call->data, octets, length);
    call->length = length;
    append(&socket->sends, call);
}

static void call_recv(uint64_t id, char *rest)
{
    struct socket *socket = connection(id, &rest);
    if (socket == NULL)
        return;
    char *word = next_word(&rest);
    uint64_t amount = 0;
    if (word != NULL && !number_of(word, &amount))
        return answer(id, MALFORMED);
    if (word != NULL && amount == 0)
        return answer(id, "ok");
    struct call *call = new_call(id);
    call->length = amount;
    append(&socket->receives, call);
}

static void close_listener(struct socket *listener)
{
    end_all(&listener->accepts, "error closing the listener was closed");
    tcp_close(listener->pcb);
    while (listener->waiting != NULL) {
        struct socket *waiting = listener->waiting;
        listener->waiting = waiting->next;
        struct tcp_pcb *pcb = pcb_of(waiting);
        if (pcb != NULL) {
            leave(pcb);
            tcp_abort(pcb);
        }
        drop_socket(waiting);
    }
    drop_socket(listener);
}

static void call_ending(uint64_t id, char *rest, enum ending ending)
{
    uint32_t name;
    struct socket *socket = name_of(next_word(&rest), &name) ? find(name) : NULL;
    if (socket == NULL)
        return answer(id, NO_SOCKET);
    if (socket->listens) {
        close_listener(socket);
        return answer(id, "ok");
    }
    struct call *call = new_call(id);
    call->ending = ending;
    append(&socket->endings, call);
}

static void call_shutdown(uint64_t id, char *rest)
{
    call_ending(id, rest, SHUTDOWN);
}

static void call_close(uint64_t id, char *rest)
{
    call_ending(id, rest, CLOSE);
}

static void call_abort(uint64_t id, char *rest)
{
    uint32_t name;
    struct socket *socket = name_of(next_word(&rest), &name) ? find(name) : NULL;
    if (socket == NULL)
        return answer(id, NO_SOCKET);
    if (socket->listens) {
        close_listener(socket);
        return answer(id, "ok");
    }
    struct tcp_pcb *pcb = pcb_of(socket);
    if (pcb != NULL) {
        leave(pcb);
        tcp_abort(pcb);
    }
    /* RFC 9293 section 3.10.5: all queued SENDs and RECEIVEs are told "connection reset". */
    end_waiting(socket, "error reset aborted");
    drop_socket(socket);
    answer(id, "ok");
}

static void call_set(uint64_t id, char *rest)
{
    uint32_t name;
    struct socket *socket = name_of(next_word(&rest), &name) ? find(name) : NULL;
    char *setting = next_word(&rest), *value = setting == NULL ? NULL : strchr(setting, '=');
    if (socket == NULL || value == NULL)
        return answer(id, socket == NULL ? NO_SOCKET : MALFORMED);
    *value++ = '\0';
    struct settings *settings = &socket->settings;
    uint64_t number;
    uint32_t time = 0;
    bool flag = strcmp(value, "true") == 0, right = flag || strcmp(value, "false") == 0;
    if (strcmp(setting, "nodelay") == 0) {
        settings->nodelay = flag;
    } else if (strcmp(setting, "keep-alive") == 0) {
        settings->keep_alive = flag;
    } else if (strcmp(setting, "keep-alive-idle") == 0) {
        right = milliseconds_of(value, &settings->idle);
    } else if (strcmp(setting, "keep-alive-interval") == 0) {
        right = milliseconds_of(value, &settings->interval);
    } else if (strcmp(setting, "keep-alive-count") == 0) {
        right = number_of(value, &number) && number <= UINT32_MAX;
        settings->count = right ? (uint32_t)number : settings->count;
    } else if (strcmp(setting, "linger") == 0) {
        bool lingers = strcmp(value, "false") != 0;
        right = !lingers || milliseconds_of(value, &time);
        if (time > 0)
            return answer(id, "unsupported lwIP's raw API does not wait in close");
        settings->linger_zero = lingers;
    } else {
        return answer(id, "unsupported lwIP's raw API has no such option");
    }
    if (!socket->listens && pcb_of(socket) != NULL)
        apply_settings(socket);
    answer(id, right ? "ok" : MALFORMED);
}

static bool has_ends(const struct tcp_pcb *pcb, const ip_addr_t *local, uint16_t port, const ip_addr_t *peer,
                     uint16_t peer_port)
{
    return pcb->local_port == port && pcb->remote_port == peer_port && ip_addr_cmp(&pcb->local_ip, local)
        && ip_addr_cmp(&pcb->remote_ip, peer);
}

static void call_state(uint64_t id, char *rest)
{
    /* In the order of enum tcp_state. */
    static const char *const names[] = {"closed", "listen", "syn-sent", "syn-received", "established", "fin-wait-1",
        "fin-wait-2", "close-wait", "closing", "last-ack", "time-wait"};
    ip_addr_t local, peer;
    uint16_t port, peer_port;
    if (!endpoint_of(next_word(&rest), &local, &port) || !endpoint_of(next_word(&rest), &peer, &peer_port))
        return answer(id, MALFORMED);
    enum tcp_state state = CLOSED;
    for (struct tcp_pcb_listen *pcb = tcp_listen_pcbs.listen_pcbs; pcb != NULL; pcb = pcb->next) {
        if (pcb->local_port == port && ip_addr_cmp(&pcb->local_ip, &local))
            state = LISTEN;
    }
    for (struct tcp_pcb *pcb = tcp_tw_pcbs; pcb != NULL; pcb = pcb->next) {
        if (has_ends(pcb, &local, port, &peer, peer_port))
            state = pcb->state;
    }
    for (struct tcp_pcb *pcb = tcp_active_pcbs; pcb != NULL; pcb = pcb->next) {
        if (has_ends(pcb, &local, port, &peer, peer_port))
            state = pcb->state;
    }
    say("result %llu state %s", (unsigned long long)id, names[state]);
}

void sockets_call(char *rest)
{
    static const struct {
        const char *name;
        void (*call)(uint64_t id, char *rest);
    } calls[] = {
        {"listen", call_listen}, {"connect", call_connect}, {"accept", call_accept}, {"send", call_send},
        {"recv", call_recv}, {"shutdown", call_shutdown}, {"close", call_close}, {"abort", call_abort},
        {"set", call_set}, {"state", call_state},
    };
    uint64_t id;
    if (!number_of(next_word(&rest), &id))
        return say("unknown a call without its number");
    char *name = next_word(&rest);
    for (size_t call = 0; name != NULL && call < sizeof calls / sizeof calls[0]; call++) {
        if (strcmp(name, calls[call].name) == 0)
            return calls[call].call(id, rest);
    }
    answer(id, "unsupported there is no such call");
}

/* --- what waits --- */

static bool advance_accepts(struct socket *listener)
{
    bool any = false;
    while (listener->accepts != NULL && listener->waiting != NULL) {
        struct socket *socket = listener->waiting;
        struct tcp_pcb *pcb = pcb_of(socket);
        listener->waiting = socket->next;
        socket->next = NULL;
        any = true;
        if (pcb == NULL) {
            /* It ended before anybody asked for it, and with it what is known of its peer. */
            drop_socket(socket);
            continue;
        }
        socket->name = listener->accepts->name;
        keep_socket(socket);
        bool old = IP_IS_V4(&pcb->remote_ip);
        say("event accepted s%u s%u %s%s%s:%u", listener->name, socket->name, old ? "" : "[",
            ipaddr_ntoa(&pcb->remote_ip), old ? "" : "]", pcb->remote_port);
        end_first(&listener->accepts, NULL);
    }
    return any;
}

/* Gives lwIP as much of the first send as it takes; true if that has ended the call. */
static bool advance_send(struct socket *socket)
{
    struct tcp_pcb *pcb = pcb_of(socket);
    struct call *send = socket->sends;
    bool wrote = false;
    err_t error = ERR_OK;
    while (send->done < send->length && error == ERR_OK) {
        size_t left = send->length - send->done;
        u16_t piece = (u16_t)LWIP_MIN(left, LWIP_MIN(tcp_sndbuf(pcb), 0xffff));
        if (piece == 0)
            break;
        /* Its queue may have room for fewer octets than its buffer. */
        do {
            u8_t more = piece < left ? TCP_WRITE_FLAG_MORE : 0;
            error = tcp_write(pcb, send->data + send->done, piece, TCP_WRITE_FLAG_COPY | more);
            if (error != ERR_MEM)
                break;
            piece /= 2;
        } while (piece > 0);
        if (error == ERR_OK) {
            send->done += piece;
            wrote = true;
        }
    }
    if (wrote)
        tcp_output(pcb);
    if (error != ERR_OK && error != ERR_MEM) {
        end_first(&socket->sends, error_text(error));
        return true;
    }
    if (send->done < send->length)
        return false;
    say("result %llu count %zu", (unsigned long long)send->id, send->length);
    end_first(&socket->sends, NULL);
    return true;
}

/* Takes octets out of what has come; lwIP is told, so that the window opens. */
static void take(struct socket *socket, struct call *receive, size_t count)
{
    receive->data = need(realloc(receive->data, receive->done + count + 1));
    memcpy(receive->data + receive->done, socket->data, count);
    receive->done += count;
    socket->length -= count;
    memmove(socket->data, socket->data + count, socket->length);
    struct tcp_pcb *pcb = pcb_of(socket);
    while (pcb != NULL && count > 0) {
        u16_t piece = (u16_t)LWIP_MIN(count, 0xffff);
        tcp_recved(pcb, piece);
        count -= piece;
    }
}

/* Gives the first receive what has come; true if that has ended the call. */
static bool advance_receive(struct socket *socket)
{
    struct call *receive = socket->receives;
    size_t missing = receive->length == 0 ? SIZE_MAX : receive->length - receive->done;
    if (socket->length > 0)
        take(socket, receive, LWIP_MIN(missing, socket->length));
    bool enough = receive->length == 0 ? receive->done > 0 : receive->done == receive->length;
    if (!enough && !socket->finished)
        return false;
    if (receive->done == 0) {
        end_first(&socket->receives, "eof");
        return true;
    }
    char head[64];
    snprintf(head, sizeof head, "result %llu data ", (unsigned long long)receive->id);
    say_octets(head, receive->data, receive->done);
    end_first(&socket->receives, NULL);
    return true;
}

static err_t shut_down(struct tcp_pcb *pcb, struct socket *socket)
{
    if (pcb->state != SYN_SENT)
        return tcp_shutdown(pcb, 0, 1);
    socket->pcb = NULL;
    leave(pcb);
    end_all(&socket->connect, "error closing closed meanwhile");
    return tcp_close(pcb);
}

/* Carries out a shutdown or close that no send stands before; true if the socket is gone by that. */
static bool end_connection(struct socket *socket)
{
    struct tcp_pcb *pcb = pcb_of(socket);
    struct call *call = socket->endings;
    if (call->ending == SHUTDOWN) {
        const char *end = "ok";
        if (pcb != NULL) {
            err_t error = shut_down(pcb, socket);
            end = error == ERR_OK ? "ok" : error_text(error);
        } else {
            end = socket->error != ERR_OK ? error_text(socket->error) : NO_CONNECTION;
            socket->error = ERR_OK;
        }
        end_first(&socket->endings, end);
        return false;
    }
    if (pcb != NULL) {
        leave(pcb);
        if (socket->settings.linger_zero)
            tcp_abort(pcb);
        else
            tcp_close(pcb);
    }
    end_first(&socket->endings, "ok");
    end_waiting(socket, "error closing closed meanwhile");
    drop_socket(socket);
    return true;
}

/* Takes what waits on a connection as far as it goes; true if the socket is gone by that. */
static bool advance_connection(struct socket *socket)
{
    if (socket->connect != NULL && socket->connected)
        end_first(&socket->connect, "ok");
    while (socket->receives != NULL && advance_receive(socket))
        continue;
    if (pcb_of(socket) == NULL && socket->error == ERR_RST && socket->connect != NULL) {
        /* The neutral name for a RST that answers a SYN. */
        end_first(&socket->connect, "error refused ERR_RST");
        socket->error = ERR_OK;
    }
    if (pcb_of(socket) == NULL && socket->error != ERR_OK) {
        /* A farewell to a connection that is gone is no failure. */
        struct call *farewell = socket->endings;
        if (farewell != NULL && farewell->ending == CLOSE)
            socket->endings = NULL;
        if (end_waiting(socket, error_text(socket->error)))
            socket->error = ERR_OK;
        socket->endings = farewell != NULL && farewell->ending == CLOSE ? farewell : NULL;
    }
    if (pcb_of(socket) == NULL) {
        end_all(&socket->sends, NO_CONNECTION);
        if (!socket->finished)
            end_all(&socket->receives, NO_CONNECTION);
    }
    while (socket->sends != NULL && advance_send(socket))
        continue;
    while (socket->endings != NULL && socket->sends == NULL) {
        if (end_connection(socket))
            return true;
    }
    return false;
}

void sockets_advance(void)
{
    for (struct socket *socket = sockets, *next; socket != NULL; socket = next) {
        next = socket->next;
        if (!socket->listens) {
            advance_connection(socket);
        } else if (advance_accepts(socket)) {
            /* What was accepted stands at the end, and is come to yet. */
            next = socket->next;
        }
    }
}

void sockets_forget(char *rest)
{
    char *word;
    uint32_t name;
    link_mute(1);
    while ((word = next_word(&rest)) != NULL) {
        struct socket *socket = name_of(word, &name) ? find(name) : NULL;
        if (socket == NULL)
            continue;
        if (socket->listens) {
            end_all(&socket->accepts, NULL);
            close_listener(socket);
            continue;
        }
        struct tcp_pcb *pcb = pcb_of(socket);
        if (pcb != NULL) {
            leave(pcb);
            tcp_abort(pcb);
        }
        end_waiting(socket, NULL);
        drop_socket(socket);
    }
    link_mute(0);
}
