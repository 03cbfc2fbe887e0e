/* cpu: the CPU time that this process has taken so far. */
#ifndef DAYBOOK_BENCH_CPU_H
#define DAYBOOK_BENCH_CPU_H

#include <sys/resource.h>

/* User and system time of all threads, seconds. */
static inline double cpu_seconds(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

#endif
