/* The lines that a tester and this agent speak: text in, words out of it; text back, one write for each turn. */
#ifndef LINES_H
#define LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* --- what the tester says --- */

/* Prepares for both. The memory that lines are read into is shared with children: parent and child read from one input, one at
 * a time, and what the one leaves unread the other finds. */
void lines_open(void);

/* The next line, without its end, in memory that may be written to; NULL when the tester has gone. It is good until
 * the next call. */
char *input_line(void);

/* Puts the line that was taken last back, as it was, for the next to read. */
void input_put_back(void);

/* The next word of a line, or NULL; `rest` moves on behind it. */
char *next_word(char **rest);

/* The number that a word is, all of it; false if it is none. */
bool number_of(const char *word, uint64_t *number);

/* The number of `key=NUMBER`, if that is what the word is; it may be NULL. */
bool keyed(const char *word, const char *key, uint64_t *number);

/* The octets of a word in hexadecimal, or of none for `-`, in place of the word; false if it is neither. */
bool octets_of(char *word, uint8_t **octets, size_t *length);

/* --- what the agent says --- */

/* Adds a line, as printf does, with its end. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Adds a line of a text and octets in hexadecimal. */
void say_octets(const char *text, const uint8_t *octets, size_t length);

/* Writes what was said. Ends the process if nobody reads it. */
void say_now(void);

/* Memory that is there, or the process ends. */
void *need(void *memory);

#endif
