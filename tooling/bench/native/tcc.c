// What libtcc needs for a C function: source text to the result of the first call. Prints nanoseconds, one line a compile.
// Arguments: the C file, and how often. Each compile is a state of its own, as libtcc wants it.
#include <libtcc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

typedef double (*Soften)(double *, int64_t, double, double);

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static int64_t compile_and_call(const char *source) {
  double data[3] = {1, 2, 30};
  int64_t start = now();
  TCCState *state = tcc_new();
  tcc_set_options(state, "-nostdlib");
  tcc_set_output_type(state, TCC_OUTPUT_MEMORY);
  if (tcc_compile_string(state, source) != 0 || tcc_relocate(state, TCC_RELOCATE_AUTO) != 0) exit(1);
  Soften soften = (Soften)tcc_get_symbol(state, "soften");
  double result = soften ? soften(data, 3, 1.5, 10) : -1;
  int64_t elapsed = now() - start;
  tcc_delete(state);
  if (result != 8.5) {
    fprintf(stderr, "soften gives %g, not 8.5\n", result);
    exit(1);
  }
  return elapsed;
}

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  static char source[1 << 16];
  FILE *file = fopen(argv[1], "r");
  if (file == NULL) return 1;
  size_t size = fread(source, 1, sizeof source - 1, file);
  fclose(file);
  source[size] = 0;
  for (int i = atoi(argv[2]); i > 0; i--) printf("%lld\n", (long long)compile_and_call(source));
  return 0;
}
