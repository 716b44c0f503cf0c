// Boost.Beast, a library in C++: its stream with its blocking calls, over a stream of our own that gives one arrival after the other.
// Behind a handshake.
#include "../c/drive.h"
#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/websocket.hpp>
#include <cstring>
#include <string>

namespace beast = boost::beast;
namespace asio = boost::asio;

namespace {
asio::io_context context;

struct wire_stream {
    typedef asio::io_context::executor_type executor_type;

    const unsigned char *bytes = nullptr;
    const unsigned char *arrivals = nullptr;
    std::size_t count = 0; // of arrivals that have not begun
    std::size_t left = 0;  // of the arrival that has begun
    bool open = false;

    void set(const unsigned char *wire, const unsigned char *lengths, std::size_t number) {
        bytes = wire;
        arrivals = lengths;
        count = number;
        left = 0;
    }

    executor_type get_executor() { return context.get_executor(); }

    template <class Buffers> std::size_t read_some(Buffers const &to, beast::error_code &error) {
        error = {};
        std::size_t total = 0;
        if (left == 0 && count > 0) {
            left = arrival_length(arrivals);
            arrivals += 4;
            count--;
        }
        for (auto it = asio::buffer_sequence_begin(to); it != asio::buffer_sequence_end(to) && left > 0; ++it) {
            asio::mutable_buffer piece(*it);
            std::size_t length = std::min(piece.size(), left);
            std::memcpy(piece.data(), bytes, length);
            bytes += length;
            left -= length;
            total += length;
        }
        if (total == 0 && asio::buffer_size(to) > 0) error = asio::error::eof;
        return total;
    }

    template <class Buffers> std::size_t read_some(Buffers const &to) {
        beast::error_code error;
        return read_some(to, error);
    }

    template <class Buffers> std::size_t write_some(Buffers const &from, beast::error_code &error) {
        error = {};
        std::string frame = beast::buffers_to_string(from);
        if (open) sink_sent(frame.data(), frame.size());
        return frame.size();
    }

    template <class Buffers> std::size_t write_some(Buffers const &from) {
        beast::error_code error;
        return write_some(from, error);
    }
};

void teardown(beast::role_type, wire_stream &, beast::error_code &error) { error = {}; }

struct connection {
    beast::websocket::stream<wire_stream, false> peer;
    beast::flat_buffer message;
};

const char request[] = "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                       "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
}

const char *const parser_name = "Beast (C++)";

const char *parser_version() { return BOOST_LIB_VERSION; }

void *parser_open() {
    connection *made = new connection;
    made->peer.read_message_max(64 << 20);
    const unsigned char length[] = {sizeof request - 1, 0, 0, 0};
    made->peer.next_layer().set(reinterpret_cast<const unsigned char *>(request), length, 1);
    beast::error_code error;
    made->peer.accept(error);
    made->peer.next_layer().open = true;
    return made;
}

int parser_read_all(void *parser, const unsigned char *wire, const unsigned char *arrivals, std::size_t count, std::size_t messages) {
    connection *to = static_cast<connection *>(parser);
    to->peer.next_layer().set(wire, arrivals, count);
    for (; messages > 0; messages--) {
        beast::error_code error;
        to->peer.read(to->message, error);
        if (error) return error == asio::error::eof ? 0 : -1;
        sink_message(to->peer.got_text() ? 1 : 2, to->message.data().data(), to->message.size());
        to->message.consume(to->message.size());
    }
    return 0;
}

void parser_close(void *parser) { delete static_cast<connection *>(parser); }

int main(int count, char **words) { return drive(count, words); }
