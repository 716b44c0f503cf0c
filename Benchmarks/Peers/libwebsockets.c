/* A foreign server to compare with: libwebsockets, a library in C.
 *   libwebsockets PORT
 * On 127.0.0.1; port 0 takes a free one. "/" echoes each message whole; "/all" sends each to everybody who is connected there. Says
 * "listening on 127.0.0.1:PORT" once it accepts. Messages of up to 64 MiB; everything else is the library's default: no compression, one thread,
 * its own event loop over poll(), receive buffers of 4 KiB. It asks before each send whether the socket takes more, as its documentation has it. */
#include <libwebsockets.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MESSAGE_BYTES_MAX (64u << 20)

typedef struct { unsigned references; int binary; size_t length; unsigned char bytes[]; } message; /* LWS_PRE bytes, then the payload */
typedef struct waiting { struct waiting *next; message *message; } waiting;
typedef struct session {
    struct session *next, **back;
    struct lws *wsi;
    int all;
    unsigned char *received;
    size_t length, room;
    waiting *first, **last;
} session;

static session *everybody;
static volatile sig_atomic_t ended;
static struct lws_context *context;

static void release(message *one)
{
    if (--one->references == 0) free(one);
}

static void wait_for(session *to, message *what)
{
    waiting *one = malloc(sizeof *one);
    one->next = NULL;
    one->message = what;
    what->references++;
    *to->last = one;
    to->last = &one->next;
    lws_callback_on_writable(to->wsi);
}

static int receive(session *from, struct lws *wsi, const void *bytes, size_t length)
{
    if (from->length + length > MESSAGE_BYTES_MAX) return -1;
    if (from->length + length > from->room) from->received = realloc(from->received, from->room = 2 * (from->length + length));
    memcpy(from->received + from->length, bytes, length);
    from->length += length;
    if (lws_remaining_packet_payload(wsi) > 0 || !lws_is_final_fragment(wsi)) return 0;
    message *whole = malloc(sizeof *whole + LWS_PRE + from->length);
    whole->references = 1;
    whole->binary = lws_frame_is_binary(wsi);
    whole->length = from->length;
    memcpy(whole->bytes + LWS_PRE, from->received, from->length);
    from->length = 0;
    if (from->all) for (session *to = everybody; to; to = to->next) wait_for(to, whole);
    else wait_for(from, whole);
    release(whole);
    return 0;
}

static int send_waiting(session *to, struct lws *wsi)
{
    while (to->first && !lws_send_pipe_choked(wsi))
    {
        waiting *one = to->first;
        enum lws_write_protocol kind = one->message->binary ? LWS_WRITE_BINARY : LWS_WRITE_TEXT;
        if (lws_write(wsi, one->message->bytes + LWS_PRE, one->message->length, kind) < 0) return -1;
        if (!(to->first = one->next)) to->last = &to->first;
        release(one->message);
        free(one);
    }
    if (to->first) lws_callback_on_writable(wsi);
    return 0;
}

static void open_session(session *one, struct lws *wsi)
{
    char path[32] = "";
    lws_hdr_copy(wsi, path, sizeof path, WSI_TOKEN_GET_URI);
    memset(one, 0, sizeof *one);
    one->wsi = wsi;
    one->last = &one->first;
    one->all = strcmp(path, "/all") == 0;
    if (!one->all) return;
    one->next = everybody;
    one->back = &everybody;
    if (everybody) everybody->back = &one->next;
    everybody = one;
}

static void close_session(session *one)
{
    if (one->all && (*one->back = one->next)) one->next->back = one->back;
    while (one->first)
    {
        waiting *next = one->first->next;
        release(one->first->message);
        free(one->first);
        one->first = next;
    }
    free(one->received);
    one->received = NULL;
}

static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *bytes, size_t length)
{
    switch (reason)
    {
    case LWS_CALLBACK_ESTABLISHED: open_session(user, wsi); return 0;
    case LWS_CALLBACK_RECEIVE: return receive(user, wsi, bytes, length);
    case LWS_CALLBACK_SERVER_WRITEABLE: return send_waiting(user, wsi);
    case LWS_CALLBACK_CLOSED: close_session(user); return 0;
    default: return lws_callback_http_dummy(wsi, reason, user, bytes, length);
    }
}

static void on_signal(int number)
{
    (void)number;
    ended = 1;
    lws_cancel_service(context);
}

int main(int count, char **words)
{
    char *rest = NULL;
    long port = count == 2 ? strtol(words[1], &rest, 10) : -1;
    if (port < 0 || port > 65535 || !rest || *rest || rest == words[1])
    {
        fprintf(stderr, "usage: libwebsockets PORT\n");
        return 2;
    }

    static const struct lws_protocols protocols[] = {{"echo", on_event, sizeof(session), 4096, 0, NULL, 0}, {NULL, NULL, 0, 0, 0, NULL, 0}};
    struct lws_context_creation_info info;
    memset(&info, 0, sizeof info);
    info.port = (int)port;
    info.iface = "127.0.0.1";
    info.protocols = protocols;
    info.gid = (gid_t)-1;
    info.uid = (uid_t)-1;
    lws_set_log_level(LLL_ERR, NULL);
    context = lws_create_context(&info);
    if (!context) return 1;
    signal(SIGTERM, on_signal);
    signal(SIGINT, on_signal);
    printf("listening on 127.0.0.1:%d\n", lws_get_vhost_listen_port(lws_get_vhost_by_name(context, "default")));
    fflush(stdout);
    while (!ended && lws_service(context, 0) >= 0) { }
    lws_context_destroy(context);
    return 0;
}
