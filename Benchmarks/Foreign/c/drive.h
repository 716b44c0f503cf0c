/* What the drivers in C and C++ have in common: the corpus's files, the check, the clock and the lines that they print.
 *
 *   DRIVER CORPUS WIRE...
 *
 * First the parser reads every wire of CORPUS twice over on one connection, and what it delivers and sends is compared. Then each probe of
 * CORPUS/broken, which breaks a rule, on a connection of its own. Then each WIRE is read over and over, and timed. On standard output:
 *
 *   parser NAME VERSION                 with tabs between, here and below
 *   right                               or: wrong WIRE WHY, and nothing more
 *   accepts PROBE                       for each probe that it did not refuse
 *   time WIRE NS SPREAD                 for one reading of the wire: mean and standard deviation of the samples
 *
 * The bytes of a wire are never changed: the parser copies what arrives, once, as a receive does. */
#ifndef DRIVE_H
#define DRIVE_H
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What the parser finds: 1 text, 2 binary. */
void sink_message(int kind, const void *bytes, size_t length);

/* What it sends. A Close among it is a refusal. */
void sink_sent(const void *bytes, size_t length);

/* Each driver has these. `parser_feed` gets one arrival, and gives 0, or -1 where the parser refuses. */
extern const char *const parser_name;
const char *parser_version(void);
void *parser_open(void);
int parser_feed(void *parser, const unsigned char *bytes, size_t length);
void parser_close(void *parser);

/* A parser that asks for bytes by itself has this in place of `parser_feed`: all arrivals, their lengths as the corpus has them, and how many
 * messages are in them: where it has read so many, there is nothing left. */
int parser_read_all(void *parser, const unsigned char *wire, const unsigned char *arrivals, size_t count, size_t messages);

/* The length of one arrival. */
static inline size_t arrival_length(const unsigned char *a)
{
    return a[0] | (size_t)a[1] << 8 | (size_t)a[2] << 16 | (size_t)a[3] << 24;
}

int drive(int count, char **words);

#ifdef __cplusplus
}
#endif
#endif
