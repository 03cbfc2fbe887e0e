#include "api/artifacts.h"

#include <fcntl.h>
#include <unistd.h>

struct artifact {
    char *key;
    struct export_file file;
    GList link; /* in artifacts->used */
};

struct artifacts {
    GMutex lock; /* of all below; nothing that waits is done under it */
    GHashTable *by_key;
    GQueue used; /* struct artifact, the one used last first */
    uint64_t bytes, bytes_max;
};

static void artifact_free(gpointer opaque)
{
    struct artifact *artifact = opaque;
    close(artifact->file.fd);
    g_free(artifact->key);
    g_free(artifact);
}

struct artifacts *artifacts_new(uint64_t bytes_max)
{
    struct artifacts *artifacts = g_new0(struct artifacts, 1);
    g_mutex_init(&artifacts->lock);
    artifacts->by_key = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, artifact_free);
    artifacts->bytes_max = bytes_max;
    return artifacts;
}

void artifacts_free(struct artifacts *artifacts)
{
    g_hash_table_destroy(artifacts->by_key);
    g_mutex_clear(&artifacts->lock);
    g_free(artifacts);
}

static void drop(struct artifacts *artifacts, struct artifact *artifact)
{
    artifacts->bytes -= (uint64_t)artifact->file.size;
    g_queue_unlink(&artifacts->used, &artifact->link);
    g_hash_table_remove(artifacts->by_key, artifact->key);
}

bool artifacts_get(struct artifacts *artifacts, const char *key, struct export_file *file)
{
    g_mutex_lock(&artifacts->lock);
    struct artifact *artifact = g_hash_table_lookup(artifacts->by_key, key);
    if (artifact != NULL) {
        g_queue_unlink(&artifacts->used, &artifact->link);
        g_queue_push_head_link(&artifacts->used, &artifact->link);
        *file = artifact->file;
        file->fd = fcntl(artifact->file.fd, F_DUPFD_CLOEXEC, 0);
    }
    g_mutex_unlock(&artifacts->lock);
    return artifact != NULL && file->fd >= 0;
}

void artifacts_put(struct artifacts *artifacts, const char *key, const struct export_file *file)
{
    uint64_t size = (uint64_t)file->size;
    int fd = size <= artifacts->bytes_max ? fcntl(file->fd, F_DUPFD_CLOEXEC, 0) : -1;
    if (fd < 0)
        return;
    struct artifact *artifact = g_new0(struct artifact, 1);
    *artifact = (struct artifact){.key = g_strdup(key), .file = *file};
    artifact->file.fd = fd;
    artifact->link.data = artifact;
    g_mutex_lock(&artifacts->lock);
    struct artifact *old = g_hash_table_lookup(artifacts->by_key, key);
    if (old != NULL)
        drop(artifacts, old);
    while (artifacts->used.length > 0 &&
           (artifacts->bytes + size > artifacts->bytes_max || artifacts->used.length >= ARTIFACTS_MAX))
        drop(artifacts, g_queue_peek_tail(&artifacts->used));
    g_hash_table_insert(artifacts->by_key, artifact->key, artifact);
    g_queue_push_head_link(&artifacts->used, &artifact->link);
    artifacts->bytes += size;
    g_mutex_unlock(&artifacts->lock);
}
