/* Vectorscan as a scanner: vectorscan PATTERNS TREE. Every pattern that it takes, over every regular file, a block each. */
#define _XOPEN_SOURCE 700
#include <fcntl.h>
#include <ftw.h>
#include <hs/hs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST_PATTERNS = 4096 };

static hs_database_t *database;
static hs_scratch_t *scratch;
static char *buffer;
static size_t room;
static unsigned long long files, bytes, matches;

static int on_match(unsigned id, unsigned long long from, unsigned long long to, unsigned flags, void *context) {
    (void)id, (void)from, (void)to, (void)flags, (void)context;
    matches++;
    return 0;
}

static int on_file(const char *path, const struct stat *about, int kind, struct FTW *where) {
    (void)where;
    if (kind != FTW_F || !S_ISREG(about->st_mode) || about->st_size == 0)
        return 0;
    int fd = open(path, O_RDONLY);
    if (fd < 0)
        return 0;
    if ((size_t)about->st_size > room) {
        room = about->st_size;
        buffer = realloc(buffer, room);
        if (!buffer)
            abort();
    }
    size_t have = 0;
    for (ssize_t got; have < (size_t)about->st_size && (got = read(fd, buffer + have, about->st_size - have)) > 0;)
        have += got;
    close(fd);
    files++;
    bytes += have;
    return hs_scan(database, buffer, have, 0, scratch, on_match, NULL) == HS_SUCCESS ? 0 : 1;
}

/* Whether the pattern is taken; says so when it is not. */
static int is_taken(const char *pattern) {
    hs_database_t *one;
    hs_compile_error_t *error;
    if (hs_compile(pattern, 0, HS_MODE_BLOCK, NULL, &one, &error) == HS_SUCCESS) {
        hs_free_database(one);
        return 1;
    }
    fprintf(stderr, "not taken: %s: %.60s\n", error->message, pattern);
    hs_free_compile_error(error);
    return 0;
}

int main(int count, char **args) {
    static const char *patterns[MOST_PATTERNS];
    static unsigned flags[MOST_PATTERNS], ids[MOST_PATTERNS];
    unsigned taken = 0, all = 0;
    FILE *file = count == 3 ? fopen(args[1], "r") : NULL;
    if (!file)
        return 2;
    char *line = NULL;
    size_t size = 0;
    for (ssize_t len; taken < MOST_PATTERNS && (len = getline(&line, &size, file)) > 0;) {
        if (line[len - 1] == '\n')
            line[len - 1] = 0;
        all++;
        if (!is_taken(line))
            continue;
        patterns[taken] = strdup(line);
        ids[taken] = all;
        taken++;
    }
    hs_compile_error_t *error;
    if (hs_compile_multi(patterns, flags, ids, taken, HS_MODE_BLOCK, NULL, &database, &error) != HS_SUCCESS) {
        fprintf(stderr, "%s\n", error->message);
        return 2;
    }
    if (hs_alloc_scratch(database, &scratch) != HS_SUCCESS || nftw(args[2], on_file, 64, FTW_PHYS) != 0)
        return 2;
    printf("%u of %u patterns, %llu files, %llu bytes, %llu ends of matches\n", taken, all, files, bytes, matches);
    return 0;
}
