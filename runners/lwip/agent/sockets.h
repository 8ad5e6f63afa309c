/* The application: its sockets, and the calls that wait on them. No call ever blocks. */
#ifndef SOCKETS_H
#define SOCKETS_H

/* `call ID VERB ...`: takes a call up, and answers it if it has ended. `rest` is what follows the word `call`. */
void sockets_call(char *rest);

/* Takes all calls that wait as far as they go. */
void sockets_advance(void);

/* Gives sockets back, by their names in `rest`, without a word to anybody. */
void sockets_forget(char *rest);

#endif
