/* A wall clock that a test can set for one process: preloaded, it adds to the real one what the file OCTAVO_TEST_CLOCK
   says, a 64-bit number of seconds, from the moment on when that is written. Monotonic clocks stay as they are. It asks
   the kernel itself, so that an allocator may ask for the time while nothing else works yet (libfaketime ends there). */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile const int64_t* offset_s;

__attribute__((constructor)) static void read_offset(void) {
  const char* path = getenv("OCTAVO_TEST_CLOCK");
  int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
  void* page = file < 0 ? MAP_FAILED : mmap(NULL, sizeof *offset_s, PROT_READ, MAP_SHARED, file, 0);
  if (page != MAP_FAILED) offset_s = page;
  if (file >= 0) close(file);
}

int clock_gettime(clockid_t id, struct timespec* now) {
  long result = syscall(SYS_clock_gettime, id, now);
  if (result == 0 && offset_s && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)) now->tv_sec += *offset_s;
  return (int)result;
}

int gettimeofday(struct timeval* now, void* zone) {
  struct timespec exact;
  (void)zone;
  if (clock_gettime(CLOCK_REALTIME, &exact) != 0) return -1;
  now->tv_sec = exact.tv_sec;
  now->tv_usec = exact.tv_nsec / 1000;
  return 0;
}

time_t time(time_t* to) {
  struct timespec exact;
  if (clock_gettime(CLOCK_REALTIME, &exact) != 0) return -1;
  if (to) *to = exact.tv_sec;
  return exact.tv_sec;
}
