# The switches of ./configure that change how the tree is compiled, never what it does.

WARN_CFLAGS="-Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 -Wundef -Wno-unused-parameter -Wno-missing-field-initializers"

AC_ARG_ENABLE([werror], [AS_HELP_STRING([--enable-werror], [warnings are errors])],
              [], [enable_werror=no])
AS_IF([test "x$enable_werror" = xyes], [WARN_CFLAGS="$WARN_CFLAGS -Werror"])
AC_SUBST([WARN_CFLAGS])

AC_ARG_ENABLE([sanitizers],
              [AS_HELP_STRING([--enable-sanitizers=LIST], [instrument with -fsanitize=LIST, e.g. address,undefined])],
              [], [enable_sanitizers=no])
AS_CASE([$enable_sanitizers],
        [no], [],
        [yes], [SANITIZER_FLAGS="-fsanitize=address,undefined"],
        [SANITIZER_FLAGS="-fsanitize=$enable_sanitizers"])
AS_IF([test -n "$SANITIZER_FLAGS"],
      [SANITIZER_FLAGS="$SANITIZER_FLAGS -fno-sanitize-recover=all -fno-omit-frame-pointer"])
AC_SUBST([SANITIZER_FLAGS])
AM_CONDITIONAL([SANITIZED], [test -n "$SANITIZER_FLAGS"])

AC_ARG_ENABLE([coverage], [AS_HELP_STRING([--enable-coverage], [instrument for gcov])],
              [], [enable_coverage=no])
AS_IF([test "x$enable_coverage" = xyes], [COVERAGE_FLAGS="--coverage -O0"])
AC_SUBST([COVERAGE_FLAGS])

# Fuzzing needs clang's libFuzzer; the targets are built by `make fuzz`.
AC_ARG_ENABLE([fuzzing], [AS_HELP_STRING([--enable-fuzzing], [build the libFuzzer targets (CC=clang)])],
              [], [enable_fuzzing=no])
AM_CONDITIONAL([FUZZING], [test "x$enable_fuzzing" = xyes])
AS_IF([test "x$enable_fuzzing" = xyes],
      [SANITIZER_FLAGS="-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer"])
