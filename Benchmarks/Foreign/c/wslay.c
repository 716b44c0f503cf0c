/* wslay, a library in C: its event layer, which assembles messages, checks UTF-8 and answers Pings by itself. */
#include "drive.h"
#include <stdlib.h>
#include <string.h>
#include <wslay/wslay.h>

typedef struct { wslay_event_context_ptr context; const unsigned char *bytes; size_t left; } connection;

const char *const parser_name = "wslay (C)";

const char *parser_version(void) { return WSLAY_VERSION; }

static ssize_t receive(wslay_event_context_ptr context, uint8_t *buffer, size_t length, int flags, void *data)
{
    connection *from = data;
    (void)flags;
    if (from->left == 0)
    {
        wslay_event_set_error(context, WSLAY_ERR_WOULDBLOCK);
        return -1;
    }
    if (length > from->left) length = from->left;
    memcpy(buffer, from->bytes, length);
    from->bytes += length;
    from->left -= length;
    return (ssize_t)length;
}

static unsigned char frame[64 * 1024];
static size_t frame_length;

/* A frame comes in pieces, its header first. */
static ssize_t send_bytes(wslay_event_context_ptr context, const uint8_t *bytes, size_t length, int flags, void *data)
{
    (void)context; (void)flags; (void)data;
    if (length > sizeof frame - frame_length) length = sizeof frame - frame_length;
    memcpy(frame + frame_length, bytes, length);
    frame_length += length;
    return (ssize_t)length;
}

static void on_message(wslay_event_context_ptr context, const struct wslay_event_on_msg_recv_arg *message, void *data)
{
    (void)context; (void)data;
    if (!wslay_is_ctrl_frame(message->opcode)) sink_message(message->opcode, message->msg, message->msg_length);
}

void *parser_open(void)
{
    static const struct wslay_event_callbacks callbacks = {receive, send_bytes, NULL, NULL, NULL, NULL, on_message};
    connection *made = calloc(1, sizeof *made);
    wslay_event_context_server_init(&made->context, &callbacks, made);
    wslay_event_config_set_max_recv_msg_length(made->context, 64 << 20);
    return made;
}

int parser_feed(void *parser, const unsigned char *bytes, size_t length)
{
    connection *to = parser;
    to->bytes = bytes;
    to->left = length;
    int result = wslay_event_recv(to->context);
    while (result == 0 && wslay_event_want_write(to->context))
    {
        frame_length = 0;
        result = wslay_event_send(to->context);
        if (frame_length > 0) sink_sent(frame, frame_length);
    }
    return result == 0 ? 0 : -1;
}

void parser_close(void *parser)
{
    connection *closed = parser;
    wslay_event_context_free(closed->context);
    free(closed);
}

int main(int count, char **words) { return drive(count, words); }
