/* Shows GLib's locks, and librdkafka's threads, to ThreadSanitizer (SAN=thread only).
 *
 * GLib's mutexes, conditions and queues are futexes inside a library that is not instrumented: without this file every access that
 * they guard would be reported as a race. Each function here calls the real one and tells the sanitizer what it orders. It is
 * linked into the program, so it stands before the library's own. */
#include <dlfcn.h>
#include <glib.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <threads.h>

void __tsan_acquire(void *address);
void __tsan_release(void *address);
const char *__tsan_default_suppressions(void);

/* ISO C has no cast from void * to a function; POSIX promises that this works. Several threads may look the same pointer up. */
#define REAL(function, type)         \
    static _Atomic(type) found;      \
    type real = atomic_load(&found); \
    if (!real)                       \
    atomic_store(&found, real = (__extension__(type) dlsym(RTLD_NEXT, #function)))

typedef void (*on_mutex)(GMutex *);
typedef gboolean (*try_mutex)(GMutex *);

void g_mutex_lock(GMutex *mutex)
{
    REAL(g_mutex_lock, on_mutex);
    real(mutex);
    __tsan_acquire(mutex);
}

gboolean g_mutex_trylock(GMutex *mutex)
{
    REAL(g_mutex_trylock, try_mutex);
    gboolean locked = real(mutex);
    if (locked)
        __tsan_acquire(mutex);
    return locked;
}

void g_mutex_unlock(GMutex *mutex)
{
    REAL(g_mutex_unlock, on_mutex);
    __tsan_release(mutex);
    real(mutex);
}

typedef void (*wait_cond)(GCond *, GMutex *);
typedef gboolean (*wait_cond_until)(GCond *, GMutex *, gint64);

void g_cond_wait(GCond *cond, GMutex *mutex)
{
    REAL(g_cond_wait, wait_cond);
    __tsan_release(mutex);
    real(cond, mutex);
    __tsan_acquire(mutex);
}

gboolean g_cond_wait_until(GCond *cond, GMutex *mutex, gint64 end_time)
{
    REAL(g_cond_wait_until, wait_cond_until);
    __tsan_release(mutex);
    gboolean signalled = real(cond, mutex, end_time);
    __tsan_acquire(mutex);
    return signalled;
}

/* ---- queues: whoever takes sees what whoever put had done ---- */

typedef void (*push_queue)(GAsyncQueue *, gpointer);
typedef gpointer (*pop_queue)(GAsyncQueue *);
typedef gpointer (*pop_queue_timeout)(GAsyncQueue *, guint64);

void g_async_queue_push(GAsyncQueue *queue, gpointer data)
{
    REAL(g_async_queue_push, push_queue);
    __tsan_release(queue);
    real(queue, data);
}

gpointer g_async_queue_pop(GAsyncQueue *queue)
{
    REAL(g_async_queue_pop, pop_queue);
    gpointer data = real(queue);
    __tsan_acquire(queue);
    return data;
}

gpointer g_async_queue_try_pop(GAsyncQueue *queue)
{
    REAL(g_async_queue_try_pop, pop_queue);
    gpointer data = real(queue);
    __tsan_acquire(queue);
    return data;
}

gpointer g_async_queue_timeout_pop(GAsyncQueue *queue, guint64 timeout)
{
    REAL(g_async_queue_timeout_pop, pop_queue_timeout);
    gpointer data = real(queue, timeout);
    __tsan_acquire(queue);
    return data;
}

/* ---- threads: GLib hands the function and its argument over inside its own lock ---- */

typedef gpointer (*join_thread)(GThread *);

gpointer g_thread_join(GThread *thread)
{
    REAL(g_thread_join, join_thread);
    gpointer result = real(thread);
    __tsan_acquire(thread);
    return result;
}

typedef void (*on_rw)(GRWLock *);
#define RW(function, before, after) \
    void function(GRWLock *lock)    \
    {                               \
        REAL(function, on_rw);      \
        before;                     \
        real(lock);                 \
        after;                      \
    }
RW(g_rw_lock_writer_lock, (void)0, __tsan_acquire(lock))
RW(g_rw_lock_writer_unlock, __tsan_release(lock), (void)0)
RW(g_rw_lock_reader_lock, (void)0, __tsan_acquire(lock))
RW(g_rw_lock_reader_unlock, __tsan_release(lock), (void)0)

/* librdkafka counts references with atomics that the sanitizer does not see, and frees what is ours no longer; we have no rwlock.
 */
const char *__tsan_default_suppressions(void)
{
    return "race:pthread_rwlock_destroy\ncalled_from_lib:librdkafka.so\n";
}

/* librdkafka makes C11 threads, which the sanitizer does not see begin: their first malloc would crash in it. POSIX ones it sees.
 */
struct start {
    thrd_start_t run;
    void *argument;
};

static void *start_thread(void *data)
{
    struct start start = *(struct start *)data;

    g_free(data);
    return (void *)(intptr_t)start.run(start.argument);
}

int thrd_create(thrd_t *thread, thrd_start_t run, void *argument)
{
    struct start *start = g_new(struct start, 1);

    *start = (struct start){run, argument};
    if (pthread_create(thread, NULL, start_thread, start) == 0)
        return thrd_success;
    g_free(start);
    return thrd_error;
}

int thrd_join(thrd_t thread, int *result)
{
    void *value;

    if (pthread_join(thread, &value) != 0)
        return thrd_error;
    if (result)
        *result = (int)(intptr_t)value;
    return thrd_success;
}

int thrd_detach(thrd_t thread)
{
    return pthread_detach(thread) == 0 ? thrd_success : thrd_error;
}

/* ---- C11 mutexes, under which librdkafka hands over what it has fetched ---- */

typedef int (*on_mtx)(mtx_t *);
typedef int (*wait_cnd)(cnd_t *, mtx_t *);
typedef int (*wait_cnd_until)(cnd_t *, mtx_t *, const struct timespec *);

int mtx_lock(mtx_t *mutex)
{
    REAL(mtx_lock, on_mtx);
    int result = real(mutex);
    __tsan_acquire(mutex);
    return result;
}

int mtx_unlock(mtx_t *mutex)
{
    REAL(mtx_unlock, on_mtx);
    __tsan_release(mutex);
    return real(mutex);
}

int cnd_wait(cnd_t *condition, mtx_t *mutex)
{
    REAL(cnd_wait, wait_cnd);
    __tsan_release(mutex);
    int result = real(condition, mutex);
    __tsan_acquire(mutex);
    return result;
}

int cnd_timedwait(cnd_t *condition, mtx_t *mutex, const struct timespec *until)
{
    REAL(cnd_timedwait, wait_cnd_until);
    __tsan_release(mutex);
    int result = real(condition, mutex, until);
    __tsan_acquire(mutex);
    return result;
}
