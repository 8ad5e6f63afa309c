#define _GNU_SOURCE
#include "lines.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* A line is never longer: a send of 16 MiB in hexadecimal. Only what is used takes memory. */
#define LONGEST_INPUT ((size_t)64 << 20)

/* How much is read at once. */
#define PIECE ((size_t)256 << 10)

struct input {
    /* Where the line that was taken last began; what is unread lies between begin and end. */
    size_t taken, begin, end;
    char text[];
};

static struct input *input;

static int output_file;
static char *output;
static size_t output_length, output_room;

static void give_up(const char *why)
{
    fprintf(stderr, "lwip agent: %s\n", why);
    _exit(3);
}

void *need(void *memory)
{
    if (memory == NULL)
        give_up("out of memory");
    return memory;
}

void lines_open(void)
{
    size_t size = sizeof *input + LONGEST_INPUT;
    input = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (input == MAP_FAILED)
        give_up("no memory for the input");
    /* lwIP prints to stdout what is wrong with it, before it gives up: that is for a person. */
    output_file = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    if (output_file < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
        give_up("there is no output");
}

/* Reads more; false at the end of the input. */
static bool input_more(void)
{
    if (input->begin > 0) {
        memmove(input->text, input->text + input->begin, input->end - input->begin);
        input->end -= input->begin;
        input->begin = 0;
    }
    size_t room = LONGEST_INPUT - input->end;
    if (room == 0)
        give_up("a line without end");
    for (;;) {
        ssize_t got = read(STDIN_FILENO, input->text + input->end, room < PIECE ? room : PIECE);
        if (got > 0) {
            input->end += (size_t)got;
            return true;
        }
        if (got == 0 || errno != EINTR)
            return false;
    }
}

char *input_line(void)
{
    size_t searched = 0;
    for (;;) {
        char *begin = input->text + input->begin;
        size_t there = input->end - input->begin;
        char *end = memchr(begin + searched, '\n', there - searched);
        if (end != NULL) {
            *end = '\0';
            input->taken = input->begin;
            input->begin += (size_t)(end - begin) + 1;
            if (end > begin && end[-1] == '\r')
                end[-1] = ' ';
            return begin;
        }
        searched = there;
        if (!input_more())
            return NULL;
    }
}

void input_put_back(void)
{
    /* Taking words apart has put ends into the line; a blank stood at each, and the line's end at the last. */
    for (size_t at = input->taken; at + 1 < input->begin; at++) {
        if (input->text[at] == '\0')
            input->text[at] = ' ';
    }
    input->text[input->begin - 1] = '\n';
    input->begin = input->taken;
}

char *next_word(char **rest)
{
    char *word = *rest + strspn(*rest, " ");
    if (*word == '\0')
        return NULL;
    char *end = word + strcspn(word, " ");
    *rest = *end == '\0' ? end : end + 1;
    *end = '\0';
    return word;
}

bool number_of(const char *word, uint64_t *number)
{
    if (word == NULL || word[0] < '0' || word[0] > '9')
        return false;
    char *end;
    errno = 0;
    *number = strtoull(word, &end, 10);
    return *end == '\0' && errno == 0;
}

bool keyed(const char *word, const char *key, uint64_t *number)
{
    size_t length = strlen(key);
    return word != NULL && strncmp(word, key, length) == 0 && word[length] == '='
        && number_of(word + length + 1, number);
}

static int digit_of(char letter)
{
    if (letter >= '0' && letter <= '9')
        return letter - '0';
    if (letter >= 'a' && letter <= 'f')
        return letter - 'a' + 10;
    if (letter >= 'A' && letter <= 'F')
        return letter - 'A' + 10;
    return -1;
}

bool octets_of(char *word, uint8_t **octets, size_t *length)
{
    if (word == NULL)
        return false;
    size_t letters = strlen(word);
    *octets = (uint8_t *)word;
    *length = 0;
    if (strcmp(word, "-") == 0)
        return true;
    for (size_t at = 0; at + 1 < letters; at += 2) {
        int high = digit_of(word[at]), low = digit_of(word[at + 1]);
        if (high < 0 || low < 0)
            return false;
        (*octets)[(*length)++] = (uint8_t)(high << 4 | low);
    }
    return letters % 2 == 0;
}

/* Where `more` octets can be added. */
static char *output_at_end(size_t more)
{
    if (output_length + more > output_room) {
        output_room = 2 * (output_length + more);
        output = need(realloc(output, output_room));
    }
    return output + output_length;
}

void say(const char *format, ...)
{
    va_list values;
    va_start(values, format);
    /* Nothing that is said this way is longer: names, numbers and addresses. */
    size_t room = 512;
    int length = vsnprintf(output_at_end(room), room, format, values);
    va_end(values);
    if (length < 0 || (size_t)length + 1 > room)
        give_up("a line of its own is too long");
    output_length += (size_t)length;
    output[output_length++] = '\n';
}

void say_octets(const char *text, const uint8_t *octets, size_t length)
{
    static const char digits[] = "0123456789abcdef";
    size_t head = strlen(text);
    char *at = output_at_end(head + 2 * length + 2);
    memcpy(at, text, head);
    at += head;
    if (length == 0)
        *at++ = '-';
    for (size_t octet = 0; octet < length; octet++) {
        *at++ = digits[octets[octet] >> 4];
        *at++ = digits[octets[octet] & 15];
    }
    *at++ = '\n';
    output_length = (size_t)(at - output);
}

void say_now(void)
{
    size_t written = 0;
    while (written < output_length) {
        ssize_t count = write(output_file, output + written, output_length - written);
        if (count >= 0)
            written += (size_t)count;
        else if (errno != EINTR)
            _exit(3);
    }
    output_length = 0;
}
