// WebSocket++, a library in C++, with its transport that is fed by hand: the whole of its server's connection, behind a handshake.
#include "../c/drive.h"
#include <sstream>
#include <string>
#include <websocketpp/config/core.hpp>
#include <websocketpp/server.hpp>

typedef websocketpp::server<websocketpp::config::core> endpoint;

namespace {
const char request[] = "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                       "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

struct connection {
    endpoint server;
    endpoint::connection_ptr peer;
    bool open = false, failed = false;
};
}

const char *const parser_name = "websocketpp (C++)";

const char *parser_version() {
    static const std::string version = std::to_string(websocketpp::major_version) + "." + std::to_string(websocketpp::minor_version) + "."
        + std::to_string(websocketpp::patch_version);
    return version.c_str();
}

void *parser_open() {
    connection *made = new connection;
    made->server.clear_access_channels(websocketpp::log::alevel::all);
    made->server.clear_error_channels(websocketpp::log::elevel::all);
    made->server.set_max_message_size(64 << 20);
    made->peer = made->server.get_connection();
    made->peer->set_message_handler([](websocketpp::connection_hdl, endpoint::message_ptr message) {
        sink_message(message->get_opcode(), message->get_payload().data(), message->get_payload().size());
    });
    made->peer->set_fail_handler([made](websocketpp::connection_hdl) { made->failed = true; });
    made->peer->set_close_handler([made](websocketpp::connection_hdl) { made->failed = true; });
    // A frame is written in two pieces: its header and its payload.
    made->peer->set_vector_write_handler([made](websocketpp::connection_hdl, std::vector<websocketpp::transport::buffer> const &pieces) {
        if (made->open) {
            std::string frame;
            for (auto const &piece : pieces) frame.append(piece.buf, piece.len);
            sink_sent(frame.data(), frame.size());
        }
        return websocketpp::lib::error_code();
    });
    made->peer->set_write_handler([made](websocketpp::connection_hdl, char const *bytes, size_t length) {
        if (made->open) sink_sent(bytes, length);
        return websocketpp::lib::error_code();
    });
    made->peer->start();
    made->peer->read_all(request, sizeof request - 1);
    made->open = true;
    return made;
}

int parser_feed(void *parser, const unsigned char *bytes, size_t length) {
    connection *to = static_cast<connection *>(parser);
    return to->peer->read_all(reinterpret_cast<const char *>(bytes), length) == length && !to->failed ? 0 : -1;
}

void parser_close(void *parser) {
    connection *closed = static_cast<connection *>(parser);
    closed->peer->eof();
    delete closed;
}

int main(int count, char **words) { return drive(count, words); }
