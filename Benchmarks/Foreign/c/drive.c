#define _GNU_SOURCE
#include "drive.h"
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define WARM_UP_NS 1e9
#define SAMPLE_NS 60e6
#define SAMPLES 8

typedef struct { unsigned char *bytes; size_t length; } blob;
typedef struct { blob wire, arrivals, messages, pongs; size_t count; } set;

static blob got_messages, got_sent;
static size_t messages_room, sent_room;
static int keeps, closed;
static volatile size_t counted;

static void append(blob *to, size_t *room, const void *bytes, size_t length)
{
    if (to->length + length > *room) to->bytes = realloc(to->bytes, *room = 2 * (to->length + length));
    memcpy(to->bytes + to->length, bytes, length);
    to->length += length;
}

static void put_length(unsigned char *to, size_t length)
{
    for (int i = 0; i < 4; i++) to[i] = (unsigned char)(length >> (8 * i));
}

void sink_message(int kind, const void *bytes, size_t length)
{
    counted += length + 1;
    if (!keeps) return;
    unsigned char head[5] = {(unsigned char)kind};
    put_length(head + 1, length);
    append(&got_messages, &messages_room, head, sizeof head);
    append(&got_messages, &messages_room, bytes, length);
}

void sink_sent(const void *bytes, size_t length)
{
    counted += length;
    if (!keeps) return;
    if (length > 0 && *(const unsigned char *)bytes == 0x88) closed = 1;
    append(&got_sent, &sent_room, bytes, length);
}

static blob load(const char *directory, const char *name, const char *ending)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s.%s", directory, name, ending);
    FILE *file = fopen(path, "rb");
    if (!file) { perror(path); exit(2); }
    fseek(file, 0, SEEK_END);
    blob read = {NULL, (size_t)ftell(file)};
    rewind(file);
    read.bytes = aligned_alloc(4096, (read.length / 4096 + 1) * 4096); // a page's beginning, as for the drivers in C#
    if (!read.bytes) { perror(path); exit(2); }
    if (fread(read.bytes, 1, read.length, file) != read.length) { perror(path); exit(2); }
    fclose(file);
    return read;
}

static set load_set(const char *directory, const char *name)
{
    set all = {
        load(directory, name, "wire"), load(directory, name, "arrivals"), load(directory, name, "messages"), load(directory, name, "pongs"), 0,
    };
    for (size_t at = 0; at < all.messages.length; at += 5 + arrival_length(all.messages.bytes + at + 1)) all.count++;
    return all;
}

static void release(set *all)
{
    free(all->wire.bytes);
    free(all->arrivals.bytes);
    free(all->messages.bytes);
    free(all->pongs.bytes);
}

__attribute__((weak)) int parser_feed(void *parser, const unsigned char *bytes, size_t length)
{
    unsigned char arrival[4];
    put_length(arrival, length);
    return parser_read_all(parser, bytes, arrival, 1, 1);
}

__attribute__((weak)) int parser_read_all(
    void *parser, const unsigned char *wire, const unsigned char *arrivals, size_t count, size_t messages)
{
    (void)messages;
    for (size_t i = 0; i < count; i++)
    {
        size_t length = arrival_length(arrivals + 4 * i);
        if (parser_feed(parser, wire, length) != 0) return -1;
        wire += length;
    }
    return 0;
}

static int feed_all(void *parser, const set *from)
{
    return parser_read_all(parser, from->wire.bytes, from->arrivals.bytes, from->arrivals.length / 4, from->count);
}

static int same(blob a, blob b) { return a.length == b.length && memcmp(a.bytes, b.bytes, a.length) == 0; }

static const char *mistake(const set *expected)
{
    void *parser = parser_open();
    const char *why = NULL;
    keeps = 1;
    for (int round = 0; round < 2 && !why; round++)
    {
        got_messages.length = got_sent.length = 0;
        if (feed_all(parser, expected) != 0) why = "refused";
        else if (!same(got_messages, expected->messages)) why = "other messages";
        else if (!same(got_sent, expected->pongs)) why = "other Pongs";
    }
    parser_close(parser);
    keeps = 0;
    return why;
}

static int compare(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

/* The names of all files with this ending, without it, in order. */
static char **list(const char *directory, const char *ending, size_t *count)
{
    char **names = NULL;
    struct dirent *entry;
    DIR *all = opendir(directory);
    *count = 0;
    while (all && (entry = readdir(all)))
    {
        char *dot = strrchr(entry->d_name, '.');
        if (!dot || strcmp(dot + 1, ending) != 0) continue;
        names = realloc(names, (*count + 1) * sizeof *names);
        names[(*count)++] = strndup(entry->d_name, (size_t)(dot - entry->d_name));
    }
    if (all) closedir(all);
    if (names) qsort(names, *count, sizeof *names, compare);
    return names;
}

static void probe(const char *corpus)
{
    char directory[4096];
    size_t count;
    snprintf(directory, sizeof directory, "%s/broken", corpus);
    char **names = list(directory, "wire", &count);
    for (size_t i = 0; i < count; i++)
    {
        blob bytes = load(directory, names[i], "wire");
        void *parser = parser_open();
        keeps = 1;
        closed = 0;
        if (parser_feed(parser, bytes.bytes, bytes.length) == 0 && !closed) printf("accepts\t%s\n", names[i]);
        keeps = 0;
        parser_close(parser);
        free(bytes.bytes);
    }
}

static double now_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return 1e9 * (double)time.tv_sec + (double)time.tv_nsec;
}

static void measure(const char *corpus, const char *name)
{
    set from = load_set(corpus, name);
    void *parser = parser_open();
    long rounds = 0;
    double begun = now_ns();
    do { feed_all(parser, &from); rounds++; } while (now_ns() - begun < WARM_UP_NS);
    long each = (long)(SAMPLE_NS * (double)rounds / (now_ns() - begun)) + 1;
    double sum = 0, squares = 0;
    for (int i = 0; i < SAMPLES; i++)
    {
        begun = now_ns();
        for (long round = 0; round < each; round++) feed_all(parser, &from);
        double ns = (now_ns() - begun) / (double)each;
        sum += ns;
        squares += ns * ns;
    }
    double mean = sum / SAMPLES, variance = (squares - sum * mean) / (SAMPLES - 1);
    printf("time\t%s\t%.1f\t%.1f\n", name, mean, sqrt(variance > 0 ? variance : 0));
    fflush(stdout);
    parser_close(parser);
    release(&from);
}

int drive(int count, char **words)
{
    size_t wires;
    if (count < 2) return 2;
    printf("parser\t%s\t%s\n", parser_name, parser_version());
    char **names = list(words[1], "wire", &wires);
    if (wires == 0) { fprintf(stderr, "%s: no corpus\n", words[1]); return 2; }
    for (size_t i = 0; i < wires; i++)
    {
        set expected = load_set(words[1], names[i]);
        const char *why = mistake(&expected);
        release(&expected);
        if (!why) continue;
        printf("wrong\t%s\t%s\n", names[i], why);
        return 0;
    }
    printf("right\n");
    probe(words[1]);
    for (int i = 2; i < count; i++) measure(words[1], words[i]);
    return 0;
}
