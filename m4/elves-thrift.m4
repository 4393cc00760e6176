# ELVES_THRIFT_ARCHIVE: links Thrift's archive instead of its shared library, where there is one.
#
# The shared library brings libssl and libcrypto for a socket we do not use: 1.8 MB of resident memory
# of an idle agent, a fifth of it. The archive gives only what is referenced.
AC_DEFUN([ELVES_THRIFT_ARCHIVE], [
  AC_MSG_CHECKING([for an archive of thrift_c_glib])
  elves_saved_libs=$LIBS
  LIBS="-l:libthrift_c_glib.a $GLIB_LIBS $LIBS"
  AC_LINK_IFELSE([AC_LANG_CALL([], [thrift_binary_protocol_get_type])],
                 [THRIFT_C_GLIB_LIBS=-l:libthrift_c_glib.a; AC_MSG_RESULT([yes])],
                 [AC_MSG_RESULT([no])])
  LIBS=$elves_saved_libs
])
