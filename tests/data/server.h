/* server.h - a small HTTP server on loopback, in a thread of the test, that can misbehave. */
#ifndef TESTS_SERVER_H
#define TESTS_SERVER_H

#include <arpa/inet.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SERVED = 8 };

/* Set by the test between requests, read by the server's thread during one. */
static struct {
    int socket, port;
    pthread_t thread;
    struct { char path[128]; const uint8_t *bytes; size_t count; } file[SERVED];
    size_t files;
    size_t break_after;        /* the body ends here, once; 0: it does not */
    bool no_ranges;            /* ranges are ignored */
    bool refuse_ranges;        /* ranges are answered 416 */
    bool wrong;                /* the last byte of a body is another one */
    const char *redirect;      /* every path beginning with /moved is answered with this and the rest */
    int requests;
    size_t range;              /* where the last request began */
} server;

static inline void send_all(int to, const void *bytes, size_t count)
{
    for (size_t done = 0; done < count;) {
        ssize_t n = send(to, (const char *)bytes + done, count - done, MSG_NOSIGNAL);
        if (n <= 0)
            return;
        done += (size_t)n;
    }
}

static inline void send_status(int to, const char *status, const char *header)
{
    char text[512];
    int n = snprintf(text, sizeof text, "HTTP/1.1 %s\r\nConnection: close\r\n%s\r\n", status, header);
    send_all(to, text, (size_t)n);
}

static inline void send_file(int to, size_t i, size_t from)
{
    char header[256];
    size_t count = server.file[i].count, end = count;
    snprintf(header, sizeof header, "Content-Length: %zu\r\nContent-Range: bytes %zu-%zu/%zu\r\n",
             count - from, from, count - 1, count);
    if (from == 0)
        *strstr(header, "Content-Range") = '\0';
    send_status(to, from ? "206 Partial Content" : "200 OK", header);
    if (server.break_after && from + server.break_after < count)
        end = from + server.break_after;
    server.break_after = 0;
    if (server.wrong && end == count) {
        uint8_t last = (uint8_t)~server.file[i].bytes[count - 1];
        send_all(to, server.file[i].bytes + from, count - from - 1);
        send_all(to, &last, 1);
    } else {
        send_all(to, server.file[i].bytes + from, end - from);
    }
}

static inline void answer(int to, const char *request)
{
    char path[128] = "", location[300];
    const char *range = strstr(request, "Range: bytes=");
    sscanf(request, "GET %127s", path);
    size_t from = range ? strtoul(range + 13, NULL, 10) : 0;
    server.range = from;
    if (server.redirect && strncmp(path, "/moved", 6) == 0) {
        snprintf(location, sizeof location, "Location: %s%s\r\nContent-Length: 0\r\n", server.redirect,
                 path + 6);
        send_status(to, "302 Found", location);
        return;
    }
    for (size_t i = 0; i < server.files; i++)
        if (strcmp(server.file[i].path, path) == 0) {
            if (from && (server.refuse_ranges || from >= server.file[i].count))
                send_status(to, "416 Range Not Satisfiable", "Content-Length: 0\r\n");
            else
                send_file(to, i, server.no_ranges ? 0 : from);
            return;
        }
    send_status(to, "404 Not Found", "Content-Length: 4\r\n");
    send_all(to, "gone", 4);
}

static inline void *serve(void *unused)
{
    (void)unused;
    for (;;) {
        char request[4096];
        size_t n = 0;
        int to = accept(server.socket, NULL, NULL);
        if (to < 0)
            return NULL;
        request[0] = '\0';
        while (n < sizeof request - 1 && strstr(request, "\r\n\r\n") == NULL) {
            ssize_t got = recv(to, request + n, sizeof request - 1 - n, 0);
            if (got <= 0)
                break;
            n += (size_t)got;
            request[n] = '\0';
        }
        server.requests++;
        answer(to, request);
        shutdown(to, SHUT_WR);
        while (recv(to, request, sizeof request, 0) > 0)
            ;
        close(to);
    }
}

static inline void start_server(void)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t length = sizeof address;
    server.socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(server.socket, (struct sockaddr *)&address, length) != 0 ||
        listen(server.socket, 8) != 0 ||
        getsockname(server.socket, (struct sockaddr *)&address, &length) != 0 ||
        pthread_create(&server.thread, NULL, serve, NULL) != 0)
        abort();
    server.port = ntohs(address.sin_port);
}

static inline void stop_server(void)
{
    shutdown(server.socket, SHUT_RDWR);
    pthread_join(server.thread, NULL);
    close(server.socket);
}

/* Serves bytes, which must stay, under a path that begins with a slash. */
static inline void serve_file(const char *path, const void *bytes, size_t count)
{
    size_t i = 0;
    while (i < server.files && strcmp(server.file[i].path, path) != 0)
        i++;
    if (i == SERVED)
        abort();
    server.files = i == server.files ? i + 1 : server.files;
    snprintf(server.file[i].path, sizeof server.file[i].path, "%s", path);
    server.file[i].bytes = bytes;
    server.file[i].count = count;
}

/* Back to a server that behaves and has no files. */
static inline void reset_server(void)
{
    server.files = 0;
    server.break_after = 0;
    server.no_ranges = server.refuse_ranges = server.wrong = false;
    server.redirect = NULL;
    server.requests = 0;
    server.range = 0;
}

#endif
