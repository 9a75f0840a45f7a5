/* A mail server for benchmarks that takes every mail and forgets it. It needs about 5 µs a mail, so that the sender is
 * the limit and not the sink. One thread, epoll, PIPELINING, and a simulated round trip: what arrives is looked at
 * later by so many milliseconds.
 *
 *   sink PORT ROUND_TRIP_MS
 *
 * STAT answers "250 <mails> <first> <last>": the mails since the last ZERO, when the first one began (its MAIL FROM)
 * and when the last one was accepted, in nanoseconds of CLOCK_MONOTONIC. It listens on 127.0.0.1 only.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PIECE = 1 << 18, MANY = 256 };

struct client {
    int fd, in_body, has_mail, has_rcpt, is_closed;
    int late;            /* pieces of it that wait for their time */
    char *in;            /* what is not understood yet */
    size_t in_size, in_room;
    char *out;           /* replies of one piece, sent together */
    size_t out_size, out_room;
};

/* What arrived and is to be looked at later; all wait equally long, so they stay in order. */
struct late {
    struct client *client;
    long long due;
    struct late *next;
    size_t size;
    char bytes[];
};

static struct late *late_first, *late_last;
static long long round_trip, first_at, last_at, mails;

static long long now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void *more(void *old, size_t size) {
    void *got = realloc(old, size);
    if (!got) abort();
    return got;
}

static void append(char **to, size_t *size, size_t *room, const char *bytes, size_t count) {
    if (*size + count > *room) *to = more(*to, *room = 2 * (*size + count));
    memcpy(*to + *size, bytes, count);
    *size += count;
}

static void say(struct client *c, const char *line) {
    append(&c->out, &c->out_size, &c->out_room, line, strlen(line));
}

static void answer(struct client *c) {
    size_t done = 0;
    while (done < c->out_size && !c->is_closed) {
        ssize_t n = send(c->fd, c->out + done, c->out_size - done, MSG_NOSIGNAL);
        if (n >= 0) {
            done += n;
        } else if (errno == EAGAIN) {
            struct pollfd room = {.fd = c->fd, .events = POLLOUT};
            poll(&room, 1, 1000);
        } else {
            c->is_closed = 1;
        }
    }
    c->out_size = 0;
}

static void accepted(struct client *c) {
    mails++;
    last_at = now();
    c->has_mail = c->has_rcpt = 0;
    say(c, "250 2.0.0 Ok: queued as 4F1A2B3C4D5E\r\n");
}

static void stat_line(struct client *c) {
    char line[100];
    snprintf(line, sizeof line, "250 %lld %lld %lld\r\n", mails, first_at, last_at);
    say(c, line);
}

static void command(struct client *c, const char *line) {
    if (!strncasecmp(line, "MAIL", 4)) {
        if (c->has_mail) { say(c, "503 5.5.1 Nested MAIL command\r\n"); return; }
        if (!first_at) first_at = now();
        c->has_mail = 1;
        say(c, "250 2.1.0 Ok\r\n");
    } else if (!strncasecmp(line, "RCPT", 4)) {
        c->has_rcpt = c->has_mail;
        say(c, c->has_mail ? "250 2.1.5 Ok\r\n" : "503 5.5.1 Need MAIL first\r\n");
    } else if (!strncasecmp(line, "DATA", 4)) {
        c->in_body = c->has_rcpt;
        say(c, c->has_rcpt ? "354 End data with <CR><LF>.<CR><LF>\r\n" : "554 5.5.1 No valid recipients\r\n");
    } else if (!strncasecmp(line, "EHLO", 4)) {
        say(c, "250-sink\r\n250-PIPELINING\r\n250-SIZE 50000000\r\n250-ENHANCEDSTATUSCODES\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n");
    } else if (!strncasecmp(line, "HELO", 4) || !strncasecmp(line, "NOOP", 4)) {
        say(c, "250 2.0.0 Ok\r\n");
    } else if (!strncasecmp(line, "RSET", 4)) {
        c->has_mail = c->has_rcpt = 0;
        say(c, "250 2.0.0 Ok\r\n");
    } else if (!strncasecmp(line, "STAT", 4)) {
        stat_line(c);
    } else if (!strncasecmp(line, "ZERO", 4)) {
        stat_line(c);
        mails = first_at = last_at = 0;
    } else if (!strncasecmp(line, "QUIT", 4)) {
        say(c, "221 2.0.0 Bye\r\n");
        answer(c);
        c->is_closed = 1;
        shutdown(c->fd, SHUT_WR);
    } else {
        say(c, "500 5.5.2 What?\r\n");
    }
}

/* The end of the body that starts at ``at``: behind its final dot, or NULL while it is not there. */
static char *behind_dot(struct client *c, char *at, char *end) {
    if (c->in_body == 1) { /* the very first line may be the dot */
        if (end - at < 3) return NULL;
        if (!memcmp(at, ".\r\n", 3)) return at + 3;
        c->in_body = 2;
    }
    char *dot = memmem(at, end - at, "\r\n.\r\n", 5);
    return dot ? dot + 5 : NULL;
}

static void understand(struct client *c, const char *bytes, size_t count) {
    append(&c->in, &c->in_size, &c->in_room, bytes, count);
    char *at = c->in, *end = c->in + c->in_size;
    while (at < end && !c->is_closed) {
        if (c->in_body) {
            char *next = behind_dot(c, at, end);
            if (!next) {
                if (c->in_body == 2 && end - at > 4) at = end - 4; /* the dot may be cut in two */
                break;
            }
            at = next;
            c->in_body = 0;
            accepted(c);
        } else {
            char *line_end = memchr(at, '\n', end - at);
            if (!line_end) break;
            *line_end = 0;
            command(c, at);
            at = line_end + 1;
        }
    }
    c->in_size = end - at;
    memmove(c->in, at, c->in_size);
    answer(c);
}

static void forget(struct client *c) {
    if (c->fd >= 0) close(c->fd);
    c->fd = -1;
    c->is_closed = 1;
    if (c->late) return; /* the last late piece of it comes back here */
    free(c->in);
    free(c->out);
    free(c);
}

static void keep(struct client *c, const char *bytes, size_t count) {
    struct late *piece = more(NULL, sizeof *piece + count);
    *piece = (struct late){.client = c, .due = now() + round_trip, .size = count};
    memcpy(piece->bytes, bytes, count);
    if (late_last) late_last->next = piece; else late_first = piece;
    late_last = piece;
    c->late++;
}

static void look_at_late(void) {
    long long t = late_first ? now() : 0;
    while (late_first && late_first->due <= t) {
        struct late *piece = late_first;
        struct client *c = piece->client;
        late_first = piece->next;
        if (!late_first) late_last = NULL;
        c->late--;
        if (c->fd < 0) {
            forget(c);
        } else if (piece->size) {
            understand(c, piece->bytes, piece->size);
        } else {
            say(c, "220 sink ESMTP\r\n");
            answer(c);
        }
        free(piece);
    }
}

static void welcome(int epoll, int listener) {
    int fd, one = 1;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        struct client *c = calloc(1, sizeof *c);
        if (!c) abort();
        c->fd = fd;
        struct epoll_event want = {.events = EPOLLIN, .data.ptr = c};
        epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &want);
        if (round_trip) {
            keep(c, "", 0);
        } else {
            say(c, "220 sink ESMTP\r\n");
            answer(c);
        }
    }
}

static void hear(struct client *c) {
    static char piece[PIECE];
    ssize_t count = recv(c->fd, piece, sizeof piece, 0);
    if (count < 0 && errno == EAGAIN) return;
    if (count <= 0) forget(c);
    else if (round_trip) keep(c, piece, count);
    else understand(c, piece, count);
}

static int listen_on(int port) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, (struct sockaddr *)&at, sizeof at) || listen(fd, 4096)) {
        perror("sink");
        exit(1);
    }
    return fd;
}

int main(int count, char **words) {
    if (count != 3) {
        fprintf(stderr, "usage: sink PORT ROUND_TRIP_MS\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    round_trip = (long long)(atof(words[2]) * 1e6);
    int listener = listen_on(atoi(words[1])), epoll = epoll_create1(0);
    struct epoll_event want = {.events = EPOLLIN}, got[MANY];
    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &want);
    for (;;) {
        struct timespec wait = {0}, *limit = NULL;
        if (late_first) {
            long long left = late_first->due - now();
            if (left > 0) wait = (struct timespec){left / 1000000000LL, left % 1000000000LL};
            limit = &wait;
        }
        int some = epoll_pwait2(epoll, got, MANY, limit, NULL);
        for (int i = 0; i < some; i++) {
            if (got[i].data.ptr) hear(got[i].data.ptr);
            else welcome(epoll, listener);
        }
        look_at_late();
    }
}
