/* An agent for lwIP: the protocol of runners/PROTOCOL.md in lockstep, spoken on stdin and stdout.
 *
 * lwIP keeps its state in variables of its own that nothing sets back. Each run therefore has a process to itself, a
 * child of this one that initialises lwIP anew: a fork of a program this small takes a fraction of a millisecond. The
 * child reads from where the parent stopped, serves its run, and when the next `new` comes ends and leaves that line
 * to the parent. Only one of the two ever runs. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "isn.h"
#include "lines.h"
#include "link.h"
#include "lwip/init.h"
#include "sockets.h"

#define ABILITIES \
    "ipv4 ipv6 listen connect accept send recv shutdown close abort state isn window-scale set:nodelay set:linger " \
    "set:keep-alive set:keep-alive-idle set:keep-alive-interval set:keep-alive-count"

/* With what a child ends. */
enum { NEXT_RUN = 0, INPUT_ENDED = 10 };

static void say_idle(void)
{
    uint64_t at;
    if (clock_next(&at))
        say("idle %llu", (unsigned long long)at);
    else
        say("idle -");
    say_now();
}

/* `new 192.0.2.1 seed=7 isn=4294967290`: false if it is not that. There are no settings that could follow. */
static bool begin_run(char *rest)
{
    char *address = next_word(&rest);
    uint64_t seed, isn;
    ip_addr_t target;
    if (address == NULL || ipaddr_aton(address, &target) != 1 || !keyed(next_word(&rest), "seed", &seed))
        return false;
    /* lwIP asks rand() for whatever is to look random: the first of its ports. */
    srand((unsigned)(seed ^ seed >> 32));
    clock_begin();
    lwip_init();
    link_open(&target);
    if (keyed(next_word(&rest), "isn", &isn))
        isn_place_first((uint32_t)isn);
    return true;
}

static void sync_answer(char *rest)
{
    uint64_t number;
    if (number_of(next_word(&rest), &number))
        say("synced %llu", (unsigned long long)number);
    else
        say("unknown sync without a number");
}

/* Does what a line asks for, behind its time. */
static void serve(const char *word, char *rest)
{
    uint8_t *octets;
    size_t length;
    if (word == NULL || strcmp(word, "tick") == 0)
        return;
    if (strcmp(word, "frame") == 0 && octets_of(next_word(&rest), &octets, &length))
        link_receive(octets, length);
    else if (strcmp(word, "call") == 0)
        sockets_call(rest);
    else if (strcmp(word, "forget") == 0)
        sockets_forget(rest);
    else if (strcmp(word, "sync") == 0)
        sync_answer(rest);
    else
        say("unknown %.80s", word);
}

/* The run of one child: `line` begins it. */
static void run(char *line)
{
    bool begun = false;
    for (; line != NULL; line = input_line()) {
        uint64_t at = 0;
        char *rest = line, *word = next_word(&rest);
        if (word != NULL && strcmp(word, "at") == 0) {
            if (!number_of(next_word(&rest), &at)) {
                say("unknown `at` without a time");
                say_idle();
                continue;
            }
            word = next_word(&rest);
        }
        if (word != NULL && strcmp(word, "new") == 0) {
            if (begun) {
                input_put_back();
                _exit(NEXT_RUN);
            }
            begun = begin_run(rest);
            if (!begun)
                say("unknown a `new` that cannot be read");
        } else {
            clock_advance(at);
            serve(word, rest);
            link_settle();
            sockets_advance();
            link_settle();
        }
        say_idle();
    }
    _exit(INPUT_ENDED);
}

/* Has a child make a run; how it ended. */
static int make_run(char *line)
{
    pid_t parent = getpid(), child = fork();
    if (child < 0) {
        perror("lwip agent: fork");
        exit(3);
    }
    if (child == 0) {
        /* Whoever ends the agent ends the run too. */
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
            _exit(INPUT_ENDED);
        run(line);
    }
    int status;
    if (waitpid(child, &status, 0) != child)
        exit(3);
    if (!WIFEXITED(status)) {
        fprintf(stderr, "lwip agent: the run was ended by signal %d\n", WTERMSIG(status));
        exit(3);
    }
    return WEXITSTATUS(status);
}

/* Whether a line asks for a run. */
static bool begins_run(char *line)
{
    char *rest = line, *word = next_word(&rest);
    if (word != NULL && strcmp(word, "at") == 0 && next_word(&rest) != NULL)
        word = next_word(&rest);
    return word != NULL && strcmp(word, "new") == 0;
}

int main(void)
{
    lines_open();
    for (char *line; (line = input_line()) != NULL;) {
        if (strcmp(line, "tcpvet 1 lockstep") == 0) {
            say("agent lwip-" LWIP_VERSION_STRING " can " ABILITIES);
        } else if (strncmp(line, "tcpvet ", 7) == 0) {
            say("failed this agent speaks version 1 of the protocol, in lockstep");
        } else if (begins_run(line)) {
            input_put_back();
            int end = make_run(input_line());
            if (end == NEXT_RUN)
                continue;
            return end == INPUT_ENDED ? 0 : end;
        } else {
            say("unknown %.80s", line);
        }
        say("idle -");
        say_now();
    }
    return 0;
}
